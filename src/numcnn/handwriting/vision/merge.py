"""Merge the pieces of broken digits.

Two steps: `merge_near_pieces` applies rules on bounding boxes, which find most pieces: a 5 whose
upper stroke is not connected, a broken stroke. Where two pieces stand side by side, such as those
of a 4 whose strokes do not meet, only a classifier can tell them from two digits;
`merge_broken_digits` asks one.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from numcnn.deadline import check_deadline
from numcnn.handwriting.vision.region import Region, join, typical_height
from numcnn.handwriting.vision.region_score import RegionScore, Score

# All set by hand; see tests/handwriting/vision/test_merge.py, test_segment.py and test_bounds.py.
_TALLEST: Final = 1.35  # share of the typical height: the height of a digit
# Rules on boxes. "Height" is the typical height, or that of the higher piece if it is higher.
_WIDEST_GAP: Final = 0.35  # share of the height: between pieces of one digit
_STACKED: Final = 0.5  # share of the narrower width that two boxes share: one is above the other
_WITHIN: Final = 0.7  # share of the lower height that stacked boxes share: one is in the other
_UPPER_PART: Final = 0.75  # share of the height: the height of the lower of two stacked pieces
_LOW_STROKE: Final = 0.4  # share of the height: the height of a stroke that stands beside its digit
_LOW_STROKE_GAP: Final = 0.12  # share of the height: between such a stroke and its digit
# Two halves of a digit, each taken for a digit, for lack of others that tell the height.
_HALVES: Final = 2.2  # share of the height: the height of both together
_HALVES_GAP: Final = 0.1  # share of the height: between them
_HALVES_WIDTH: Final = 1  # pixels: they are wider than that; a line is no half of a digit
# Side by side, decided by a classifier. "Height" is the median height in the line.
_WIDEST_GAP_BESIDE: Final = 0.25  # share of the height: between pieces of one digit
_WIDEST: Final = 1.05  # share of the height: the width of a digit
_UNEVEN: Final = 0.7  # share of the taller piece's height: two digits are rarely so uneven ...
_UNEVEN_GAP: Final = 0.08  # share of the taller piece's height: ... and at the same time so near
# Natural logarithms of the probability of being a digit.
_POOR: Final = -1.0  # a piece below it is likely no digit by itself
_GOOD: Final = -0.35  # a pair above it is a digit, if one of its pieces is none
_SURE: Final = -0.1  # a pair above it is a digit, if it is uneven


def merge_near_pieces(regions: Sequence[Region]) -> list[Region]:
    """Merge the pieces of one digit by rules on their boxes, the nearest two first.

    Agglomerative clustering: after each merge, the distances to the new box are computed again.

    Args:
        regions: Connected pieces of ink, in any order.

    Returns:
        Each digit where its first piece was.
    """
    typical = typical_height(regions)
    count = len(regions)
    groups = [[region] for region in regions]
    boxes = np.array([region.box for region in regions]).reshape(count, 4)
    gaps = np.full((count, count), np.inf)  # of each region and those after it
    for i in range(count - 1):
        gaps[i, i + 1 :] = gaps_in_one_digit(boxes[i], boxes[i + 1 :], typical)
    while count and gaps.min() < np.inf:
        check_deadline()
        i, j = divmod(int(gaps.argmin()), count)
        groups[i] += groups[j]
        groups[j] = []
        gaps[j], gaps[:, j] = np.inf, np.inf
        start = boxes[[i, j], :2].min(axis=0)
        boxes[i] = *start, *((boxes[[i, j], :2] + boxes[[i, j], 2:]).max(axis=0) - start)
        updated = gaps_in_one_digit(boxes[i], boxes, typical)
        updated[[not group for group in groups]] = np.inf
        gaps[i, i + 1 :], gaps[:i, i] = updated[i + 1 :], updated[:i]
    return [join(group) for group in groups if group]


def gaps_in_one_digit(
    box: NDArray[np.int64], others: NDArray[np.int64], typical: float
) -> NDArray[np.float64]:
    """Compute how far pieces of one digit are apart; infinity where they belong to two.

    Args:
        box: A piece's ``(x, y, width, height)``.
        others: Those of other pieces, ``(pieces, 4)``.
        typical: The typical height of a digit, in pixels.

    Returns:
        The gaps in pixels, ``(pieces,)``; 0 where boxes overlap.
    """
    start, length = np.minimum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    end = np.maximum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    # How many pixels two intervals share; negative: how many are between them.
    across, down = (box[2:] + others[:, 2:] - (end - start)).T
    narrower, lower = length.T
    size = np.maximum(typical, np.maximum(box[3], others[:, 3]))
    gap = np.maximum(np.maximum(-across, -down), 0).astype(np.float64)
    height = (end - start)[:, 1]
    is_stacked = across >= _STACKED * narrower
    is_within = is_stacked & (down >= _WITHIN * lower)
    are_halves = is_stacked & (gap <= _HALVES_GAP * size) & (height <= _HALVES * size)
    are_halves &= narrower > _HALVES_WIDTH
    is_upper_part = is_stacked & (lower <= _UPPER_PART * size)
    # The upper stroke of a 5 may stand beside the 5 rather than above it.
    is_low_stroke = (lower <= _LOW_STROKE * size) & (gap <= _LOW_STROKE_GAP * size)
    is_tall = height > _TALLEST * size
    is_one = is_within | np.where(is_tall, are_halves, is_upper_part | is_low_stroke)
    gap[~is_one | (gap > _WIDEST_GAP * size)] = np.inf
    return gap


def merge_broken_digits(
    line: Sequence[Region], scores: Sequence[RegionScore], score: Score, height: float
) -> tuple[list[Region], list[RegionScore]]:
    """Merge neighbors of which one is no digit, or much lower, where both together are a digit.

    Args:
        line: Regions from left to right.
        scores: The score of each.
        score: Scores pairs of them.
        height: The height of the line's digits in pixels.

    Returns:
        The regions, and the score of each.
    """
    regions, scores = list(line), list(scores)
    place = 0
    while place + 1 < len(regions):
        pair = join(regions[place : place + 2])
        neighbors = regions[place], regions[place + 1]
        is_poor = min(scores[place].digit, scores[place + 1].digit) < _POOR
        if _may_be_digit(*neighbors, pair, height) and (is_poor or _is_uneven(*neighbors)):
            (pair_score,) = score([pair])
            if pair_score.digit > (_GOOD if is_poor else _SURE):
                regions[place : place + 2] = [pair]
                scores[place : place + 2] = [pair_score]
                place = max(0, place - 1)
                continue
        place += 1
    return regions, scores


def _may_be_digit(left: Region, right: Region, pair: Region, height: float) -> bool:
    gap = right.x - (left.x + left.width)
    tallest = max(height, left.height, right.height)
    return (
        gap <= _WIDEST_GAP_BESIDE * height
        and pair.width <= _WIDEST * max(height, pair.height)
        and pair.height <= _TALLEST * tallest
    )


def _is_uneven(left: Region, right: Region) -> bool:
    """Tell whether a low piece stands close to a tall one, as the loop of a 9 to its stem."""
    low, tall = sorted((left.height, right.height))
    return low < _UNEVEN * tall and right.x - (left.x + left.width) < _UNEVEN_GAP * tall
