"""Numbers to test with."""

import math

import numpy as np


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Float64 numbers of about size 1."""
    return np.random.default_rng(seed).standard_normal(shape)


def apart(*shape: int, seed: int = 0) -> np.ndarray:
    """Float64 numbers from -2 to 2, no two near each other and none near 0, in random order.

    Where a small step neither turns a ReLU on or off nor makes another cell the largest, a
    derivative exists and can be checked.
    """
    count = math.prod(shape)
    values = (np.arange(count) - count / 2 + 0.25) * (4 / count)
    return np.random.default_rng(seed).permutation(values).reshape(shape)


def classes(count: int, outputs: int, seed: int = 0) -> np.ndarray:
    """Class indices, each class at least once if there are enough."""
    return np.random.default_rng(seed).permutation(np.arange(count) % outputs)


def integers(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Float32 numbers that are integers from -2 to 2: sums of products of them are exact.

    In any order of summation, as long as they stay below 2^24. And they have many ties.
    """
    return np.random.default_rng(seed).integers(-2, 3, shape).astype(np.float32)
