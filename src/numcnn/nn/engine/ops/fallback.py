"""What the engine has no own way for: the layer's `forward` and `backward`, as they stand.

A layer of ours that treats every example by itself runs micro-batch by micro-batch. Of a layer that
somebody else wrote nobody knows that, so it gets the whole batch at once, and everything else
waits.
"""

from collections.abc import Sequence
from typing import final

import numpy as np

from numcnn.nn.context import Context
from numcnn.nn.engine.op import BarrierOp, Binding, BoundOp, Op, Value
from numcnn.nn.layers import Layer


@final
class LayerOp(Op):
    """A layer without parameters that treats every example by itself."""

    def __init__(self, names: Sequence[str], source: Value, target: Value, layer: Layer) -> None:
        super().__init__(names, [source], target)
        self.layer = layer

    @property
    def method(self) -> str:
        """As the layer has it."""
        return "the layer's own"

    @property
    def reason(self) -> str:
        """Nothing better is known."""
        return "the engine has nothing faster, and examples can be taken in pieces"

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        return _BoundLayer(self, binding)


@final
class _BoundLayer(BoundOp):
    def __init__(self, op: LayerOp, binding: Binding) -> None:
        self._layer = op.layer
        self._training = binding.training
        self._x = op.sources[0].array(binding.micro_batch)
        self._y = op.target.array(binding.micro_batch)
        self._ctx = Context()
        if binding.training:
            binding.workspace.reset()
            self._dy = op.target.gradient(binding.micro_batch)
            self._source_gradient = op.source_gradient(binding)

    def forward(self) -> None:
        self._ctx = Context(self._training)
        np.copyto(self._y, self._layer.forward(self._x, self._ctx))

    def backward(self) -> None:
        assert self._source_gradient is not None
        np.copyto(self._source_gradient.array, self._layer.backward(self._dy, self._ctx))
        self._source_gradient.done()


@final
class WholeBatchOp(BarrierOp):
    """Any layer at all, on the whole batch, with the pass's own context."""

    def __init__(self, names: Sequence[str], source: Value, target: Value, layer: Layer) -> None:
        super().__init__(names, [source], target)
        self.layer = layer
        self._binding: Binding | None = None

    @property
    def method(self) -> str:
        """As the layer has it, and nothing beside it."""
        return "the layer's own, whole batch"

    @property
    def reason(self) -> str:
        """Nothing is known."""
        return "a layer that the engine does not know may need all examples at once"

    def bind(self, binding: Binding) -> BoundOp:
        """Only look at where gradients go; there is nothing to do for a micro-batch."""
        if binding.micro_batch.lane == 0 and binding.micro_batch.first:
            self._binding = binding
        return _NothingToDo()

    def barrier_forward(self, ctx: Context) -> None:
        """Run the layer."""
        # Copies: a layer may keep, or even change, what it is given.
        y = self.layer.forward(self.sources[0].whole().copy(), ctx)
        np.copyto(self.target.whole(), y)

    def barrier_backward(self, ctx: Context) -> None:
        """Run it back, and collect the gradients of its parameters and of layers inside it."""
        assert self._binding is not None
        dx = self.layer.backward(self.target.whole_gradient().copy(), ctx)
        for _, layer in self.layer.walk():
            for name, place in self._binding.gradients[layer].items():
                np.copyto(place, ctx.grads[layer][name])
        source = self.sources[0]
        if source.wants_gradient:
            gradient = source.whole_gradient()
            np.copyto(gradient, gradient + dx if self.adds[0] else dx)


@final
class _NothingToDo(BoundOp):
    def forward(self) -> None:
        pass

    def backward(self) -> None:
        pass
