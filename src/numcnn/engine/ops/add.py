"""The end of a residual connection: the branch plus the shortcut, with ReLU."""

from collections.abc import Sequence
from typing import final

import numpy as np

from numcnn.engine.op import Binding, BoundOp, Op, Value
from numcnn.engine.ops.relu import InPlaceReLU


@final
class AddOp(Op):
    """``y = a + b``, then ReLU if one follows."""

    def __init__(
        self, names: Sequence[str], branch: Value, shortcut: Value, target: Value, *, relu: bool
    ) -> None:
        super().__init__(names, [branch, shortcut], target)
        self.relu = relu

    @property
    def method(self) -> str:
        """A sum."""
        return "add + ReLU" if self.relu else "add"

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        micro_batch = binding.micro_batch
        a, b = (source.array(micro_batch) for source in self.sources)
        y = self.target.array(micro_batch)
        relu = InPlaceReLU(y) if self.relu else None
        if binding.training:
            binding.workspace.reset()
            dy = self.target.gradient(micro_batch)
            drelu = relu and relu.bind_backward(dy, binding.workspace)
            dsources = [self.source_gradient(binding, place) for place in (0, 1)]

        def forward() -> None:
            np.add(a, b, out=y)
            if relu is not None:
                relu.forward()

        def backward() -> None:
            if drelu is not None:
                drelu.run()
            for dsource in dsources:
                if dsource is not None:
                    np.copyto(dsource.array, dy)
                    dsource.done()

        return BoundOp(forward, backward)
