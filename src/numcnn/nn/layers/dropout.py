"""Dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.nn.arrays import Array
from numcnn.nn.context import Context
from numcnn.nn.layers.base import Layer
from numcnn.nn.validation import number


@final
@dataclass(eq=False)
class Dropout(Layer):
    """In training, switch each number off by chance, so that no unit relies on a single other one.

    What stays is scaled up by ``1 / (1 - rate)``: the expected value is the input's, and inference
    passes it through unchanged. Any shape.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to
    prevent neural networks from overfitting", 2014.

    Attributes:
        rate: The chance of being switched off, from 0 to below 1.
    """

    rate: float

    def __post_init__(self) -> None:
        number("rate", self.rate, least=0, below=1)

    def forward(self, x: Array, ctx: Context) -> Array:
        """Draw a mask of zeros and ``1 / (1 - rate)``, and multiply with it."""
        if not ctx.training or self.rate == 0:
            ctx.save(self, None)
            return x
        kept = ctx.rng.random(x.shape, dtype=np.float32) >= self.rate
        mask = kept * x.dtype.type(1 / (1 - self.rate))
        ctx.save(self, mask)
        return x * mask

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive ``y = mask x``: ``dx = mask dy``. What was off had no influence."""
        (mask,) = ctx.take(self)
        return dy if mask is None else dy * mask
