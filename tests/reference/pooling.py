"""Pooling over images, channels, rows and columns."""

from collections.abc import Iterator

import numpy as np

from tests.reference.sliding import inside, starts

Index = tuple[int, int, int, int]


def windows(
    x_shape: tuple[int, ...], size: tuple[int, int], stride: tuple[int, int], padding: str
) -> Iterator[tuple[Index, list[Index]]]:
    """Each output's index, and the pixels in its window, row by row. Only real pixels count."""
    batch, height, width, channels = x_shape
    for n in range(batch):
        for r, top in enumerate(starts(height, size[0], stride[0], padding)):
            for c, left in enumerate(starts(width, size[1], stride[1], padding)):
                for k in range(channels):
                    pixels = [
                        (n, top + i, left + j, k)
                        for i in range(size[0])
                        for j in range(size[1])
                        if inside(top + i, left + j, height, width)
                    ]
                    yield (n, r, c, k), pixels


def output_shape(
    x_shape: tuple[int, ...], size: tuple[int, int], stride: tuple[int, int], padding: str
) -> tuple[int, ...]:
    """``(batch, rows, columns, channels)``."""
    batch, height, width, channels = x_shape
    rows = len(starts(height, size[0], stride[0], padding))
    return batch, rows, len(starts(width, size[1], stride[1], padding)), channels


def first_winner(x: np.ndarray, pixels: list[Index]) -> Index:
    """The pixel with the largest value; of several, the first."""
    winner = pixels[0]
    for pixel in pixels[1:]:
        if x[pixel] > x[winner]:
            winner = pixel
    return winner


def max_pool(
    x: np.ndarray, size: tuple[int, int], stride: tuple[int, int], padding: str
) -> np.ndarray:
    """The largest value of each window."""
    y = np.zeros(output_shape(x.shape, size, stride, padding))
    for output, pixels in windows(x.shape, size, stride, padding):
        y[output] = x[first_winner(x, pixels)]
    return y


def max_pool_backward(
    dy: np.ndarray, x: np.ndarray, size: tuple[int, int], stride: tuple[int, int], padding: str
) -> np.ndarray:
    """Each window's gradient goes to its winner, and to no other pixel."""
    dx = np.zeros(x.shape)
    for output, pixels in windows(x.shape, size, stride, padding):
        dx[first_winner(x, pixels)] += dy[output]
    return dx


def average_pool(
    x: np.ndarray, size: tuple[int, int], stride: tuple[int, int], padding: str
) -> np.ndarray:
    """The mean of each window's pixels."""
    y = np.zeros(output_shape(x.shape, size, stride, padding))
    for output, pixels in windows(x.shape, size, stride, padding):
        for pixel in pixels:
            y[output] += x[pixel] / len(pixels)
    return y


def average_pool_backward(
    dy: np.ndarray, x: np.ndarray, size: tuple[int, int], stride: tuple[int, int], padding: str
) -> np.ndarray:
    """Each window's gradient is shared evenly among its pixels."""
    dx = np.zeros(x.shape)
    for output, pixels in windows(x.shape, size, stride, padding):
        for pixel in pixels:
            dx[pixel] += dy[output] / len(pixels)
    return dx
