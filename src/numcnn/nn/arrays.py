"""Type aliases for arrays and shapes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
"""Float32 in use, float64 in the gradient check; the same code runs in both."""

Shape = tuple[int, ...]
"""A shape without the batch axis: ``(height, width, channels)`` or ``(features,)``."""


def size_text(shape: Shape) -> str:
    """A shape as a message or a table says it: ``28 x 28 x 1``."""
    return " x ".join(map(str, shape))
