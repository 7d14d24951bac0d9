"""How likely a region is a digit, several digits, or neither, as a classifier scores it.

Which ink is one digit cannot be told without reading it. So the search for digits takes a function
that scores regions, and does not depend on the classifier behind it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from numcnn.handwriting.vision.region import Region


class RegionScore(NamedTuple):
    """Logarithms of probabilities, of which the first two or three add up to 1.

    Attributes:
        digit: That the region is the digit that it looks most like.
        several: That it is several digits.
        neither: That it is something else.
    """

    digit: float
    several: float
    neither: float


Score = Callable[[Sequence[Region]], Sequence[RegionScore]]
"""Scores regions."""
