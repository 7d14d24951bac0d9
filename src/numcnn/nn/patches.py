"""Images cut into patches (im2col), and patches added back (col2im).

A convolution is one matrix product once every patch that a filter sees stands in a row of a
matrix ("im2col"). Its gradient needs the transpose of that cutting: each pixel collects what
arrived at every patch it was part of ("col2im"). Neither routine here knows a layer.

Source: Chellapilla, Puri and Simard, "High performance convolutional neural networks for document
processing", 2006.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from numcnn.nn.arrays import Array, Shape


@final
@dataclass(frozen=True)
class Window:
    """A window that slides over an image: its size, its stride, and the image's padding.

    Attributes:
        size: Height and width of the window, in pixels.
        stride: Rows and columns between one position and the next.
        padding: "valid": the window stays inside the image. "same": the image is padded so
            that there are ``ceil(size / stride)`` positions along each axis; where the padding
            is odd, the extra row or column is at the bottom or right (TensorFlow's rule).
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    padding: str

    def __post_init__(self) -> None:
        if self.padding not in ("valid", "same"):
            raise ValueError(f'padding is {self.padding!r}; choose "valid" or "same"')

    def positions(self, image_shape: Shape) -> tuple[int, int]:
        """How many positions the window has along the image's height and width.

        Args:
            image_shape: ``(height, width, channels)``.

        Raises:
            ValueError: It is not an image's shape, or the window does not fit into it.
        """
        if len(image_shape) != 3:
            raise ValueError(f"input_shape is {image_shape}; images are (height, width, channels)")
        if self.padding == "same":
            rows, columns = (-(-image_shape[axis] // self.stride[axis]) for axis in (0, 1))
        else:
            rows, columns = (
                (image_shape[axis] - self.size[axis]) // self.stride[axis] + 1 for axis in (0, 1)
            )
        if rows < 1 or columns < 1:
            raise ValueError(
                f"a window of {self.size[0]} x {self.size[1]} does not fit into an input of "
                f"{image_shape[0]} x {image_shape[1]}; use a smaller window, larger images, or "
                'padding="same"'
            )
        return rows, columns

    def pad(self, x: Array, fill: float = 0.0) -> Array:
        """Surround the images ``(batch, height, width, channels)`` as ``padding`` asks."""
        top_bottom, left_right = self.margins(x.shape[1:])
        if not any(top_bottom + left_right):
            return x
        return np.pad(x, ((0, 0), top_bottom, left_right, (0, 0)), constant_values=fill)

    def crop(self, padded: Array, image_shape: Shape) -> Array:
        """Take the margins that `pad` added off again: its adjoint."""
        (top, _), (left, _) = self.margins(image_shape)
        return padded[:, top : top + image_shape[0], left : left + image_shape[1]]

    def shifts(self, padded: Array, positions: tuple[int, int]) -> Iterator[Array]:
        """For each cell of the window, row by row, what that cell sees at every position.

        Args:
            padded: ``(batch, height, width, channels)``, as `pad` returns it.
            positions: As `positions` returns them.

        Yields:
            Views of ``padded`` of shape ``(batch, rows, columns, channels)``; writing into one
            writes into ``padded``.
        """
        for i in range(self.size[0]):
            for j in range(self.size[1]):
                bottom = i + self.stride[0] * positions[0]
                right = j + self.stride[1] * positions[1]
                yield padded[:, i : bottom : self.stride[0], j : right : self.stride[1]]

    def margins(self, image_shape: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows added above and below, columns added left and right."""
        if self.padding == "valid":
            return (0, 0), (0, 0)
        margins = []
        for axis, count in enumerate(self.positions(image_shape)):
            reach = (count - 1) * self.stride[axis] + self.size[axis]
            missing = max(reach - image_shape[axis], 0)
            margins.append((missing // 2, missing - missing // 2))
        return margins[0], margins[1]


def im2col(x: Array, window: Window) -> Array:
    """Put every patch that the window sees into a row.

    Args:
        x: Images ``(batch, height, width, channels)``.
        window: What slides over them.

    Returns:
        ``(batch * rows * columns, size_height * size_width * channels)``. A row holds its patch
        in the order height, width, channel: the order of a convolution's weights.
    """
    rows, columns = window.positions(x.shape[1:])
    patches = sliding_window_view(window.pad(x), window.size, axis=(1, 2), subok=True)
    patches = patches[:, :: window.stride[0], :: window.stride[1]].transpose(0, 1, 2, 4, 5, 3)
    return patches.copy().reshape(len(x) * rows * columns, math.prod(patches.shape[3:]))


def col2im(columns: Array, image_shape: Shape, window: Window) -> Array:
    """Add every patch back to where `im2col` took it from: the adjoint of `im2col`.

    For any ``x`` and ``c``, ``sum(im2col(x) * c) == sum(x * col2im(c))``.

    Args:
        columns: As `im2col` returns them.
        image_shape: ``(height, width, channels)``.
        window: What slid over the images.

    Returns:
        Images ``(batch, height, width, channels)``. A pixel in several patches gets their sum.
    """
    positions = window.positions(image_shape)
    cells = window.size[0] * window.size[1]
    batch = len(columns) // math.prod(positions)
    patches = columns.reshape(batch, *positions, cells, image_shape[2])
    padded = window.pad(np.zeros_like(columns, shape=(len(patches), *image_shape)))
    for cell, view in enumerate(window.shifts(padded, positions)):
        view += patches[:, :, :, cell]
    return window.crop(padded, image_shape)
