"""Split a region into digits that touch.

No rule on pixels alone can tell a 0 and a 1 that touch from a wide 6. So a region is cut in more
places than there are digits, the pieces between any two cuts are scored by a classifier, and
dynamic programming finds the sequence of pieces with the best score: Y. LeCun, L. Bottou, Y. Bengio
and P. Haffner, "Gradient-based learning applied to document recognition", 1998, section V
("heuristic over-segmentation").
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, final

import numpy as np

from numcnn.deadline import check_deadline
from numcnn.handwriting.vision.cut_paths import (
    NARROWEST_DIGIT,
    Cut,
    enlarged,
    find_cuts,
    reduced_ink,
)
from numcnn.handwriting.vision.region import Region, trimmed
from numcnn.handwriting.vision.region_score import RegionScore, Score

Span = tuple[int, int]
"""Two bounds, by their places in a list of bounds: where a piece begins and where it ends."""

# Set by hand unless a measurement is named; see tests/handwriting/vision/test_split.py. "Height" is
# that of the line's digits, or of the region if it is higher.
# Rows of a reduced region in which pieces are tried: the network sees 20 of a digit, made from 120.
_PIECE_ROWS: Final = 160
_NARROWEST_PAIR: Final = 0.65  # share of the height: the width of two digits
_WIDEST_SPAN: Final = 1.5  # share of the height: the mean distance of two cuts around a digit
_MOST_CROSSED: Final = 0.1  # share of the height: by so much, one cut may cross another
_WIDEST: Final = 1.3  # share of the height: the width of a digit
_LOWEST: Final = 0.4  # share of the height: the height of a digit
_RARELY_WIDER: Final = 1.05  # share of the height: few digits are wider
_RARELY_LOWER: Final = 0.7  # share of the height: few digits are lower
# Natural logarithm of probability, for each height that a digit is wider or lower than that.
_SHAPE_PENALTY: Final = 6.0
_LEAST_MASS: Final = 0.15  # share of the ink that a digit has on average
_MEAN_WIDTH: Final = 0.6  # share of the height: the width of a digit on average
# Natural logarithms of probability: what a cut costs, and what each stroke costs that it crosses.
# A small gain in certainty justifies no cut.
_CUT_PENALTY: Final = 0.3
_STROKE_PENALTY: Final = 0.3
# Natural logarithms of probability, by which "neither" must exceed "digits that touch" for a region
# not to be split; beside other digits, drawings are rare.
_NEITHER_MARGIN: Final = 1.0
_NEITHER_MARGIN_AMONG_DIGITS: Final = 3.0
# Of 2,740 pictures of handwriting, the most complicated one tries 1,338 pieces.
_MOST_PIECES: Final = 1500  # in a picture; each takes a millisecond or two to frame and classify
_PIECES_FOR_CUTS: Final = 5  # to find the cuts takes as long as to classify so many pieces


@final
@dataclass(eq=False)
class Budget:
    """How much may still be tried to split the regions of one picture.

    Attributes:
        pieces: How many more pieces may be classified.
    """

    pieces: int = _MOST_PIECES


def best_split(
    region: Region,
    region_score: RegionScore,
    score: Score,
    height: float = 0.0,
    *,
    is_among_digits: bool = False,
    budget: Budget | None = None,
) -> list[Region] | None:
    """Split a region into the digits that together score best.

    Each digit lies between two of the cuts, or between a cut and the region's left or right end.
    The best path from the left end to the right one is found by dynamic programming, so that each
    piece is scored once, where there are exponentially many ways to split.

    Args:
        region: A region.
        region_score: Its score as a whole.
        score: Scores the pieces, most of them in one call.
        height: The height of the line's digits in pixels, if it is known: a 5 that is written low
            and wide is not taken for two digits then.
        is_among_digits: Whether the line surely has other digits.
        budget: How much may be tried; what is tried is taken from it. As for one picture if None.

    Returns:
        The digits, from left to right; the region alone if that scores best. None if the budget is
        too small to decide; it is used up then.
    """
    height = max(height, float(region.height))
    if region.width < _NARROWEST_PAIR * height:
        return [region]
    budget = budget or Budget()
    if budget.pieces <= 0:
        return None
    budget.pieces -= _PIECES_FOR_CUTS
    step = max(1, region.height // _PIECE_ROWS)
    small = region if step == 1 else Region(0, 0, reduced_ink(region.ink, step))
    bounds = _bounds(small, find_cuts(small))
    if len(bounds) == 2:
        return [region]
    spans = _spans(bounds, height / step)
    budget.pieces -= len(spans)
    if budget.pieces < 0:
        return None
    pieces = _pieces(small, bounds, spans, height / step)
    scores = dict(zip(pieces, score(list(pieces.values())), strict=True))
    path = _best_path(bounds, pieces, scores, height / step)
    margin = _NEITHER_MARGIN_AMONG_DIGITS if is_among_digits else _NEITHER_MARGIN
    if len(path) < 2 or not _are_digits(small, path, bounds, scores, region_score, score, margin):
        return [region]
    if step == 1:
        return [pieces[span] for span in path]
    bounds = _bounds(region, [enlarged(cut, step, region.height) for cut in bounds[1:-1]])
    digits = [_piece(region, bounds[start], bounds[end]) for start, end in path]
    return [digit for digit in digits if digit is not None]


def find_pieces(region: Region) -> list[Region]:
    """Find all pieces of a region that `best_split` would score.

    Pieces overlap: there is one between each two cuts, and between a cut and an end, if it is large
    enough for a digit and not too wide.
    """
    bounds, height = _bounds(region, find_cuts(region)), float(region.height)
    return list(_pieces(region, bounds, _spans(bounds, height), height).values())


def _bounds(region: Region, cuts: list[Cut]) -> list[Cut]:
    """Return the region's left end, its cuts, and its right end."""
    left = Cut(np.zeros(region.height, np.int64), 0.0)
    return [left, *cuts, Cut(np.full_like(left.columns, region.width), 0.0)]


def _spans(bounds: list[Cut], height: float) -> list[Span]:
    """Return all pairs of bounds that are as far apart as a digit is wide, but not the two ends."""
    columns = np.stack([bound.columns for bound in bounds])
    spans = []
    for start in range(len(bounds) - 1):
        gaps = columns[start + 1 :] - columns[start]
        mean = gaps.mean(axis=1)
        fits = (mean >= NARROWEST_DIGIT * height) & (mean <= _WIDEST_SPAN * height)
        fits &= gaps.min(axis=1) >= -_MOST_CROSSED * height
        spans += [(start, start + 1 + int(place)) for place in np.flatnonzero(fits)]
    return [span for span in spans if span != (0, len(bounds) - 1)]


def _pieces(
    region: Region, bounds: list[Cut], spans: list[Span], height: float
) -> dict[Span, Region]:
    """Return the piece of each span, if its size and its ink are those of a digit."""
    least = _LEAST_MASS * region.mass * min(1.0, _MEAN_WIDTH * height / region.width)
    pieces: dict[Span, Region] = {}
    for start, end in spans:
        check_deadline()
        piece = _piece(region, bounds[start], bounds[end])
        if piece is not None and piece.mass >= least and _may_be_digit(piece, height):
            pieces[start, end] = piece
    return pieces


def _piece(region: Region, left: Cut, right: Cut) -> Region | None:
    """Return the ink between two bounds; None if there is none."""
    first, last = int(left.columns.min()), int(right.columns.max())
    columns = np.arange(first, last)
    inside = (columns >= left.columns[:, np.newaxis]) & (columns < right.columns[:, np.newaxis])
    return trimmed(region.x + first, region.y, np.where(inside, region.ink[:, first:last], 0))


def _best_path(
    bounds: list[Cut],
    pieces: dict[Span, Region],
    scores: dict[Span, RegionScore],
    height: float,
) -> list[Span]:
    """Find the sequence of pieces from the left end to the right one with the best score.

    Dynamic programming over the bounds from left to right: the best path to a bound is the best one
    to some bound left of it, followed by the piece between the two.

    Returns:
        The spans of the pieces, from left to right; empty if no sequence reaches the right end.
    """
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(bounds)):
        ways = [
            (
                best[start][0]
                + scores[start, end].digit
                + _shape_score(pieces[start, end], height)
                - (_CUT_PENALTY + _STROKE_PENALTY * bounds[start].cost if start else 0.0),
                start,
            )
            for start in range(end)
            if (start, end) in scores
        ]
        best.append(max(ways, default=(-np.inf, 0)))
    path: list[Span] = []
    end = len(bounds) - 1
    while end and best[end][0] > -np.inf:
        start = best[end][1]
        path.insert(0, (start, end))
        end = start
    return path


def _are_digits(
    region: Region,
    path: list[Span],
    bounds: list[Cut],
    scores: dict[Span, RegionScore],
    region_score: RegionScore,
    score: Score,
    margin: float,
) -> bool:
    """Tell whether pieces that look like digits are digits, and not parts of a drawing or a letter.

    The two strokes of a V, seen alone, are two ones. So each two neighbors are also scored
    together: they must look like several digits rather than like one digit or something else.
    """
    pairs = [region_score]
    if len(path) > 2:
        joined = [
            _piece(region, bounds[start], bounds[end]) or region
            for (start, _), (_, end) in pairwise(path)
        ]
        pairs = list(score(joined))
    digit = float(np.mean([scores[span].digit for span in path]))
    several = float(np.mean([pair.several for pair in pairs]))
    neither = float(np.mean([pair.neither for pair in pairs]))
    return digit + several > max(region_score.digit, neither - margin)


def _may_be_digit(piece: Region, height: float) -> bool:
    return piece.width <= _WIDEST * height and piece.height >= _LOWEST * height


def _shape_score(piece: Region, height: float) -> float:
    """Return the natural logarithm of how probable a digit's shape is: few are low or very wide."""
    low = max(0.0, _RARELY_LOWER - piece.height / height)
    wide = max(0.0, piece.width / height - _RARELY_WIDER)
    return -_SHAPE_PENALTY * (low + wide)
