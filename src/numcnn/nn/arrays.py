"""Type aliases for arrays and shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
"""Float32 in use, float64 in the gradient check; the same code runs in both."""

Shape = tuple[int, ...]
"""A shape without the batch axis: ``(height, width, channels)`` or ``(features,)``."""
