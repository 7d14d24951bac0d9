"""The opinion: what a reader says of a region, for those who find the regions.

Which ink is one digit cannot be told without reading it. So whoever looks for digits may ask, and
does not know who answers.
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
"""Says what each region is."""
