"""The array type that the whole network speaks, and the check of what comes in from outside."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
"""Float32 in use, float64 in the gradient check; the same code runs in both."""

Shape = tuple[int, ...]
"""A shape without the batch axis: ``(height, width, channels)`` or ``(features,)``."""


def pair(name: str, value: int | tuple[int, int], least: int = 1) -> tuple[int, int]:
    """Read a size given as one integer for both axes or as ``(height, width)``.

    Args:
        name: The argument's name, for the error.
        value: One integer, or two.
        least: The smallest value allowed.

    Raises:
        ValueError: It is neither, or smaller than ``least``.
    """
    both = (value, value) if isinstance(value, int) else tuple(value)
    if len(both) != 2 or not all(isinstance(v, int) and v >= least for v in both):
        raise ValueError(
            f"{name} is {value!r}; give an integer of at least {least}, or two: (height, width)"
        )
    return both[0], both[1]
