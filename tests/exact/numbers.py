"""Numbers for sums: of very different sizes, so that the order of a float32 sum would show."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray


def vectors(dtype: type[np.floating[Any]], most: int = 40) -> st.SearchStrategy[NDArray[Any]]:
    """Vectors of finite numbers, none of which is too small or too large for its unit."""
    width = np.finfo(dtype).bits
    numbers = st.floats(-1e6, 1e6, width=width, allow_subnormal=False)  # type: ignore[arg-type]
    return arrays.arrays(dtype, st.integers(1, most), elements=numbers)


def wild(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.float32]:
    """Numbers over twelve orders of magnitude."""
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.uniform(-6, 6, shape)
    return (rng.standard_normal(shape) * scale).astype(np.float32)
