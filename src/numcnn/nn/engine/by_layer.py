"""What the engine has no own way for: the layer's `forward` and `backward`, as they stand.

A layer of ours that treats every example by itself runs piece by piece. Of a layer that somebody
else wrote nobody knows that, so it gets the whole batch at once, and everything else waits.
"""

from collections.abc import Sequence
from typing import final

import numpy as np

from numcnn.nn.context import Context
from numcnn.nn.engine.stage import Bench, Job, JointStage, Stage, Value
from numcnn.nn.layers import Layer


@final
class LayerStage(Stage):
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

    def bind(self, bench: Bench) -> Job:
        """Fix the arrays."""
        return _LayerJob(self, bench)


@final
class _LayerJob(Job):
    def __init__(self, stage: LayerStage, bench: Bench) -> None:
        self._layer = stage.layer
        self._training = bench.training
        self._x = stage.sources[0].array(bench.piece)
        self._y = stage.target.array(bench.piece)
        self._ctx = Context()
        if bench.training:
            bench.arena.reset()
            self._dy = stage.target.gradient(bench.piece)
            self._sink = stage.source_sink(bench)

    def forward(self) -> None:
        self._ctx = Context(self._training)
        np.copyto(self._y, self._layer.forward(self._x, self._ctx))

    def backward(self) -> None:
        assert self._sink is not None
        np.copyto(self._sink.array, self._layer.backward(self._dy, self._ctx))
        self._sink.done()


@final
class WholeBatchStage(JointStage):
    """Any layer at all, on the whole batch, with the pass's own context."""

    def __init__(self, names: Sequence[str], source: Value, target: Value, layer: Layer) -> None:
        super().__init__(names, [source], target)
        self.layer = layer
        self._bench: Bench | None = None

    @property
    def method(self) -> str:
        """As the layer has it, and nothing beside it."""
        return "the layer's own, whole batch"

    @property
    def reason(self) -> str:
        """Nothing is known."""
        return "a layer that the engine does not know may need all examples at once"

    def bind(self, bench: Bench) -> Job:
        """Only look at where gradients go; there is nothing to do for a piece."""
        if bench.piece.lane == 0 and bench.piece.first:
            self._bench = bench
        return _NoJob()

    def join_forward(self, ctx: Context) -> None:
        """Run the layer."""
        # Copies: a layer may keep, or even change, what it is given.
        y = self.layer.forward(self.sources[0].whole().copy(), ctx)
        np.copyto(self.target.whole(), y)

    def join_backward(self, ctx: Context) -> None:
        """Run it back, and collect the gradients of its parameters and of layers inside it."""
        assert self._bench is not None
        dx = self.layer.backward(self.target.whole_gradient().copy(), ctx)
        for _, layer in self.layer.walk():
            for name, place in self._bench.gradients[layer].items():
                np.copyto(place, ctx.grads[layer][name])
        source = self.sources[0]
        if source.wants_gradient:
            gradient = source.whole_gradient()
            np.copyto(gradient, gradient + dx if self.adds[0] else dx)


@final
class _NoJob(Job):
    def forward(self) -> None:
        pass

    def backward(self) -> None:
        pass
