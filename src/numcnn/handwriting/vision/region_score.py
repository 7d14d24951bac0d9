"""How likely a region is one digit, several digits, or neither, as a classifier scores it.

Which ink belongs to one digit cannot be decided without classifying it. So the search for digits
takes a function that scores regions, and does not depend on the classifier behind it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from numcnn.handwriting.vision.region import Region


class RegionScore(NamedTuple):
    """Natural logarithms of probabilities, each at most 0.

    They need not add up to 1: of the digits, only the most probable one counts.

    Attributes:
        digit: That the region is the digit that is most probable.
        several: That it is several digits.
        neither: That it is something else.
    """

    digit: float
    several: float
    neither: float


Score = Callable[[Sequence[Region]], Sequence[RegionScore]]
"""A function that scores regions: one `RegionScore` for each, in their order."""
