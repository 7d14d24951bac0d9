"""The split: where digits that touch may be cut apart.

No rule on pixels alone tells a 0 and a 1 that touch from a wide 6. So more cuts are tried than
there are digits, and what reads the digits chooses among them. Y. LeCun, L. Bottou, Y. Bengio and
P. Haffner, "Gradient-based learning applied to document recognition", 1998, section V ("heuristic
over-segmentation").
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.deadline import check_deadline
from numcnn.handwriting.vision.mnist_frame import stroke_width
from numcnn.handwriting.vision.region import Region, trimmed
from numcnn.handwriting.vision.region_score import RegionScore, Score

_ROWS = 48  # in which cuts are looked for
_PIECE_ROWS = 160  # in which pieces are tried; the network sees 20 of a digit, made from 120
_DEAREST = 3.0  # strokes that a cut may cross
_APART = 0.045  # of the height: cuts of one kind
_NARROWEST = 0.1  # of the height: a digit
_WIDEST = 1.3  # of the height: a digit
_WIDE = 1.05  # of the height: more is rare
_SHAPE = 6.0  # logarithm per height: what is lower or wider is so much less probable
_NARROWEST_PAIR = 0.65  # of the height: what may be two digits
_LEAST_MASS = 0.15  # of what a digit has on average: less is a crumb
# Logarithms of how improbable a cut is that a reader's certainty does not justify.
_A_CUT, _A_STROKE = 0.3, 0.3
_LONGEST = 60  # times the height: longer than any number
# Of 2,740 pictures of handwriting, the most complicated one tries 1,338 pieces and has 62 cuts.
_MOST_CUTS = 120  # in a region; where a hatching or a grating can be cut anywhere, there are more
_MOST_PIECES = 1500  # in a picture; each takes a millisecond or two to frame and read
_PRICE_OF_CUTS = 5  # pieces: to look for cuts takes as long
# The benefit of the doubt, for digits that touch against drawings; beside other digits, drawings
# are rare.
_BENEFIT, _BENEFIT_IN_LINE = 1.0, 3.0


@final
@dataclass(frozen=True, eq=False)
class Cut:
    """A way from the top of a region to its bottom.

    Attributes:
        columns: For each row the first column that lies right of it, ``(height,)``.
        price: How much ink it crosses, in strokes.
    """

    columns: NDArray[np.int64]
    price: float


@final
@dataclass(eq=False)
class Budget:
    """How much more may be tried in one picture to cut digits apart.

    Attributes:
        pieces: How many more pieces may be read.
    """

    pieces: int = _MOST_PIECES


def best_split(
    region: Region,
    whole: RegionScore,
    score: Score,
    height: float = 0.0,
    *,
    is_among_digits: bool = False,
    budget: Budget | None = None,
) -> list[Region] | None:
    """Divide a region into the digits that together score best.

    Each digit lies between two of the cuts, or between a cut and the end. The best way from the
    left end to the right one is found by dynamic programming, so that each digit is scored once,
    where there are exponentially many ways to divide.

    Args:
        region: A region.
        whole: What a reader says of it.
        score: What a reader says of others. Most are given in one call.
        height: How high digits are in this line, if that is known: a 5 that is written low and
            wide is not taken for two digits then.
        is_among_digits: Whether others in this line are digits for sure.
        budget: How much may be tried; what is tried is taken from it. As for one picture if None.

    Returns:
        The digits, from left to right; the region alone if that scores best. None if the budget
        does not suffice to tell; it is empty then.
    """
    height = max(height, float(region.height))
    if region.width < _NARROWEST_PAIR * height:
        return [region]
    budget = budget or Budget()
    if budget.pieces <= 0:
        return None
    budget.pieces -= _PRICE_OF_CUTS
    step = max(1, region.height // _PIECE_ROWS)
    small = region if step == 1 else Region(0, 0, _reduced(region.ink, step))
    ends = _ends(small)
    if len(ends) == 2:
        return [region]
    spans = _spans(ends, height / step)
    budget.pieces -= len(spans)
    if budget.pieces < 0:
        return None
    digits = _between(small, ends, spans, height / step)
    opinions = dict(zip(digits, score(list(digits.values())), strict=True))
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(ends)):
        ways = [
            (
                best[start][0]
                + opinions[start, end].digit
                + _shape_score(digits[start, end], height / step)
                - (_A_CUT + _A_STROKE * ends[start].price if start else 0.0),
                start,
            )
            for start in range(end)
            if (start, end) in opinions
        ]
        best.append(max(ways, default=(-np.inf, 0)))
    path: list[tuple[int, int]] = []
    end = len(ends) - 1
    while end and best[end][0] > -np.inf:
        start = best[end][1]
        path.insert(0, (start, end))
        end = start
    benefit = _BENEFIT_IN_LINE if is_among_digits else _BENEFIT
    if len(path) < 2 or not _are_several(small, path, ends, opinions, whole, score, benefit):
        return [region]
    if step == 1:
        return [digits[span] for span in path]
    ends = _with_ends([_enlarged(cut, step, region.height) for cut in ends[1:-1]], region)
    pieces = [_piece(region, ends[start], ends[end]) for start, end in path]
    return [piece for piece in pieces if piece is not None]


def find_pieces(region: Region) -> list[Region]:
    """Find everything between two cuts, or between a cut and an end, that `best_split` considers.

    Pieces overlap: each pair of cuts has one between them, if it is large enough for a digit and
    not too wide.
    """
    ends, height = _ends(region), float(region.height)
    return list(_between(region, ends, _spans(ends, height), height).values())


def find_cuts(region: Region) -> list[Cut]:
    """Find places where a region may be cut, from left to right.

    Each is the way through the least ink, at most 45 degrees off the vertical. Where two digits
    touch along their sides, that way would lead through a digit rather than along the seam; so a
    second set of ways is looked for in which ink that is thicker than a stroke costs little.

    Returns:
        The cuts; none if the region is too small, or can be cut nearly anywhere, as a hatching.
    """
    step = max(1, round(region.height / _ROWS))
    ink = _reduced(region.ink, step)
    rows, columns = ink.shape
    if columns < 4 or rows < 6 or not 2 * _NARROWEST <= columns / rows <= _LONGEST:
        return []
    stroke = max(1.0, stroke_width(ink))
    # A short way is better than a long one, and a straight one better than a crooked one.
    cost = ink.astype(np.float64) / stroke + 0.004
    depth = ndimage.distance_transform_edt(np.pad(ink > 0.5, 1))[1:-1, 1:-1]
    seam = np.where(depth > 0.6 * stroke + 0.5, 0.25 * cost, cost)
    found: list[tuple[float, Cut]] = []
    for price, ways in (_ways(cost), _ways(seam)):
        distance = max(2, round(_APART * rows))
        chosen: list[int] = []
        is_free = np.ones(columns, bool)
        is_free[: -(-distance // 2)] = is_free[math.ceil(columns - distance / 2) :] = False
        for column in np.argsort(price, kind="stable"):
            if price[column] > _DEAREST or len(chosen) > _MOST_CUTS:
                break
            if is_free[column]:
                chosen.append(int(column))
                is_free[max(0, column - distance + 1) : column + distance] = False
        if len(chosen) > _MOST_CUTS:
            return []
        for column in chosen:
            check_deadline()
            path = np.concatenate([_walk(ways[0], column)[::-1], _walk(ways[1], column)[1:]])
            others = np.array([other.columns for _, other in found]).reshape(-1, rows)
            if (np.abs(path - others).mean(axis=1) < 1.5).any():
                continue
            found.append((float(path.mean()), Cut(path, float(price[column]))))
    found.sort(key=lambda each: each[0])
    return [_enlarged(cut, step, region.height) for _, cut in found]


def _enlarged(cut: Cut, step: int, height: int) -> Cut:
    """Bring a cut through a reduced region onto the region itself, which is so high."""
    at = (np.arange(height) + 0.5) / step - 0.5
    columns = np.interp(at, np.arange(len(cut.columns)), cut.columns)
    return Cut(np.rint((columns + 0.5) * step).astype(np.int64), cut.price)


def _ends(region: Region) -> list[Cut]:
    """Return the cuts, and the region's two ends as further ones."""
    return _with_ends(find_cuts(region), region)


def _with_ends(cuts: list[Cut], region: Region) -> list[Cut]:
    first = Cut(np.zeros(region.height, np.int64), 0.0)
    return [first, *cuts, Cut(np.full_like(first.columns, region.width), 0.0)]


def _spans(ends: list[Cut], height: float) -> list[tuple[int, int]]:
    """Return all pairs of cuts between which a digit may be, by how far they are apart."""
    columns = np.stack([end.columns for end in ends])
    spans = []
    for start in range(len(ends) - 1):
        gaps = columns[start + 1 :] - columns[start]
        mean = gaps.mean(axis=1)
        fits = (mean >= _NARROWEST * height) & (mean <= 1.5 * height)
        fits &= gaps.min(axis=1) >= -0.1 * height
        spans += [(start, start + 1 + int(place)) for place in np.flatnonzero(fits)]
    return [span for span in spans if span != (0, len(ends) - 1)]


def _between(
    region: Region, ends: list[Cut], spans: list[tuple[int, int]], height: float
) -> dict[tuple[int, int], Region]:
    """Return what lies between two cuts, of all pairs between which a digit may be."""
    # A line's digits fill as much of their boxes on average.
    least = _LEAST_MASS * region.mass * min(1.0, 0.6 * height / region.width)
    digits: dict[tuple[int, int], Region] = {}
    for start, end in spans:
        check_deadline()
        digit = _piece(region, ends[start], ends[end])
        if digit is not None and digit.mass >= least and _may_be_digit(digit, height):
            digits[start, end] = digit
    return digits


def _piece(region: Region, left: Cut, right: Cut) -> Region | None:
    """Return the ink between two cuts; None if there is none."""
    first, last = int(left.columns.min()), int(right.columns.max())
    columns = np.arange(first, last)
    inside = (columns >= left.columns[:, np.newaxis]) & (columns < right.columns[:, np.newaxis])
    return trimmed(region.x + first, region.y, np.where(inside, region.ink[:, first:last], 0))


def _are_several(
    region: Region,
    path: list[tuple[int, int]],
    ends: list[Cut],
    opinions: dict[tuple[int, int], RegionScore],
    whole: RegionScore,
    score: Score,
    benefit: float,
) -> bool:
    """Tell whether pieces that look like digits are some, and no drawing that was cut to pieces.

    Two strokes of a V are two ones if they are seen alone. So neighbors are looked at together,
    too: they must look like several digits rather than like a letter or one digit.
    """
    pairs = [whole]
    if len(path) > 2:
        joined = [
            _piece(region, ends[start], ends[end]) or region
            for (start, _), (_, end) in pairwise(path)
        ]
        pairs = list(score(joined))
    surely = float(np.mean([opinions[span].digit for span in path]))
    several = float(np.mean([pair.several for pair in pairs]))
    neither = float(np.mean([pair.neither for pair in pairs]))
    return surely + several > max(whole.digit, neither - benefit)


def _may_be_digit(digit: Region, height: float) -> bool:
    return digit.width <= _WIDEST * height and digit.height >= 0.4 * height


def _shape_score(digit: Region, height: float) -> float:
    """Return a logarithm of how probable a digit's shape is: few are low, narrow or very wide."""
    low = max(0.0, 0.7 - digit.height / height)
    wide = max(0.0, digit.width / height - _WIDE)
    return -_SHAPE * (low + wide)


def _reduced(ink: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Reduce ink to every so many pixels, by averaging."""
    if step == 1:
        return ink
    smooth: NDArray[np.float32] = ndimage.uniform_filter(ink, step, mode="constant")
    return smooth[step // 2 :: step, step // 2 :: step]


def _ways(
    cost: NDArray[np.float64],
) -> tuple[NDArray[np.float64], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Find the cheapest way from top to bottom through each column of the middle row.

    Returns:
        What it costs, ``(columns,)``; and the steps of its upper and of its lower half, to be
        followed from the middle row.
    """
    middle = len(cost) // 2
    down, from_above = _cheapest(cost[: middle + 1])
    up, from_below = _cheapest(cost[middle:][::-1])
    return down + up - cost[middle], (from_above, from_below)


def _cheapest(cost: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what the cheapest way from the top row to each column of the bottom row costs.

    And, for each row, in which direction (-1, 0, 1) the row above is reached.
    """
    rows, columns = cost.shape
    steps = np.zeros((rows, columns), np.int64)
    total: Any = cost[0].copy()
    for row in range(1, rows):
        padded = np.pad(total, 1, constant_values=np.inf)
        ways = np.stack([padded[:-2] + 0.01, padded[1:-1], padded[2:] + 0.01])
        choice = ways.argmin(axis=0)
        steps[row] = choice - 1
        # A diagonal step is longer, and slips between pixels that touch at a corner.
        total = ways.min(axis=0) + cost[row] * np.where(choice == 1, 1.0, 1.41)
    return total, steps


def _walk(steps: NDArray[np.int64], column: int) -> NDArray[np.int64]:
    """Follow a way back from the bottom row; columns from the bottom row to the top one."""
    path = [column]
    for row in range(len(steps) - 1, 0, -1):
        column += int(steps[row, column])
        path.append(column)
    return np.array(path)
