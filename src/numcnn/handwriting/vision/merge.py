"""The joining: pieces that make a digit together, and none by themselves.

Rules on boxes find most broken digits (`numcnn.handwriting.vision.segment`). Where two pieces stand
side by side, as those of a 4 whose strokes do not meet, only a reader can tell them from two
digits.
"""

from collections.abc import Sequence

from numcnn.handwriting.vision.region import Region, join
from numcnn.handwriting.vision.region_score import RegionScore, Score

_NEAR = 0.25  # of the height: the widest gap within a digit
_WIDEST = 1.05  # of the height: a digit
_TALLEST = 1.35  # of the height: a digit
_LOW, _CLOSE = 0.7, 0.08  # of the taller piece: two digits are rarely so uneven and so close
_POOR, _GOOD, _SURE = -1.0, -0.35, -0.1  # logarithms of probabilities


def merge_broken_digits(
    line: Sequence[Region], opinions: Sequence[RegionScore], score: Score, height: float
) -> tuple[list[Region], list[RegionScore]]:
    """Join neighbors of which one is no digit, where both together are one.

    Args:
        line: Regions from left to right.
        opinions: What a reader says of each.
        score: What a reader says of others.
        height: How high digits are in this line.

    Returns:
        The regions, and what a reader says of each.
    """
    regions, said = list(line), list(opinions)
    place = 0
    while place + 1 < len(regions):
        pair = join(regions[place : place + 2])
        neighbors = regions[place], regions[place + 1]
        is_poor = min(said[place].digit, said[place + 1].digit) < _POOR
        if _may_be_digit(*neighbors, pair, height) and (is_poor or _is_uneven(*neighbors)):
            (opinion,) = score([pair])
            if opinion.digit > (_GOOD if is_poor else _SURE):
                regions[place : place + 2] = [pair]
                said[place : place + 2] = [opinion]
                place = max(0, place - 1)
                continue
        place += 1
    return regions, said


def _may_be_digit(left: Region, right: Region, pair: Region, height: float) -> bool:
    gap = right.x - (left.x + left.width)
    tallest = max(height, left.height, right.height)
    return (
        gap <= _NEAR * height
        and pair.width <= _WIDEST * max(height, pair.height)
        and pair.height <= _TALLEST * tallest
    )


def _is_uneven(left: Region, right: Region) -> bool:
    """Tell whether a small piece stands close to a tall one, as the loop of a 9 to its stem."""
    low, tall = sorted((left.height, right.height))
    return low < _LOW * tall and right.x - (left.x + left.width) < _CLOSE * tall
