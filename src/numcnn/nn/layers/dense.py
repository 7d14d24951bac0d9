"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.initializers import initializer
from numcnn.nn.layers.base import Layer
from numcnn.nn.validation import NO_ACTIVATION, flag, whole


@final
@dataclass(eq=False)
class Dense(Layer):
    """Every output is a weighted sum of all inputs, plus a bias: ``y = x W + b``.

    Input ``(batch, inputs)``, output ``(batch, units)``, weight ``(inputs, units)``,
    bias ``(units,)``.

    Attributes:
        units: The number of outputs.
        use_bias: Whether there is a ``b``. Batch normalization right after makes it useless.
        initializer: The name of the weights' initializer; see `numcnn.nn.initializers`.
    """

    units: int
    use_bias: bool = True
    initializer: str = "he_normal"

    acts_on = "example"

    def __post_init__(self) -> None:
        whole("units", self.units)
        flag("use_bias", self.use_bias, NO_ACTIVATION)
        initializer(self.initializer)

    def array_shapes(self, input_shape: Shape) -> Mapping[str, Shape]:
        """A weight for each pair of input and output, a bias for each output."""
        if len(input_shape) != 1:
            raise ValueError(
                f"input_shape is {input_shape}; Dense takes (features,): put Flatten() before it"
            )
        weight = {"weight": (*input_shape, self.units)}
        return {**weight, "bias": (self.units,)} if self.use_bias else weight

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Draw the weight; the bias starts at zero."""
        shapes = self.array_shapes(input_shape)
        self.params = {"weight": initializer(self.initializer)(shapes["weight"], rng)}
        if self.use_bias:
            self.params["bias"] = np.zeros(self.units, np.float32)
        return (self.units,)

    def forward(self, x: Array, ctx: Context) -> Array:
        """Compute ``y = x W + b``."""
        ctx.save(self, x)
        y = x @ self.params["weight"]
        if self.use_bias:
            y += self.params["bias"]
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive the gradients of ``y[n, j] = sum_i x[n, i] W[i, j] + b[j]``.

        ``W[i, j]`` meets ``x[n, i]`` on its way to ``y[n, j]``, in every example ``n``; ``b[j]``
        is added as it is; and ``x[n, i]`` reaches every output ``j`` through ``W[i, j]``::

            dW = x^T dy        db = sum_n dy[n]        dx = dy W^T
        """
        (x,) = ctx.take(self)
        grads = {"weight": x.T @ dy}
        if self.use_bias:
            grads["bias"] = dy.sum(axis=0)
        ctx.grads[self] = grads
        return dy @ self.params["weight"].T

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        """One for each weight."""
        return input_shape[0] * output_shape[0]
