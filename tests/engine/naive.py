"""Convolution as its formula has it, number by number, in any arithmetic: also in fractions."""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.patches import Window

Numbers = NDArray[Any]


def convolve(x: Numbers, weight: Numbers, window: Window) -> Numbers:
    """``(n, H, W, C)`` and ``(kh, kw, C, filters)`` to ``(n, rows, columns, filters)``."""
    y = np.zeros((len(x), *window.positions(x.shape[1:]), weight.shape[3]), x.dtype)
    for cell, position, pixel in _meetings(x.shape[1:], window):
        y[:, *position] += x[:, *pixel] @ weight[cell]
    return y


def gradients(x: Numbers, weight: Numbers, dy: Numbers, window: Window) -> tuple[Numbers, Numbers]:
    """Those of ``sum(dy * convolve(x, weight))``."""
    dx, dweight = np.zeros_like(x), np.zeros_like(weight)
    for cell, position, pixel in _meetings(x.shape[1:], window):
        dx[:, *pixel] += dy[:, *position] @ weight[cell].T
        dweight[cell] += x[:, *pixel].T @ dy[:, *position]
    return dx, dweight


def _meetings(image_shape: tuple[int, ...], window: Window) -> Any:
    """Which weight's cell meets which pixel for which output."""
    (top, _), (left, _) = window.margins(image_shape)
    rows, columns = window.positions(image_shape)
    for r, c, i, j in product(range(rows), range(columns), *map(range, window.size)):
        row, column = r * window.stride[0] + i - top, c * window.stride[1] + j - left
        if 0 <= row < image_shape[0] and 0 <= column < image_shape[1]:
            yield (i, j), (r, c), (row, column)
