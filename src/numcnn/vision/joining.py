"""The joining: pieces that make a digit together, and none by themselves.

Rules on boxes find most broken digits (`numcnn.vision.segment`). Where two pieces stand side by
side, as those of a 4 whose strokes do not meet, only a reader can tell them from two digits.
"""

from collections.abc import Sequence

from numcnn.vision.opinion import Opinion, Score
from numcnn.vision.region import Region, join

_NEAR = 0.25  # of the height: the widest gap within a digit
_WIDEST = 1.05  # of the height: a digit
_TALLEST = 1.35  # of the height: a digit
_POOR, _GOOD = -1.0, -0.35  # logarithms of probabilities


def best_joins(
    line: Sequence[Region], opinions: Sequence[Opinion], score: Score, height: float
) -> tuple[list[Region], list[Opinion]]:
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
        if _may_be_digit(regions[place], regions[place + 1], pair, height) and (
            min(said[place].digit, said[place + 1].digit) < _POOR
        ):
            (opinion,) = score([pair])
            if opinion.digit > _GOOD:
                regions[place : place + 2] = [pair]
                said[place : place + 2] = [opinion]
                place = max(0, place - 1)
                continue
        place += 1
    return regions, said


def _may_be_digit(left: Region, right: Region, pair: Region, height: float) -> bool:
    gap = right.x - (left.x + left.width)
    return (
        gap <= _NEAR * height
        and pair.width <= _WIDEST * max(height, pair.height)
        and pair.height <= _TALLEST * height
    )
