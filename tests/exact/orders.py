"""Libraries that sum in another order than this machine's, as those of other machines do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

from numcnn.exact import sums
from numcnn.exact.rounding import Float64s


@contextmanager
def random_order(seed: int, dtype: type[np.floating[Any]] = np.float64) -> Iterator[None]:
    """Have all products and sums taken with their terms shuffled, in blocks of random length.

    Args:
        seed: Of the orders.
        dtype: What partial sums are kept in; float32 rounds them.
    """
    rng = np.random.default_rng(seed)

    def blocks(count: int) -> list[np.ndarray]:
        order, cuts = rng.permutation(count), rng.integers(0, count + 1, rng.integers(0, 4))
        return [part for part in np.split(order, np.sort(cuts)) if len(part)]

    def multiply(a: Float64s, b: Float64s, out: Float64s) -> None:
        a, b, total = a.astype(dtype), b.astype(dtype), np.zeros(out.shape, dtype)
        for part in blocks(a.shape[-1]):
            total += np.matmul(a[..., part], b[..., part, :] if b.ndim > 1 else b[part])
        out[...] = total

    def add_up(x: Float64s, axes: tuple[int, ...], keepdims: bool = False) -> Float64s:
        x = x.astype(dtype)
        for axis in axes:
            parts = [
                np.take(x, part, axis).sum(axis, keepdims=True) for part in blocks(x.shape[axis])
            ]
            x = sum(parts, np.zeros_like(x.sum(axis, keepdims=True)))
        return (x if keepdims else np.squeeze(x, axes)).astype(np.float64)

    with patch.object(sums, "multiply", multiply), patch.object(sums, "add_up", add_up):
        yield
