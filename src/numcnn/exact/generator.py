"""A generator of random numbers that are the same bits everywhere, normal ones too."""

from __future__ import annotations

from typing import Any

import numpy as np

from numcnn.exact import functions
from numcnn.exact.array import ExactArray, exact


class ExactGenerator(np.random.Generator):
    """NumPy's generator, with the draws that use the C library's functions made another way.

    NumPy's integers, permutations and uniform numbers from 0 to 1 are integers of the bit
    generator, the last divided by a power of two: exact. Its normal numbers need a logarithm and
    an exponential of the C library for about one in a hundred, and a uniform number of another
    range is a product with a sum that some compilers fuse. Here a normal number is what lies above
    a uniform share of the normal distribution (`numcnn.exact.functions.normal`); one draw gives
    one number.
    """

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> ExactArray:  # type: ignore[override]
        """Uniform numbers from ``low`` to ``high``."""
        low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        shape = np.broadcast_shapes(low.shape, high.shape) if size is None else size
        return exact(low + (high - low) * np.asarray(self.random(shape)))

    def standard_normal(  # type: ignore[override]
        self, size: Any = None, dtype: Any = np.float64, out: None = None
    ) -> ExactArray:
        """Normal numbers of mean 0 and variance 1."""
        return exact(functions.normal(np.asarray(self.random(size))).astype(dtype))

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> ExactArray:  # type: ignore[override]
        """Normal numbers of another mean and deviation."""
        loc, scale = np.asarray(loc, np.float64), np.asarray(scale, np.float64)
        shape = np.broadcast_shapes(loc.shape, scale.shape) if size is None else size
        return exact(loc + scale * np.asarray(self.standard_normal(shape)))
