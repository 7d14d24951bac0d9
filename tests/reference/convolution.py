"""Convolution over images, rows, columns and filters."""

from collections.abc import Iterator

import numpy as np

from tests.reference.sliding import inside, starts


def meetings(
    x_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    stride: tuple[int, int],
    padding: str,
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]:
    """Every time that a pixel meets a weight: ``(output index, pixel index, weight index)``.

    Images are ``(batch, height, width, channels)``, weights ``(height, width, channels,
    filters)``. A weight that lies outside the image meets nothing.
    """
    batch, height, width, channels = x_shape
    kernel_height, kernel_width, _, filters = weight_shape
    for n in range(batch):
        for r, top in enumerate(starts(height, kernel_height, stride[0], padding)):
            for c, left in enumerate(starts(width, kernel_width, stride[1], padding)):
                for i in range(kernel_height):
                    for j in range(kernel_width):
                        if not inside(top + i, left + j, height, width):
                            continue
                        for k in range(channels):
                            for f in range(filters):
                                yield (n, r, c, f), (n, top + i, left + j, k), (i, j, k, f)


def convolve(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: tuple[int, int], padding: str
) -> np.ndarray:
    """Each output is its filter's bias, plus every pixel under the filter times its weight."""
    batch, height, width, _ = x.shape
    rows = len(starts(height, weight.shape[0], stride[0], padding))
    columns = len(starts(width, weight.shape[1], stride[1], padding))
    y = np.zeros((batch, rows, columns, weight.shape[3]))
    for n in range(batch):
        for r in range(rows):
            for c in range(columns):
                for f in range(weight.shape[3]):
                    y[n, r, c, f] = bias[f]
    for output, pixel, cell in meetings(x.shape, weight.shape, stride, padding):
        y[output] += x[pixel] * weight[cell]
    return y


def convolve_backward(
    dy: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: tuple[int, int], padding: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a pixel met a weight, each gets the output's gradient times the other.

    Returns:
        ``dx``, ``dweight`` and ``dbias``.
    """
    dx, dweight, dbias = np.zeros(x.shape), np.zeros(weight.shape), np.zeros(weight.shape[3])
    for output, pixel, cell in meetings(x.shape, weight.shape, stride, padding):
        dx[pixel] += dy[output] * weight[cell]
        dweight[cell] += dy[output] * x[pixel]
    for n in range(dy.shape[0]):
        for r in range(dy.shape[1]):
            for c in range(dy.shape[2]):
                for f in range(dy.shape[3]):
                    dbias[f] += dy[n, r, c, f]
    return dx, dweight, dbias
