"""A dense layer, with batch normalization folded into it, and with ReLU."""

from collections.abc import Sequence
from typing import final

import numpy as np

from numcnn.engine.op import Accumulator, Binding, BoundOp, Op, Value
from numcnn.engine.ops.batch_norm_fold import Fold, arrays_behind
from numcnn.engine.ops.relu import InPlaceReLU
from numcnn.engine.shards import Factors
from numcnn.engine.snapshot import Snapshot
from numcnn.nn.arrays import Array
from numcnn.nn.context import Context
from numcnn.nn.layers import Dense

_LARGE_WEIGHT = 100_000
"""Numbers of a weight from which on its gradient does not stay in the cache for each shard."""


@final
class DenseOp(Op):
    """``y = x W + b``, then ReLU if one follows."""

    def __init__(
        self,
        names: Sequence[str],
        source: Value,
        target: Value,
        layer: Dense,
        *,
        relu: bool,
        fold: Fold | None = None,
    ) -> None:
        super().__init__(names, [source], target)
        self.relu = relu
        self._layer = layer
        self._fold = fold
        self._snapshot = Snapshot()
        self._weight = layer.params["weight"]
        self._bias = layer.params.get("bias")
        if fold is not None:
            self._weight = np.empty_like(self._weight)
            self._bias = np.empty(layer.units, np.float32)
        self._transposed: Array | None = None

    @property
    def _is_large(self) -> bool:
        """Whether the weight's gradient, if there is one for each shard, is left to the end."""
        return self._weight.size >= _LARGE_WEIGHT

    @property
    def method(self) -> str:
        """A product, and what is done with it."""
        return " + ".join(
            ["product"]
            + ["fold BN"] * (self._fold is not None)
            + ["bias"] * (self._bias is not None)
            + ["ReLU"] * self.relu
        )

    @property
    def needs_whole(self) -> Sequence[Value]:
        """A large weight's gradient reads the target's once more, at the end."""
        return [self.target] if self._is_large else []

    def macs(self) -> int:
        """One for each weight."""
        return self._weight.size

    def prepare(self, ctx: Context, count: int) -> None:
        """Fold, unless the arrays are those of last time."""
        if self._fold is None or not self._snapshot.update(arrays_behind(self._layer, self._fold)):
            return
        params = self._layer.params
        weight, bias = self._fold.apply(params["weight"], params.get("bias"))
        np.copyto(self._weight, weight)
        assert self._bias is not None
        np.copyto(self._bias, bias)

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        micro_batch = binding.micro_batch
        weight, bias = self._weight, self._bias
        x, y = self.sources[0].array(micro_batch), self.target.array(micro_batch)
        relu = InPlaceReLU(y) if self.relu else None
        part: tuple[Array, Array] | None = None
        weight_t: Array = weight.T
        dweight: Accumulator | None = None
        if binding.training:
            binding.workspace.reset()
            dy = self.target.gradient(micro_batch)
            drelu = relu and relu.bind_backward(dy, binding.workspace)
            dx = self.source_gradient(binding)
            learns = self._layer.trainable
            if learns and binding.sums and self._is_large:
                self.deferred.setdefault((self._layer, "weight"), []).append(Factors(x, dy))
                if dx is not None:
                    weight_t, part = self._bind_transposed(binding)
            elif learns:
                dweight = binding.parameter_gradient(self._layer, "weight")
            has_bias = learns and bias is not None
            dbias = binding.parameter_gradient(self._layer, "bias") if has_bias else None
            ones = np.ones(len(y), np.float32)

        def forward() -> None:
            # Not matmul: for two dimensions the same product, and half a microsecond less.
            np.dot(x, weight, out=y)
            if bias is not None:
                np.add(y, bias, out=y)
            if relu is not None:
                relu.forward()
            if part is not None:
                np.copyto(*part)

        def backward() -> None:
            if drelu is not None:
                drelu.run()
            if dbias is not None:
                np.matmul(ones, dy, out=dbias.array)
                dbias.done()
            if dweight is not None:
                np.matmul(x.T, dy, out=dweight.array)
                dweight.done()
            if dx is not None:
                np.matmul(dy, weight_t, out=dx.array)
                dx.done()

        return BoundOp(forward, backward)

    def _bind_transposed(self, binding: Binding) -> tuple[Array, tuple[Array, Array]]:
        """A copy of ``W^T`` for all shards, and the part of it that this one copies.

        BLAS takes a matrix as it lies sooner than one that it has to turn first. All shards are
        through with copying before the backward pass begins.
        """
        if self._transposed is None:
            self._transposed = np.empty(self._weight.shape[::-1], np.float32)
        shard, shards, rows = binding.micro_batch.shard, len(binding.sums) + 1, len(self._weight)
        part = slice(shard * rows // shards, (shard + 1) * rows // shards)
        part = part if binding.peers is None else slice(None)  # the others copy elsewhere
        return self._transposed, (self._transposed[:, part], self._weight[part].T)
