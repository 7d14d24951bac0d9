"""The split: where digits that touch may be cut apart.

No rule on pixels alone tells a 0 and a 1 that touch from a wide 6. So a region is cut wherever a
cut is cheap, into more pieces than there are digits, and what reads the digits chooses which pieces
to join again. Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to
document recognition", 1998, section V ("heuristic over-segmentation").
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.vision.frame import stroke_width
from numcnn.vision.opinion import Opinion, Score
from numcnn.vision.region import Region, join, trimmed

_ROWS = 48  # in which cuts are looked for
_DEAREST = 2.6  # strokes that a cut may cross
_NARROWEST = 0.12  # of the height: a piece
_MOST_PIECES = 24
_WIDEST = 1.3  # of the height: what may be one digit
_WIDE = 1.05  # of the height: more is rare
_MOST_JOINED = 5
_NARROWEST_PAIR = 0.65  # of the height: what may be two digits
# Logarithms of how improbable a cut is that a reader's certainty does not justify: digits touch
# now and then, mostly in one stroke, while a cut through a 0 crosses two.
_A_CUT, _A_STROKE = 0.7, 1.2


def cut(region: Region) -> list[Region]:
    """Cut a region into pieces, left to right, none of which holds more than one digit.

    Cuts run from top to bottom, each the way through the least ink, at most 45 degrees off the
    vertical.

    Returns:
        The pieces, together the region; the region alone if there is no place to cut.
    """
    return _cut(region)[0]


def _cut(region: Region) -> tuple[list[Region], list[float]]:
    """Return the pieces, and what each cut between two of them costs, in strokes."""
    seams = _seams(region)
    if not seams:
        return [region], []
    columns = np.arange(region.width)
    # How many cuts lie left of each pixel tells the piece that it belongs to.
    piece_of = np.zeros(region.ink.shape, np.int32)
    for seam, _ in seams:
        piece_of += columns >= seam[:, None]
    pieces: list[Region] = []
    prices: list[float] = []
    for number, price in enumerate([0.0, *(price for _, price in seams)]):
        piece = trimmed(region.x, region.y, np.where(piece_of == number, region.ink, 0))
        if piece is None:
            continue
        # A sliver is no piece of its own.
        if pieces and min(piece.mass, pieces[-1].mass) < 0.03 * region.mass / len(seams):
            pieces[-1] = join([pieces[-1], piece])
        else:
            if pieces:
                prices.append(price)
            pieces.append(piece)
    return pieces, prices


def best_split(region: Region, whole: Opinion, score: Score, height: float = 0.0) -> list[Region]:
    """Divide a region into the digits that together score best.

    A path through the pieces by dynamic programming: with n pieces, there are at most 5 n joins to
    score, where there are 2 to the power of n - 1 ways to divide. The region is divided if the best
    path, times how probable it is that there are several digits at all, is more probable than that
    there is one digit, or none.

    Args:
        region: A region.
        whole: What a reader says of it.
        score: What a reader says of others. All joins are given in one call.
        height: How high digits are in this line, if that is known: a 5 that is written low and
            wide is not taken for two digits then.

    Returns:
        The digits, from left to right; the region alone if that scores best.
    """
    height = max(height, float(region.height))
    if region.width < _NARROWEST_PAIR * height:
        return [region]
    pieces, prices = _cut(region)
    if len(pieces) == 1:
        return [region]
    spans = [
        (start, end)
        for start in range(len(pieces))
        for end in range(start + 1, min(start + _MOST_JOINED, len(pieces)) + 1)
        if end - start < len(pieces)
    ]
    digits = {span: join(pieces[slice(*span)]) for span in spans}
    digits = {
        span: digit
        for span, digit in digits.items()
        if span[1] - span[0] == 1 or _may_be_digit(digit, height)
    }
    opinions = dict(zip(digits, score(list(digits.values())), strict=True))
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(pieces) + 1):
        ways = [
            (
                best[start][0]
                + opinions[start, end].digit
                + _shape_score(digits[start, end], height)
                - (_A_CUT + _A_STROKE * prices[start - 1] if start else 0.0),
                start,
            )
            for start in range(end)
            if (start, end) in opinions
        ]
        best.append(max(ways))
    one = whole.digit + _shape_score(region, height)
    if whole.several + best[-1][0] <= max(one, whole.neither):
        return [region]
    result: list[Region] = []
    end = len(pieces)
    while end:
        start = best[end][1]
        result.insert(0, digits[start, end])
        end = start
    return result


def _may_be_digit(digit: Region, height: float) -> bool:
    return digit.width <= _WIDEST * height and digit.height >= 0.4 * height


def _shape_score(digit: Region, height: float) -> float:
    """Return a logarithm of how probable a digit's shape is: few are low, narrow or very wide."""
    low = max(0.0, 0.7 - digit.height / height)
    wide = max(0.0, digit.width / height - _WIDE)
    narrow = max(0.0, 0.35 - digit.width / height)
    return -12.0 * (low + wide) - 3.0 * narrow


def _seams(region: Region) -> list[tuple[NDArray[np.int64], float]]:
    """Return cuts from left to right, as each row's first column right of the cut, and prices."""
    step = max(1, round(region.height / _ROWS))
    ink = _reduced(region.ink, step)
    rows, columns = ink.shape
    if columns < 4 or rows < 6 or columns < 2 * _NARROWEST * rows:
        return []
    stroke = max(1.0, stroke_width(ink))
    # A short way is better than a long one, and a straight one better than a crooked one.
    cost = ink.astype(np.float64) / stroke + 0.004
    middle = rows // 2
    down, from_above = _cheapest(cost[: middle + 1])
    up, from_below = _cheapest(cost[middle:][::-1])
    price = down + up - cost[middle]
    chosen: list[int] = []
    distance = max(2, round(_NARROWEST * rows))
    for column in np.argsort(price, kind="stable"):
        if price[column] > _DEAREST or len(chosen) >= _MOST_PIECES - 1:
            break
        is_inside = distance / 2 <= column < columns - distance / 2
        if is_inside and all(abs(column - other) >= distance for other in chosen):
            chosen.append(int(column))
    seams = []
    for column in sorted(chosen):
        path = np.concatenate([_walk(from_above, column)[::-1], _walk(from_below, column)[1:]])
        at = (np.arange(region.height) + 0.5) / step - 0.5
        seam = np.rint((np.interp(at, np.arange(rows), path) + 0.5) * step).astype(np.int64)
        # Thin strokes count as strokes, too: a 0 is crossed twice, however pale its sides are.
        crossed = np.diff(ink[np.arange(rows), path] > 0.3, prepend=False)
        crossings = (int(np.count_nonzero(crossed)) + 1) // 2
        seams.append((seam, max(float(price[column]), 1.5 * crossings - 0.5)))
    return seams


def _reduced(ink: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    if step == 1:
        return ink
    smooth: NDArray[np.float32] = ndimage.uniform_filter(ink, step, mode="constant")
    return smooth[step // 2 :: step, step // 2 :: step]


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
