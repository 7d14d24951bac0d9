"""Residual connections: layers that learn a change of their input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.layers.base import Layer
from numcnn.nn.layers.chain import Chain


@final
@dataclass(eq=False)
class Residual(Layer):
    """``y = branch(x) + shortcut(x)``: a way around some layers, along which gradients flow freely.

    Both ways must end in the same shape. The shortcut is the input itself, or, where the branch
    changes the shape, layers of its own (usually a 1x1 convolution with the branch's stride).

    Source: He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016.

    Attributes:
        branch: The layers that learn the change, in order.
        shortcut: The layers of the way around; none for the input itself.
    """

    branch: Sequence[Layer]
    shortcut: Sequence[Layer] = ()

    def __post_init__(self) -> None:
        if not self.branch:
            raise ValueError("branch is empty; give the layers that the shortcut goes around")
        for layer in (*self.branch, *self.shortcut):
            if not isinstance(layer, Layer):
                raise ValueError(f"{layer!r} is not a layer; branch and shortcut are lists of them")
        self._branch, self._shortcut = Chain(self.branch), Chain(self.shortcut)

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Build both ways and check that they meet."""
        output_shape = self._branch.build(input_shape, rng)
        around = self._shortcut.build(input_shape, rng)
        if around != output_shape:
            raise ValueError(
                f"the branch turns {input_shape} into {output_shape}, the shortcut into {around}; "
                "make them equal, for example with Conv2D(filters, 1, stride) as the shortcut"
            )
        return output_shape

    def forward(self, x: Array, ctx: Context) -> Array:
        """Go both ways and add."""
        return self._branch.forward(x, ctx) + self._shortcut.forward(x, ctx)

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive ``y = branch(x) + shortcut(x)``.

        Both ways get the whole ``dy``, and ``x`` gets both answers::

            dx = branch_backward(dy) + shortcut_backward(dy)
        """
        return self._branch.backward(dy, ctx) + self._shortcut.backward(dy, ctx)

    def children(self) -> Iterator[tuple[str, Layer]]:
        """The layers of both ways, as ``branch.conv2d_1`` or ``shortcut.conv2d_1``."""
        for place, chain in (("branch", self._branch), ("shortcut", self._shortcut)):
            for name, layer in chain:
                yield f"{place}.{name}", layer

    @property
    def ways(self) -> tuple[Chain, Chain]:
        """The branch and the shortcut as chains."""
        return self._branch, self._shortcut

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        """What the layers of both ways take together."""
        return self._branch.macs() + self._shortcut.macs()

    def config(self) -> dict[str, Any]:
        """The settings of all layers inside."""
        ways = {"branch": self.branch, "shortcut": self.shortcut}
        described = {name: [layer.config() for layer in way] for name, way in ways.items()}
        return {"layer": "Residual", **described}
