"""Pooling: maximum, average, and the average over the whole image."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.layers.base import Layer
from numcnn.nn.patches import Window
from numcnn.nn.validation import pair


@dataclass(eq=False)
class Pool2D(Layer):
    """A window that slides over each channel and keeps one number of what it sees.

    Input ``(batch, height, width, channels)``, output ``(batch, rows, columns, channels)``.

    Attributes:
        pool_size: The window's height and width; one integer for both.
        stride: Rows and columns between one position and the next; the window's size if None.
        padding: "valid" (only whole windows inside the image) or "same" (also those over its
            edge; what lies outside does not count).
    """

    pool_size: int | tuple[int, int] = 2
    stride: int | tuple[int, int] | None = None
    padding: str = "valid"

    def __post_init__(self) -> None:
        _ = self.window

    @property
    def window(self) -> Window:
        """What slides over the image."""
        size = pair("pool_size", self.pool_size)
        return Window(
            size, size if self.stride is None else pair("stride", self.stride), self.padding
        )

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Nothing to learn."""
        return *self.window.positions(input_shape), input_shape[2]

    @abstractmethod
    def forward(self, x: Array, ctx: Context) -> Array:
        """Reduce each window to one number."""

    @abstractmethod
    def backward(self, dy: Array, ctx: Context) -> Array:
        """Share each number's gradient among the window that it came from."""


@final
@dataclass(eq=False)
class MaxPool2D(Pool2D):
    """Keep the largest value of each window: whether a feature is there, not exactly where.

    Input ``(batch, height, width, channels)``, output ``(batch, rows, columns, channels)``; nothing
    to learn.

    Attributes:
        pool_size: The window's height and width; one integer for both.
        stride: Rows and columns between one position and the next; the window's size if None.
        padding: "valid" or "same"; see `Pool2D`.

    Raises:
        ValueError: A size is no positive integer, or the padding is neither.

    Source: Ranzato, Huang, Boureau and LeCun, "Unsupervised learning of invariant feature
    hierarchies with applications to object recognition", 2007.
    """

    acts_on = "example"

    def forward(self, x: Array, ctx: Context) -> Array:
        """Compare the cells of the window one after another, at all positions at once."""
        positions = self.window.positions(x.shape[1:])
        padded = self.window.pad(x, fill=-np.inf)
        cells = self.window.shifts(padded, positions)
        y = next(cells).copy()
        for value in cells:
            np.maximum(y, value, out=y)
        ctx.save(self, padded, y, x.shape[1:])
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive the gradient of ``y = max(window)``.

        A small change of the largest cell changes ``y`` by as much, one of another cell not at
        all: the whole gradient goes to the winner. On a tie, as on the flat background of a
        picture, the first cell wins and no other, so that the gradient keeps its size::

            dx[cell] += dy where cell is the first that equals y
        """
        padded, y, image_shape = ctx.take(self)
        dx = np.zeros_like(padded, dy.dtype)
        open_positions = np.ones(y.shape, bool)
        cells = self.window.shifts(padded, y.shape[1:3])
        for value, gradient in zip(cells, self.window.shifts(dx, y.shape[1:3]), strict=True):
            wins = (value == y) & open_positions
            gradient += dy * wins
            open_positions &= ~wins
        return self.window.crop(dx, image_shape)


@final
@dataclass(eq=False)
class AveragePool2D(Pool2D):
    """Keep the mean of each window.

    Input ``(batch, height, width, channels)``, output ``(batch, rows, columns, channels)``; nothing
    to learn. A window that reaches over the edge is averaged over what lies inside the image.

    Attributes:
        pool_size: The window's height and width; one integer for both.
        stride: Rows and columns between one position and the next; the window's size if None.
        padding: "valid" or "same"; see `Pool2D`.

    Raises:
        ValueError: A size is no positive integer, or the padding is neither.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
    recognition", 1998 (as subsampling).
    """

    acts_on = "example"

    def forward(self, x: Array, ctx: Context) -> Array:
        """Sum the cells of the window at all positions at once, and divide by their number."""
        ctx.save(self, x.shape[1:])
        positions = self.window.positions(x.shape[1:])
        return self._sum(x, positions) / self._cells(x.shape[1:], x.dtype)

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive the gradient of ``y = sum(window) / cells``: an equal share for each cell.

        ::

            dx[cell] += dy / cells
        """
        (image_shape,) = ctx.take(self)
        padded = self.window.pad(np.zeros_like(dy, shape=(len(dy), *image_shape)))
        share = dy / self._cells(image_shape, dy.dtype)
        for view in self.window.shifts(padded, dy.shape[1:3]):
            view += share
        return self.window.crop(padded, image_shape)

    def _sum(self, x: Array, positions: tuple[int, int]) -> Array:
        cells = self.window.shifts(self.window.pad(x), positions)
        total = next(cells).copy()
        for value in cells:
            total += value
        return total

    def _cells(self, image_shape: Shape, dtype: np.dtype[Any]) -> Array:
        """How many real pixels each window holds: ``(1, rows, columns, 1)``."""
        ones = np.ones((1, *image_shape[:2], 1), dtype)
        return self._sum(ones, self.window.positions(image_shape))


@final
@dataclass(eq=False)
class GlobalAveragePool2D(Layer):
    """The mean of each channel over the whole image.

    Input ``(batch, height, width, channels)``, output ``(batch, channels)``. In place of a large
    dense layer it makes each channel vote for the picture as a whole.

    Source: Lin, Chen and Yan, "Network in network", 2014.
    """

    acts_on = "example"

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Nothing to learn."""
        if len(input_shape) != 3:
            raise ValueError(f"input_shape is {input_shape}; images are (height, width, channels)")
        return input_shape[2:]

    def forward(self, x: Array, ctx: Context) -> Array:
        """Average over height and width."""
        ctx.save(self, x.shape)
        return x.mean(axis=(1, 2))

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive the gradient of ``y = sum(x) / (height width)``: the same share for each pixel.

        ::

            dx = dy / (height width)
        """
        (shape,) = ctx.take(self)
        dx = np.empty_like(dy, shape=shape)
        dx[:] = (dy / (shape[1] * shape[2]))[:, None, None, :]
        return dx
