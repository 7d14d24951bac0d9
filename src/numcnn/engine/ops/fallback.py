"""What the engine has no faster way for: the layer's own `forward` and `backward`.

A layer that says that it treats every example by itself (`numcnn.nn.Layer.acts_on`) runs on one
micro-batch after another, parameters and all. One that does not say so may need all examples at
once: it gets the whole batch, and everything else waits.
"""

from collections.abc import Sequence
from typing import final

import numpy as np

from numcnn.engine.op import Accumulator, BarrierOp, Binding, BoundOp, Op, Value
from numcnn.nn.arrays import Array
from numcnn.nn.context import Context
from numcnn.nn.layers import LAYERS, Layer


@final
class LayerOp(Op):
    """A layer that acts on each element or each example, on one micro-batch after another."""

    def __init__(self, names: Sequence[str], source: Value, target: Value, layer: Layer) -> None:
        super().__init__(names, [source], target)
        self._layer = layer
        # Somebody else's may keep what it is given, or write over it.
        self._copies = type(layer) not in LAYERS.values()
        self._training = False

    @property
    def method(self) -> str:
        """As the layer has it."""
        return "the layer's own"

    @property
    def reason(self) -> str:
        """Nothing better is known."""
        return "the engine has nothing faster, and examples can be taken in pieces"

    def prepare(self, ctx: Context, count: int) -> None:
        """Take over the mode: also of a layer that no gradient has to pass."""
        self._training = ctx.training

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        layer = self._layer
        x, y = self.sources[0].array(binding.micro_batch), self.target.array(binding.micro_batch)
        ctx = Context()
        dx: Accumulator | None = None
        dparams: list[tuple[Layer, str, Accumulator]] = []
        if binding.training:
            binding.workspace.reset()
            dy = self.target.gradient(binding.micro_batch)
            dx = self.source_gradient(binding)
            dparams = [
                (inner, name, binding.parameter_gradient(inner, name))
                for _, inner in layer.walk()
                if inner.trainable
                for name in inner.params
            ]

        def forward() -> None:
            nonlocal ctx
            ctx = Context(self._training, differentiable=binding.training)
            np.copyto(y, layer.forward(self._given(x), ctx))
            if ctx.new_state:
                raise ValueError(
                    f'{layer!r} has acts_on = "{layer.acts_on}", but it sets running statistics, '
                    'which are of the whole batch; declare acts_on = "batch"'
                )

        def backward() -> None:
            gradient = layer.backward(self._given(dy), ctx)
            for inner, name, place in dparams:
                np.copyto(place.array, ctx.grads[inner][name])
                place.done()
            if dx is not None:
                np.copyto(dx.array, gradient)
                dx.done()

        return BoundOp(forward, backward)

    def _given(self, array: Array) -> Array:
        return array.copy() if self._copies else array


@final
class WholeBatchOp(BarrierOp):
    """Any layer at all, on the whole batch, with the pass's own context."""

    def __init__(self, names: Sequence[str], source: Value, target: Value, layer: Layer) -> None:
        super().__init__(names, [source], target)
        self._layer = layer
        self._gradients: dict[tuple[Layer, str], Array] = {}

    @property
    def method(self) -> str:
        """As the layer has it, and nothing beside it."""
        return "the layer's own, whole batch"

    @property
    def reason(self) -> str:
        """Nothing is known."""
        return "a layer that does not say that examples can be taken in pieces (acts_on)"

    @property
    def needs_whole(self) -> Sequence[Value]:
        """All of it."""
        return [*self.sources, self.target]

    def bind(self, binding: Binding) -> BoundOp:
        """Only note where gradients go; there is nothing to do for a micro-batch."""
        if binding.micro_batch.shard == 0 and binding.micro_batch.first:
            self._gradients = {
                (layer, name): place
                for _, layer in self._layer.walk()
                if layer.trainable
                for name, place in binding.gradients.get(layer, {}).items()
            }
        return BoundOp()

    def barrier_forward(self, ctx: Context) -> None:
        """Run the layer."""
        # Copies: a layer may keep, or even change, what it is given.
        y = self._layer.forward(self.sources[0].whole().copy(), ctx)
        np.copyto(self.target.whole(), y)

    def barrier_backward(self, ctx: Context) -> None:
        """Run it back, and collect the gradients of its parameters and of layers inside it."""
        dx = self._layer.backward(self.target.whole_gradient().copy(), ctx)
        for (layer, name), place in self._gradients.items():
            np.copyto(place, ctx.grads[layer][name])
        source = self.sources[0]
        if source.wants_gradient:
            gradient = source.whole_gradient()
            np.copyto(gradient, gradient + dx if self.adds[0] else dx)
