"""Find paths along which a region may be cut into digits that touch.

A cut is the cheapest path from the region's top to its bottom, where ink is costly. It is found by
dynamic programming (R. Bellman, "Dynamic Programming", 1957), as touching characters are cut in
J. Wang and J. Jean, "Segmentation of merged characters by neural networks and shortest path", 1994,
and as images are resized by seam carving: S. Avidan and A. Shamir, "Seam carving for content-aware
image resizing", 2007.
"""

import math
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.deadline import check_deadline
from numcnn.handwriting.vision.mnist_frame import stroke_width
from numcnn.handwriting.vision.region import Region

Costs = NDArray[np.float64]
Steps = NDArray[np.int64]

NARROWEST_DIGIT: Final = 0.1
"""The width of the narrowest digit, as a share of its height. Set by hand."""

# Set by hand unless a measurement is named; see tests/handwriting/vision/test_cut.py.
_ROWS: Final = 48  # rows of the reduced region in which cuts are looked for
_FEWEST_COLUMNS: Final = 4  # columns of the reduced region: a smaller one is not cut
_FEWEST_ROWS: Final = 6  # rows of the reduced region: a smaller one is not cut
_LONGEST: Final = 60  # width, in heights: no number is longer
_HIGHEST_COST: Final = 3.0  # strokes that a cut may cross
_APART: Final = 0.045  # share of the height: the distance of two cuts from one search
_LEAST_APART: Final = 2  # columns of the reduced region: the same distance in a low region
_SAME: Final = 1.5  # columns of the reduced region: the mean distance of two cuts that are the same
# Of 2,740 pictures of handwriting, the most complicated one has 62 cuts.
_MOST_CUTS: Final = 120  # in a region; a hatching or a grating, which can be cut anywhere, has more
# Strokes for each pixel of a path: a short path is better than a long one.
_COST_OF_A_PIXEL: Final = 0.004
# Strokes for each diagonal step, besides its length: a straight path is better than a crooked one.
_COST_OF_A_TURN: Final = 0.01
_DIAGONAL: Final = 1.41  # length of a diagonal step, in rows: about the square root of 2
_HALF_INK: Final = 0.5  # share of full ink: the outline of an antialiased stroke
# Ink is thicker than one stroke if it is deeper, in strokes, than this and half a pixel: half a
# stroke is the depth in the middle of one.
_THICK: Final = 0.6
_COST_OF_THICK_INK: Final = 0.25  # share of the cost of other ink


@final
@dataclass(frozen=True, eq=False)
class Cut:
    """A path from the top of a region to its bottom.

    Attributes:
        columns: For each row the first column that is right of the cut, ``(height,)``.
        cost: How much ink it crosses, in strokes.
    """

    columns: NDArray[np.int64]
    cost: float


def find_cuts(region: Region) -> list[Cut]:
    """Find places where a region may be cut, from left to right.

    Each is the path through the least ink, at most 45 degrees off the vertical. Where two digits
    touch along their sides, that path would lead through a digit rather than along the seam; so a
    second set of paths is searched for in which ink that is thicker than a stroke costs little.

    Returns:
        The cuts; none if the region is too small or too long, or can be cut nearly anywhere, like a
        hatching.
    """
    step = max(1, round(region.height / _ROWS))
    ink = reduced_ink(region.ink, step)
    rows, columns = ink.shape
    if columns < _FEWEST_COLUMNS or rows < _FEWEST_ROWS:
        return []
    if not 2 * NARROWEST_DIGIT <= columns / rows <= _LONGEST:
        return []
    stroke = max(1.0, stroke_width(ink))
    cost = ink.astype(np.float64) / stroke + _COST_OF_A_PIXEL
    depth = ndimage.distance_transform_edt(np.pad(ink > _HALF_INK, 1))[1:-1, 1:-1]
    seam_cost = np.where(depth > _THICK * stroke + 0.5, _COST_OF_THICK_INK * cost, cost)
    found: list[tuple[float, Cut]] = []
    for costs, steps in (_cheapest_paths(cost), _cheapest_paths(seam_cost)):
        chosen = _local_minima(costs, rows)
        if len(chosen) > _MOST_CUTS:
            return []
        for column in chosen:
            check_deadline()
            upper, lower = _follow(steps[0], column), _follow(steps[1], column)
            path = np.concatenate([upper[::-1], lower[1:]])
            others = np.array([other.columns for _, other in found]).reshape(-1, rows)
            if (np.abs(path - others).mean(axis=1) < _SAME).any():
                continue
            found.append((float(path.mean()), Cut(path, float(costs[column]))))
    found.sort(key=lambda each: each[0])
    return [enlarged(cut, step, region.height) for _, cut in found]


def _local_minima(costs: Costs, rows: int) -> list[int]:
    """Choose the columns with the cheapest paths, the cheapest first, each some distance apart.

    Non-maximum suppression in one dimension: greedily from the cheapest path on.

    Args:
        costs: What the path through each column costs, ``(columns,)``.
        rows: The region's height, in the same pixels.

    Returns:
        The columns; one more than `_MOST_CUTS` if there are too many.
    """
    distance = max(_LEAST_APART, round(_APART * rows))
    chosen: list[int] = []
    is_free = np.ones(len(costs), bool)
    is_free[: -(-distance // 2)] = is_free[math.ceil(len(costs) - distance / 2) :] = False
    for column in np.argsort(costs, kind="stable"):
        if costs[column] > _HIGHEST_COST or len(chosen) > _MOST_CUTS:
            break
        if is_free[column]:
            chosen.append(int(column))
            is_free[max(0, column - distance + 1) : column + distance] = False
    return chosen


def _cheapest_paths(cost: Costs) -> tuple[Costs, tuple[Steps, Steps]]:
    """Find the cheapest path from top to bottom through each column of the middle row.

    Args:
        cost: What a path pays for each pixel, ``(rows, columns)``.

    Returns:
        What each path costs, ``(columns,)``; and the steps of the paths' upper halves and of their
        lower halves, both to be followed from the middle row with `_follow`.
    """
    middle = len(cost) // 2
    down, from_above = _cheapest_from_top(cost[: middle + 1])
    up, from_below = _cheapest_from_top(cost[middle:][::-1])
    return down + up - cost[middle], (from_above, from_below)


def _cheapest_from_top(cost: Costs) -> tuple[Costs, Steps]:
    """Find the cheapest path from the top row to each column of the bottom row.

    The recursion of dynamic programming: the cheapest path to a pixel goes through one of the three
    pixels above it, by the cheapest path to that one. A diagonal step's length is paid, but it does
    not count when one of the three is chosen; so a path found costs up to 1.41 times the cheapest.

    Args:
        cost: What a path pays for each pixel, ``(rows, columns)``.

    Returns:
        What each path costs, ``(columns,)``; and for each pixel, by which step (-1, 0 or 1 columns)
        the row above is reached from it, ``(rows, columns)``.
    """
    rows, columns = cost.shape
    steps = np.zeros((rows, columns), np.int64)
    total: Any = cost[0].copy()
    for row in range(1, rows):
        padded = np.pad(total, 1, constant_values=np.inf)
        ways = np.stack([padded[:-2] + _COST_OF_A_TURN, padded[1:-1], padded[2:] + _COST_OF_A_TURN])
        choice = ways.argmin(axis=0)
        steps[row] = choice - 1
        # A diagonal step is longer, and slips between pixels that touch at a corner.
        total = ways.min(axis=0) + cost[row] * np.where(choice == 1, 1.0, _DIAGONAL)
    return total, steps


def _follow(steps: Steps, column: int) -> NDArray[np.int64]:
    """Follow a path back from the bottom row; return its columns, the bottom row first."""
    path = [column]
    for row in range(len(steps) - 1, 0, -1):
        column += int(steps[row, column])
        path.append(column)
    return np.array(path)


def enlarged(cut: Cut, step: int, height: int) -> Cut:
    """Convert a cut through a reduced region into one through the region itself.

    Args:
        cut: The cut through the reduced region.
        step: How many pixels of the region one of the reduced region has on each side.
        height: The region's height in pixels.
    """
    at = (np.arange(height) + 0.5) / step - 0.5
    columns = np.interp(at, np.arange(len(cut.columns)), cut.columns)
    return Cut(np.rint((columns + 0.5) * step).astype(np.int64), cut.cost)


def reduced_ink(ink: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Reduce ink by a whole factor, by averaging.

    Args:
        ink: 0 to 1, float32 ``(height, width)``.
        step: The factor.

    Returns:
        float32, about ``(height / step, width / step)``; the same array if the factor is 1.
    """
    if step == 1:
        return ink
    smooth: NDArray[np.float32] = ndimage.uniform_filter(ink, step, mode="constant")
    return smooth[step // 2 :: step, step // 2 :: step]
