"""Memory layouts: the order of the axes of a batch of images.

A layer's own code keeps a batch as it is written: ``(n, H, W, C)``. A machine likes long runs of
neighbours that are treated alike, and which order gives those depends on how many channels there
are. The mathematics does not change, only the order of the axes:

- `BatchFirst`, ``(n, ...)``: as the layers have it; for vectors of features, and where a layer's
  own code runs.
- `BatchInside`, ``(H, W, n, C)``: one pixel of all images of a micro-batch lies together with all
  its channels. For wide layers.
- `BatchLast`, ``(C, F, H, W / F, n)``: for few channels, where the images themselves have to make
  the runs long. Column ``w`` is the phase ``w mod F`` of block ``w // F``.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.nn.arrays import Array, Shape

_LEAST_RUN = 128
"""Numbers in a row of memory below which NumPy's inner loop costs more than what is in it."""


class Layout(ABC):
    """An order of axes."""

    @abstractmethod
    def array_shape(self, shape: Shape, n: int) -> tuple[int, ...]:
        """The shape of the array that holds ``n`` examples of ``shape``."""

    @abstractmethod
    def blocks(self, array: Array, phases: int) -> Array:
        """View the array as ``(n, H, W / phases, phases, C)``."""

    @abstractmethod
    def lines(self, array: Array) -> Array:
        """View the array as a matrix in which `spread` of a vector has its channels right."""

    @abstractmethod
    def spread(self, vector: Array, shape: Shape, n: int) -> Array:
        """Repeat one number a channel so that it broadcasts over `lines` of ``n`` of ``shape``.

        Whole runs of the array, not a few channels over and over: NumPy's inner loop is as long as
        the last axis.
        """

    @abstractmethod
    def channel_sums(self, array: Array, channels: int) -> Array:
        """Sum over everything but the channels: ``(channels,)``.

        As a product with ones: BLAS adds rows several times faster than ``sum(axis=0)``.
        """


@final
@dataclass(frozen=True)
class BatchFirst(Layout):
    """``(n, ...)``."""

    def array_shape(self, shape: Shape, n: int) -> tuple[int, ...]:
        """The batch, then the example."""
        return (n, *shape)

    def blocks(self, array: Array, phases: int) -> Array:
        """Split the columns."""
        n, height, width, channels = array.shape
        return array.reshape(n, height, width // phases, phases, channels)

    def lines(self, array: Array) -> Array:
        """A row holds the channels of one pixel."""
        return array.reshape(-1, array.shape[-1])

    def spread(self, vector: Array, shape: Shape, n: int) -> Array:
        """It is right as it is."""
        return vector

    def channel_sums(self, array: Array, channels: int) -> Array:
        """Add the rows."""
        return _add_rows(array.reshape(-1, channels))


@final
@dataclass(frozen=True)
class BatchInside(Layout):
    """``(H, W, n, C)``."""

    def array_shape(self, shape: Shape, n: int) -> tuple[int, ...]:
        """Height, width, the batch, the channels."""
        height, width, channels = shape
        return height, width, n, channels

    def blocks(self, array: Array, phases: int) -> Array:
        """Split the columns and bring the batch to the front."""
        height, width, n, channels = array.shape
        split = array.reshape(height, width // phases, phases, n, channels)
        return split.transpose(3, 0, 1, 2, 4)

    def lines(self, array: Array) -> Array:
        """A row holds one pixel of all images; or a row of pixels, if that is little."""
        _, width, n, channels = array.shape
        return array.reshape(-1, n * channels * (width if n * channels < _LEAST_RUN else 1))

    def spread(self, vector: Array, shape: Shape, n: int) -> Array:
        """The channels once for each image, and each pixel of a row if that is little."""
        return np.tile(vector, n * (shape[1] if n * len(vector) < _LEAST_RUN else 1))

    def channel_sums(self, array: Array, channels: int) -> Array:
        """Add the pixels of all images."""
        return _add_rows(array.reshape(-1, channels))


@final
@dataclass(frozen=True)
class BatchLast(Layout):
    """``(C, F, H, W / F, n)``.

    Attributes:
        phases: ``F``.
    """

    phases: int = 1

    def array_shape(self, shape: Shape, n: int) -> tuple[int, ...]:
        """Channels, phases, height, blocks, the batch."""
        height, width, channels = shape
        return channels, self.phases, height, width // self.phases, n

    def blocks(self, array: Array, phases: int) -> Array:
        """Move the axes. Columns that lie in one phase can be split further, others not."""
        if self.phases == 1 != phases:
            channels, _, height, width, n = array.shape
            split = array.reshape(channels, height, width // phases, phases, n)
            return split.transpose(4, 1, 2, 3, 0)
        if phases != self.phases:
            raise ValueError(f"phases is {phases}, but the layout has {self.phases}")
        return array.transpose(4, 2, 3, 1, 0)

    def lines(self, array: Array) -> Array:
        """A row holds a channel."""
        return array.reshape(array.shape[0], math.prod(array.shape[1:]))

    def spread(self, vector: Array, shape: Shape, n: int) -> Array:
        """One number for each row."""
        return vector[:, None]

    def channel_sums(self, array: Array, channels: int) -> Array:
        """Add up each row."""
        rows = array.reshape(channels, -1)
        return rows @ np.ones(rows.shape[1], np.float32)


def _add_rows(rows: Array) -> Array:
    return np.ones(len(rows), np.float32) @ rows


def common_blocks(a: tuple[Array, Layout], b: tuple[Array, Layout]) -> tuple[Array, Array]:
    """View two arrays of the same images, in two layouts, with their axes in the same order.

    Of two `BatchLast` layouts with more than one phase, both must have the same number. Both
    arrays are contiguous.
    """
    phases = max(layout.phases if isinstance(layout, BatchLast) else 1 for layout in (a[1], b[1]))
    return a[1].blocks(a[0], phases), b[1].blocks(b[0], phases)
