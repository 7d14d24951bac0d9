"""Dropout with the numbers that the layer itself would draw for the whole batch."""

from collections.abc import Sequence
from typing import final

import numpy as np

from numcnn.engine.layouts import BatchFirst, common_blocks
from numcnn.engine.op import Binding, BoundOp, Op, Value
from numcnn.nn.arrays import Array
from numcnn.nn.context import Context
from numcnn.nn.layers import Dropout


@final
class DropoutOp(Op):
    """``y = mask x``."""

    def __init__(self, names: Sequence[str], source: Value, target: Value, layer: Dropout) -> None:
        super().__init__(names, [source], target)
        self._rate = layer.rate
        self._mask: Array = np.empty((0, *source.shape), np.float32)

    def prepare(self, ctx: Context, count: int) -> None:
        """Draw the mask of the whole batch."""
        kept = ctx.rng.random((count, *self.sources[0].shape), dtype=np.float32) >= self._rate
        np.multiply(kept, np.float32(1 / (1 - self._rate)), out=self._mask)

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        source, micro_batch = self.sources[0], binding.micro_batch
        if not len(self._mask):
            self._mask = np.empty((binding.batch_size, *source.shape), np.float32)
        x, y = source.array(micro_batch), self.target.array(micro_batch)
        mask = self._mask[micro_batch.start : micro_batch.stop]
        laid_out: tuple[Array, Array] | None = None
        if not isinstance(source.layout, BatchFirst):
            drawn, mask = mask, np.empty(x.shape, np.float32)
            laid_out = common_blocks((drawn, BatchFirst()), (mask, source.layout))
        dx = None
        if binding.training:
            binding.workspace.reset()
            dy, dx = self.target.gradient(micro_batch), self.source_gradient(binding)

        def forward() -> None:
            if laid_out is not None:
                np.copyto(laid_out[1], laid_out[0])
            np.multiply(x, mask, out=y)

        def backward() -> None:
            assert dx is not None
            np.multiply(dy, mask, out=dx.array)
            dx.done()

        return BoundOp(forward, backward)
