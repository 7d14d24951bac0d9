"""Batch normalization over a batch that is cut into micro-batches.

The mean and the variance are the whole batch's, so the network's run is cut in two here. Each
micro-batch sums up what it has; then, with all micro-batches in, one thread joins the sums; then
each micro-batch applies the result. The backward pass is cut at the same place, since its two sums,
too, run over the batch.

The variances of the micro-batches are joined in float64: with ``m_i`` values in micro-batch ``i``,
their mean ``u_i`` and the sum ``S_i`` of their squared deviations from it, the squared deviations
from the mean ``u`` of all are::

    S = sum_i S_i + m_i (u_i - u)^2

All sums over micro-batches are taken as those of the gradient are: within each shard, micro-batch
after micro-batch, and then over the shards as a balanced tree.

Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
variances", 1979.
"""

import math
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.engine.op import BarrierOp, Binding, BoundOp, Op, Value
from numcnn.engine.ops.batch_norm_fold import Fold
from numcnn.engine.ops.relu import InPlaceReLU
from numcnn.engine.shards import Peers
from numcnn.engine.threads import Task
from numcnn.nn.arrays import Array
from numcnn.nn.context import Context
from numcnn.nn.layers import BatchNorm
from numcnn.nn.layers.normalization import require_several


@final
class StatisticsOp(BarrierOp):
    """The first half: sums over each micro-batch, joined over the batch.

    Its output is `NormalizeOp`'s output; the backward pass turns the gradient of that into the
    gradient of the input.
    """

    def __init__(
        self, names: Sequence[str], source: Value, target: Value, layer: BatchNorm
    ) -> None:
        super().__init__(names, [source], target)
        self.layer = layer
        self.features = source.shape[-1]
        self._per_example = math.prod(source.shape[:-1])
        self._sizes: dict[int, int] = {}
        self.means: dict[int, Array] = {}
        self.squares: dict[int, Array] = {}
        self.dgammas: dict[int, Array] = {}
        self.dbetas: dict[int, Array] = {}
        self.mean = np.zeros(self.features, np.float32)
        self.inverse = np.zeros(self.features, np.float32)
        self.spreads: dict[int, dict[str, Array]] = {}
        self._gradients: dict[str, Array] = {}
        self._firsts: dict[int, bool] = {}
        self._peers: Peers | None = None
        self._sums: Sequence[tuple[int, int]] = ()
        self._count = 0

    @property
    def method(self) -> str:
        """Sums, joined."""
        return "sums, then join"

    @property
    def reason(self) -> str:
        """What cuts the network here."""
        return "mean and variance are the whole batch's: all shards meet here"

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        micro_batch, workspace = binding.micro_batch, binding.workspace
        start, n = micro_batch.start, micro_batch.size
        self._firsts[start] = micro_batch.first
        self._sums, self._peers = binding.sums, binding.peers
        self._sizes[start] = n * self._per_example
        for sums in (self.means, self.squares, self.dgammas, self.dbetas):
            sums[start] = np.zeros(self.features, np.float32)
        layout, shape = self.sources[0].layout, self.sources[0].shape
        if n not in self.spreads:
            blank = layout.spread(self.mean, shape, n)
            self.spreads[n] = {
                name: blank.copy() for name in ("scale", "shift", "mean", "dmean", "dvariance")
            }
        if micro_batch.shard == 0 and micro_batch.first:
            self._gradients = dict(binding.gradients[self.layer])

        x = self.sources[0].array(micro_batch)
        lines = layout.lines(x)
        scale = np.float32(1 / (x.size // self.features))
        mean, squares = self.means[start], self.squares[start]
        wide, spreads = layout.spread(mean, shape, n).copy(), self.spreads[n]
        workspace.reset()
        scratch = workspace.take(lines.shape)
        dsource = None
        if binding.training:
            workspace.reset()
            dy = layout.lines(self.target.gradient(micro_batch))
            dsource = self.source_gradient(binding)
            product = workspace.take(lines.shape)
            if dsource is not None:
                dx = layout.lines(dsource.array)

        def forward() -> None:
            np.multiply(layout.channel_sums(lines, self.features), scale, out=mean)
            wide[...] = layout.spread(mean, shape, n)
            np.subtract(lines, wide, out=scratch)
            np.multiply(scratch, scratch, out=scratch)
            squares[...] = layout.channel_sums(scratch, self.features)

        def backward() -> None:
            if dsource is None:
                return
            np.multiply(lines, spreads["dvariance"], out=product)
            np.multiply(dy, spreads["scale"], out=dx)
            np.add(dx, product, out=dx)
            np.add(dx, spreads["dmean"], out=dx)
            dsource.done()

        return BoundOp(forward, backward)

    def barrier_forward(self, ctx: Context) -> None:
        """Find the batch's mean and variance, and the new running ones."""
        sizes = self._rows(self._sizes)[:, None]
        count = self._count = int(sizes.sum())
        require_several(count)
        means = self._rows(self.means)
        mean = self._total(sizes * means) / count
        squares = self._total(self._rows(self.squares) + sizes * (means - mean) ** 2)
        variance = squares / count
        layer, momentum = self.layer, self.layer.momentum
        self.mean[...] = mean
        self.inverse[...] = 1 / np.sqrt(variance + layer.epsilon)
        ctx.new_state[layer] = {
            "mean": momentum * layer.state["mean"] + np.float32(1 - momentum) * self.mean,
            "variance": momentum * layer.state["variance"]
            + (1 - momentum) * (squares / max(count - 1, 1)).astype(np.float32),
        }
        scale = layer.params["gamma"] * self.inverse
        self._spread("scale", scale)
        self._spread("shift", layer.params["beta"] - self.mean * scale)
        self._spread("mean", self.mean)

    def barrier_backward(self, ctx: Context) -> None:
        """Sum up the parameters' gradients; the two means that the gradient loses follow."""
        count = self._count
        dgamma, dbeta = (self._total(self._rows(each)) for each in (self.dgammas, self.dbetas))
        # The micro-batches summed dy x; z is (x - mean) over the deviation.
        dgamma = (dgamma - self.mean * dbeta) * self.inverse
        if self._gradients:
            self._gradients["gamma"][...] = dgamma
            self._gradients["beta"][...] = dbeta
        scale = self.layer.params["gamma"] * self.inverse
        # dx = scale dy - (x - mean) inverse scale dgamma / m - scale dbeta / m
        slope = -scale * self.inverse * dgamma / count
        self._spread("dvariance", slope)
        self._spread("dmean", -scale * dbeta / count - slope * self.mean)

    def _total(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up what the micro-batches have, a row each, in the order in which they were bound."""
        shards = np.add.reduceat(rows, np.flatnonzero(self._rows(self._firsts)))
        for first, second in self._sums:
            shards[first] += shards[second]
        return shards[0]

    def _rows(self, micro_batches: Mapping[int, Array | int]) -> NDArray[np.float64]:
        rows = np.array([*micro_batches.values()], np.float64)
        return rows if self._peers is None else self._peers.gather(rows)

    def _spread(self, name: str, vector: Array) -> None:
        for places in self.spreads.values():
            # Whatever the layout, its spread is the vector over and over.
            places[name].reshape(-1, self.features)[...] = vector


@final
class NormalizeOp(Op):
    """The second half: scale and shift, with ReLU."""

    def __init__(
        self, names: Sequence[str], statistics: StatisticsOp, target: Value, *, relu: bool
    ) -> None:
        # No sources: the gradient goes back through the statistics.
        super().__init__(names, [], target)
        self.statistics = statistics
        self.relu = relu

    @property
    def method(self) -> str:
        """Scale and shift."""
        return "scale + shift" + " + ReLU" * self.relu

    @property
    def works_on_images(self) -> bool:
        """As its target."""
        return len(self.target.shape) > 1

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        micro_batch, statistics = binding.micro_batch, self.statistics
        layout, features = self.target.layout, statistics.features
        x = layout.lines(statistics.sources[0].array(micro_batch))
        y = layout.lines(self.target.array(micro_batch))
        relu = InPlaceReLU(y) if self.relu else None
        spreads = statistics.spreads[micro_batch.size]
        dgamma = statistics.dgammas[micro_batch.start]
        dbeta = statistics.dbetas[micro_batch.start]
        if binding.training:
            binding.workspace.reset()
            dy = layout.lines(self.target.gradient(micro_batch))
            drelu = relu and relu.bind_backward(dy, binding.workspace)
            scratch = binding.workspace.take(y.shape)

        def backward() -> None:
            if drelu is not None:
                drelu.run()
            dbeta[...] = layout.channel_sums(dy, features)
            np.multiply(x, dy, out=scratch)
            dgamma[...] = layout.channel_sums(scratch, features)

        forward = _bind_affine(x, y, spreads["scale"], spreads["shift"], relu)
        return BoundOp(forward, backward)


@final
class AffineOp(Op):
    """Batch normalization by running statistics, where it cannot be folded into what comes before.

    At inference, and in training where the layer is frozen: then ``dx = scale dy``.
    """

    def __init__(
        self, names: Sequence[str], source: Value, target: Value, layer: BatchNorm, *, relu: bool
    ) -> None:
        super().__init__(names, [source], target)
        self.relu = relu
        self._fold = Fold(layer)
        self._spreads: dict[int, tuple[Array, Array]] = {}

    @property
    def method(self) -> str:
        """Scale and shift."""
        return "scale + shift" + " + ReLU" * self.relu

    def prepare(self, ctx: Context, count: int) -> None:
        """Compute scale and shift."""
        scale, shift = self._fold.scale_shift()
        for n, (scales, shifts) in self._spreads.items():
            scales[...] = self.target.layout.spread(scale, self.target.shape, n)
            shifts[...] = self.target.layout.spread(shift, self.target.shape, n)

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        micro_batch, layout = binding.micro_batch, self.target.layout
        shape = self.target.shape
        blank = layout.spread(np.zeros(shape[-1], np.float32), shape, micro_batch.size)
        spread = self._spreads.setdefault(micro_batch.size, (blank.copy(), blank.copy()))
        x = layout.lines(self.sources[0].array(micro_batch))
        y = layout.lines(self.target.array(micro_batch))
        relu = InPlaceReLU(y) if self.relu else None
        forward = _bind_affine(x, y, *spread, relu)
        binding.workspace.reset()
        dsource = self.source_gradient(binding) if binding.training else None
        if dsource is None:
            return BoundOp(forward)
        dy, dx = layout.lines(self.target.gradient(micro_batch)), layout.lines(dsource.array)
        drelu = relu and relu.bind_backward(dy, binding.workspace)

        def backward() -> None:
            if drelu is not None:
                drelu.run()
            np.multiply(dy, spread[0], out=dx)
            dsource.done()

        return BoundOp(forward, backward)


def _bind_affine(x: Array, y: Array, scale: Array, shift: Array, relu: InPlaceReLU | None) -> Task:
    """``y = scale x + shift``, then ReLU."""

    def forward() -> None:
        np.multiply(x, scale, out=y)
        np.add(y, shift, out=y)
        if relu is not None:
            relu.forward()

    return forward
