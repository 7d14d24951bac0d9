"""The first layers of a network: from raw pixels to numbers that learning likes.

They are part of the model, so whoever has the model passes raw pixels, and nothing about how the
training data were prepared can be lost or mixed up on the way.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.layers.base import Layer


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

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Nothing to learn."""
        return input_shape

    def forward(self, x: Array, ctx: Context) -> Array:
        """Scale, then shift."""
        ctx.save(self)
        return x * x.dtype.type(self.scale) + x.dtype.type(self.offset)

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive ``y = scale x + offset``: ``dx = scale dy``."""
        ctx.take(self)
        return dy * dy.dtype.type(self.scale)


@final
@dataclass(eq=False)
class Normalization(Layer):
    """Standardize each channel with the mean and variance of the training data.

    ::

        y = (x - mean) / sqrt(variance)

    Call `adapt` with the training images once, before the network is built. The statistics are
    state: they travel with the weights and are never learned.
    """

    def adapt(self, images: NDArray[np.generic], block: int = 1000) -> "Normalization":
        """Take the mean and variance of each channel over all pixels of all images.

        Args:
            images: ``(count, ..., channels)``, any real dtype: the training images.
            block: How many images are looked at at once; bounds the memory.

        Returns:
            This layer.

        Raises:
            ValueError: There are no images.
        """
        if not images.size:
            raise ValueError(f"images has the shape {images.shape}; give at least one image")
        channels = images.shape[-1]
        total, squares = np.zeros(channels), np.zeros(channels)
        for start in range(0, len(images), block):
            pixels = images[start : start + block].reshape(-1, channels).astype(np.float64)
            total += pixels.sum(axis=0)
            squares += np.square(pixels).sum(axis=0)
        count = images.size // channels
        mean = total / count
        variance = squares / count - mean**2
        # A channel that never changes says nothing; dividing it by 1 keeps it at 0.
        variance[variance < 1e-12] = 1
        self.state = {"mean": mean.astype(np.float32), "variance": variance.astype(np.float32)}
        return self

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Keep what `adapt` found; without it, start as the identity."""
        channels = input_shape[-1]
        if not self.state:
            self.state = {
                "mean": np.zeros(channels, np.float32),
                "variance": np.ones(channels, np.float32),
            }
        if len(self.state["mean"]) != channels:
            raise ValueError(
                f"input_shape is {input_shape}, but adapt saw images of "
                f"{len(self.state['mean'])} channels; adapt to the images that the model will get"
            )
        return input_shape

    def forward(self, x: Array, ctx: Context) -> Array:
        """Standardize."""
        ctx.save(self)
        return (x - self.state["mean"]) / np.sqrt(self.state["variance"])

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive ``y = (x - mean) / sqrt(variance)``: ``dx = dy / sqrt(variance)``."""
        ctx.take(self)
        return dy / np.sqrt(self.state["variance"])
