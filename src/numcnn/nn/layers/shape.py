"""Layers that only rearrange."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.layers.base import Layer


@final
@dataclass(eq=False)
class Flatten(Layer):
    """Write each example as one row: ``(batch, ...)`` becomes ``(batch, features)``.

    The last axis runs fastest: of images the channels of one pixel lie together, then the pixels of
    a row. It stands between the layers that work on images and `Dense`.
    """

    acts_on = "example"

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Nothing to learn."""
        return (math.prod(input_shape),)

    def forward(self, x: Array, ctx: Context) -> Array:
        """Reshape."""
        ctx.save(self, x.shape)
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Reshape back: each number keeps its own gradient."""
        (shape,) = ctx.take(self)
        return dy.reshape(shape)
