"""Preprocessing layers: from raw pixels to numbers of about size 1.

They are part of the model, so whoever has the model passes raw pixels, and nothing about how the
training data were prepared can be lost or mixed up on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.layers.base import Layer
from numcnn.nn.validation import number


@final
@dataclass(eq=False)
class Rescaling(Layer):
    """``y = scale * x + offset``; by default, pixels of 0 to 255 become 0 to 1. Any shape.

    Attributes:
        scale: What to multiply with.
        offset: What to add after that.
    """

    scale: float = 1 / 255
    offset: float = 0.0

    acts_on = "element"

    def __post_init__(self) -> None:
        if number("scale", self.scale) == 0:
            raise ValueError("scale is 0, which makes all inputs the same; give another number")
        number("offset", self.offset)

    def forward(self, x: Array, ctx: Context) -> Array:
        """Scale, then shift."""
        ctx.save(self)
        return x * x.dtype.type(self.scale) + x.dtype.type(self.offset)

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive ``y = scale x + offset``: ``dx = scale dy``."""
        ctx.take(self)
        return dy * dy.dtype.type(self.scale)


class SupportsSlices(Protocol):
    """An array, as far as `Normalization.adapt` needs one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(count, ..., channels)``."""

    @property
    def size(self) -> int:
        """How many numbers there are."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> NDArray[Any]: ...


@final
@dataclass(eq=False)
class Normalization(Layer):
    """Standardize each channel with the mean and variance of the training data.

    ::

        y = (x - mean) / sqrt(variance)

    `numcnn.training.fit` adapts it to the training images, if it comes first. Without that, call
    `adapt` with them once. The statistics are state: they travel with the weights and are never
    learned.
    """

    acts_on = "example"

    def adapt(self, images: SupportsSlices, block: int = 1000) -> Normalization:
        """Take the mean and variance of each channel over all pixels of all images.

        Args:
            images: ``(count, ..., channels)``, any real dtype: the training images. An array, or
                whatever has its shape and gives slices of it.
            block: How many images are looked at at once; bounds the memory.

        Returns:
            This layer.

        Raises:
            ValueError: There are no images.
        """
        if not images.size:
            raise ValueError(f"images has the shape {images.shape}; give at least one image")
        channels = images.shape[-1]
        count = images.size // channels
        mean, variance = np.zeros(channels), np.zeros(channels)
        blocks = [images[start : start + block] for start in range(0, len(images), block)]
        for part in blocks:
            mean += part.reshape(-1, channels).sum(axis=0, dtype=np.float64) / count
        for part in blocks:
            pixels = part.reshape(-1, channels).astype(np.float64)
            variance += np.square(pixels - mean).sum(axis=0) / count
        # A channel that never changes says nothing; dividing it by 1 keeps it at 0.
        variance[variance < 1e-12 * np.maximum(1, mean**2)] = 1
        if self.state:
            # In place: a built model keeps all its statistics in one vector.
            self._require_channels(images.shape[1:])
            self.state["mean"][...], self.state["variance"][...] = mean, variance
        else:
            self.state = {"mean": mean.astype(np.float32), "variance": variance.astype(np.float32)}
        return self

    @property
    def is_adapted(self) -> bool:
        """Whether there are statistics, other than mean 0 and variance 1."""
        return bool(self.state) and not bool(
            (self.state["mean"] == 0).all() and (self.state["variance"] == 1).all()
        )

    def array_shapes(self, input_shape: Shape) -> Mapping[str, Shape]:
        """Two numbers a channel."""
        return dict.fromkeys(("mean", "variance"), input_shape[-1:])

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Keep what `adapt` found; without it, start as the identity."""
        channels = input_shape[-1]
        if not self.state:
            self.state = {
                "mean": np.zeros(channels, np.float32),
                "variance": np.ones(channels, np.float32),
            }
        self._require_channels(input_shape)
        return input_shape

    def forward(self, x: Array, ctx: Context) -> Array:
        """Standardize."""
        ctx.save(self)
        return (x - self.state["mean"]) / np.sqrt(self.state["variance"])

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive ``y = (x - mean) / sqrt(variance)``: ``dx = dy / sqrt(variance)``."""
        ctx.take(self)
        return dy / np.sqrt(self.state["variance"])

    def _require_channels(self, shape: Shape) -> None:
        channels = len(self.state["mean"])
        if shape[-1:] != (channels,):
            raise ValueError(
                f"input_shape is {shape}, but adapt saw images of {channels} channels; "
                "adapt to the images that the model will get"
            )
