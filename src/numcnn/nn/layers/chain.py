"""A chain of layers: what a model and a residual connection are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, final

import numpy as np
from numpy.typing import DTypeLike

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.flat_vector import flat_vector
from numcnn.nn.layers.base import Layer


class Link(NamedTuple):
    """A layer in a chain that is built.

    Attributes:
        name: Unique in its chain.
        layer: The layer.
        output_shape: What it makes of one example.
    """

    name: str
    layer: Layer
    output_shape: Shape


@final
class Chain:
    """A row of layers, each with a name of its own: ``conv2d_1``, ``relu_1``, ``conv2d_2``.

    Attributes:
        shapes: After `build`, the input's shape and then each layer's output shape.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.shapes: list[Shape] = []
        self._layers: list[tuple[str, Layer]] = []
        counts = Counter[str]()
        for layer in layers:
            kind = type(layer).__name__.lower()
            counts[kind] += 1
            self._layers.append((f"{kind}_{counts[kind]}", layer))

    def __iter__(self) -> Iterator[tuple[str, Layer]]:
        return iter(self._layers)

    def links(self) -> list[Link]:
        """The layers with what `build` found out about them."""
        return [
            Link(name, layer, shape)
            for (name, layer), shape in zip(self._layers, self.shapes[1:], strict=True)
        ]

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Build the layers, each for the output of the one before.

        Raises:
            ValueError: A layer cannot take its input; the message begins with its name.
        """
        self.shapes = [tuple(input_shape)]
        for name, layer in self:
            try:
                self.shapes.append(layer.build(self.shapes[-1], rng))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        return self.shapes[-1]

    def forward(self, x: Array, ctx: Context) -> Array:
        """Pass ``x`` through all layers."""
        for _, layer in self:
            x = layer.forward(x, ctx)
        return x

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Apply the chain rule: from the last layer to the first, each turns ``dy`` into ``dx``.

        ::

            y = f(g(x))        dx = g_backward(f_backward(dy))
        """
        for _, layer in reversed(self._layers):
            dy = layer.backward(dy, ctx)
        return dy

    def gradient(self, ctx: Context, dtype: DTypeLike) -> Array:
        """Lay the gradients in ``ctx`` in one vector, one after another; zeros where frozen."""
        layers = [inner for name, layer in self for _, inner in layer.walk(name)]
        return flat_vector(
            [
                ctx.grads[layer][name] if layer.trainable else np.zeros_like(array)
                for layer in layers
                for name, array in layer.params.items()
            ],
            dtype,
        )[0]

    def macs(self) -> int:
        """The sum over the layers, for one example. Only after `build`."""
        return sum(
            layer.macs(before, after)
            for (_, layer), before, after in zip(
                self, self.shapes[:-1], self.shapes[1:], strict=True
            )
        )
