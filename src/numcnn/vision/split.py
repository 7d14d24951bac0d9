"""The split: where digits that touch may be cut apart.

No rule on pixels alone tells a 0 and a 1 that touch from a wide 6. So more cuts are tried than
there are digits, and what reads the digits chooses among them. Y. LeCun, L. Bottou, Y. Bengio and
P. Haffner, "Gradient-based learning applied to document recognition", 1998, section V ("heuristic
over-segmentation").
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.vision.frame import stroke_width
from numcnn.vision.opinion import Opinion, Score
from numcnn.vision.region import Region, trimmed

_ROWS = 48  # in which cuts are looked for
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


def best_split(
    region: Region,
    whole: Opinion,
    score: Score,
    height: float = 0.0,
    *,
    is_among_digits: bool = False,
) -> list[Region]:
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

    Returns:
        The digits, from left to right; the region alone if that scores best.
    """
    height = max(height, float(region.height))
    if region.width < _NARROWEST_PAIR * height:
        return [region]
    ends = _ends(region)
    if len(ends) == 2:
        return [region]
    digits = _between(region, ends, height)
    opinions = dict(zip(digits, score(list(digits.values())), strict=True))
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(ends)):
        ways = [
            (
                best[start][0]
                + opinions[start, end].digit
                + _shape_score(digits[start, end], height)
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
    if len(path) < 2 or not _are_several(region, path, ends, opinions, whole, score, benefit):
        return [region]
    return [digits[span] for span in path]


def find_pieces(region: Region) -> list[Region]:
    """Find everything between two cuts, or between a cut and an end, that `best_split` considers.

    Pieces overlap: each pair of cuts has one between them, if it is large enough for a digit and
    not too wide.
    """
    return list(_between(region, _ends(region), float(region.height)).values())


def find_cuts(region: Region) -> list[Cut]:
    """Find places where a region may be cut, from left to right.

    Each is the way through the least ink, at most 45 degrees off the vertical. Where two digits
    touch along their sides, that way would lead through a digit rather than along the seam; so a
    second set of ways is looked for in which ink that is thicker than a stroke costs little.
    """
    step = max(1, round(region.height / _ROWS))
    ink = _reduced(region.ink, step)
    rows, columns = ink.shape
    if columns < 4 or rows < 6 or columns < 2 * _NARROWEST * rows:
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
        for column in np.argsort(price, kind="stable"):
            if price[column] > _DEAREST:
                break
            is_inside = distance / 2 <= column < columns - distance / 2
            if is_inside and all(abs(column - other) >= distance for other in chosen):
                chosen.append(int(column))
        for column in chosen:
            path = np.concatenate([_walk(ways[0], column)[::-1], _walk(ways[1], column)[1:]])
            if any(np.abs(path - other.columns).mean() < 1.5 for _, other in found):
                continue
            found.append((float(path.mean()), Cut(path, float(price[column]))))
    at = (np.arange(region.height) + 0.5) / step - 0.5
    return [
        Cut(
            np.rint((np.interp(at, np.arange(rows), cut.columns) + 0.5) * step).astype(np.int64),
            cut.price,
        )
        for _, cut in sorted(found, key=lambda each: each[0])
    ]


def _ends(region: Region) -> list[Cut]:
    """Return the cuts, and the region's two ends as further ones."""
    first = Cut(np.zeros(region.height, np.int64), 0.0)
    return [first, *find_cuts(region), Cut(np.full_like(first.columns, region.width), 0.0)]


def _between(region: Region, ends: list[Cut], height: float) -> dict[tuple[int, int], Region]:
    """Return what lies between two cuts, of all pairs between which a digit may be."""
    # A line's digits fill as much of their boxes on average.
    least = _LEAST_MASS * region.mass * min(1.0, 0.6 * height / region.width)
    digits: dict[tuple[int, int], Region] = {}
    for start, left in enumerate(ends):
        for end, right in enumerate(ends[start + 1 :], start + 1):
            if (start, end) == (0, len(ends) - 1):
                continue
            gap = right.columns - left.columns
            if gap.mean() < _NARROWEST * height or gap.min() < -0.1 * height:
                continue
            if gap.mean() > 1.5 * height:
                break
            digit = _piece(region, left, right)
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
    opinions: dict[tuple[int, int], Opinion],
    whole: Opinion,
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
