"""Copying a value into another layout; also from images to rows of features."""

from typing import final

import numpy as np

from numcnn.engine.layouts import common_blocks
from numcnn.engine.op import Binding, BoundOp, Op, Value
from numcnn.nn.arrays import Array


@final
class LayoutOp(Op):
    """A copy into another order of the axes."""

    @property
    def method(self) -> str:
        """Copy."""
        return "copy"

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        source, target, micro_batch = self.sources[0], self.target, binding.micro_batch
        binding.workspace.reset()
        x, y = _matched(source, source.array(micro_batch), target, target.array(micro_batch))
        dsource = self.source_gradient(binding) if binding.training else None
        if dsource is not None:
            dy = target.gradient(micro_batch)
            dx, dy = _matched(source, dsource.array, target, dy)

        def forward() -> None:
            np.copyto(y, x)

        def backward() -> None:
            assert dsource is not None
            np.copyto(dx, dy)
            dsource.done()

        return BoundOp(forward, backward)


def _matched(source: Value, x: Array, target: Value, y: Array) -> tuple[Array, Array]:
    if len(target.shape) == 1 < len(source.shape):
        y = y.reshape(len(y), *source.shape)
        if len(source.shape) != 3:
            # No image, so it has no other layout.
            return x, y
    return common_blocks((x, source.layout), (y, target.layout))
