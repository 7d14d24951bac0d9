"""Batch normalization over a batch that is cut into micro-batches.

The mean and the variance are the whole batch's, so the network's run is cut in two here. Each
micro-batch sums up what it has; then, with all micro-batches in, one thread joins the sums; then
each micro-batch applies the result. The backward pass is cut at the same place, since its two sums,
too, run over the batch.

The variances of the micro-batches are joined in float64: with ``m_i`` values in micro-batch ``i``,
their mean ``u_i`` and their summed squares about it ``S_i``, the squares about the mean ``u`` of
all are::

    S = sum_i S_i + m_i (u_i - u)^2

All sums over micro-batches are taken as those of the gradient are: within each lane, micro-batch
after micro-batch, and then over the lanes as a balanced tree.

Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
variances", 1979.
"""

import math
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Array
from numcnn.nn.context import Context
from numcnn.nn.engine.op import BarrierOp, Binding, BoundOp, Op, Value
from numcnn.nn.engine.ops.conv import Fold
from numcnn.nn.engine.ops.relu import InPlaceReLU
from numcnn.nn.layers import BatchNorm


@final
class StatisticsOp(BarrierOp):
    """The first half: sums over each micro-batch, joined over the batch.

    Its target is what `NormalizeOp` makes of it: in the backward pass it turns that one's
    gradient into its source's.
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
        self._lane_starts: list[int] = []
        self._sums: Sequence[tuple[int, int]] = ()

    @property
    def method(self) -> str:
        """Sums, joined."""
        return "sums, then join"

    @property
    def reason(self) -> str:
        """What cuts the network here."""
        return "mean and variance are the whole batch's: all lanes meet here"

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        micro_batch = binding.micro_batch
        if micro_batch.first:
            self._lane_starts.append(len(self._sizes))
        self._sums = binding.sums
        self._sizes[micro_batch.start] = micro_batch.size * self._per_example
        for sums in (self.means, self.squares, self.dgammas, self.dbetas):
            sums[micro_batch.start] = np.zeros(self.features, np.float32)
        if micro_batch.size not in self.spreads:
            blank = self.sources[0].layout.spread(self.mean, micro_batch.size)
            self.spreads[micro_batch.size] = {
                name: blank.copy() for name in ("scale", "shift", "mean", "dmean", "dvariance")
            }
        if micro_batch.lane == 0 and micro_batch.first:
            self._gradients = dict(binding.gradients[self.layer])
        return _BoundStatistics(self, binding)

    def barrier_forward(self, ctx: Context) -> None:
        """Find the batch's mean and variance, and the new running ones."""
        sizes = np.array([*self._sizes.values()], np.float64)[:, None]
        count = sum(self._sizes.values())
        means = _rows(self.means)
        mean = self._total(sizes * means) / count
        squares = self._total(_rows(self.squares) + sizes * (means - mean) ** 2)
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
        count = sum(self._sizes.values())
        dgamma, dbeta = self._total(_rows(self.dgammas)), self._total(_rows(self.dbetas))
        # The micro-batches summed dy x; z is (x - mean) over the deviation.
        dgamma = (dgamma - self.mean * dbeta) * self.inverse
        self._gradients["gamma"][...] = dgamma
        self._gradients["beta"][...] = dbeta
        scale = self.layer.params["gamma"] * self.inverse
        # dx = scale dy - (x - mean) inverse scale dgamma / m - scale dbeta / m
        slope = -scale * self.inverse * dgamma / count
        self._spread("dvariance", slope)
        self._spread("dmean", -scale * dbeta / count - slope * self.mean)

    def _total(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up what the micro-batches have, a row each, in the order in which they were bound."""
        lanes = np.add.reduceat(rows, self._lane_starts)
        for first, second in self._sums:
            lanes[first] += lanes[second]
        return lanes[0]

    def _spread(self, name: str, vector: Array) -> None:
        for places in self.spreads.values():
            # Whatever the layout, its spread is the vector over and over.
            places[name].reshape(-1, self.features)[...] = vector


def _rows(micro_batches: dict[int, Array]) -> NDArray[np.float64]:
    return np.array([*micro_batches.values()], np.float64)


@final
class _BoundStatistics(BoundOp):
    def __init__(self, op: StatisticsOp, binding: Binding) -> None:
        micro_batch, source = binding.micro_batch, op.sources[0]
        self._layout, self._features = source.layout, op.features
        x = source.array(micro_batch)
        self._lines = self._layout.lines(x)
        self._count = x.size // op.features
        self._mean, self._squares = op.means[micro_batch.start], op.squares[micro_batch.start]
        self._wide = source.layout.spread(self._mean, micro_batch.size).copy()
        self._n = micro_batch.size
        self._spreads = op.spreads[micro_batch.size]
        binding.workspace.reset()
        self._scratch = binding.workspace.take(self._lines.shape)
        if binding.training:
            binding.workspace.reset()
            self._dy = self._layout.lines(op.target.gradient(micro_batch))
            self._source_gradient = op.source_gradient(binding)
            self._product = binding.workspace.take(self._lines.shape)
            if self._source_gradient is not None:
                self._dx = self._layout.lines(self._source_gradient.array)

    def forward(self) -> None:
        sums = self._layout.channel_sums(self._lines, self._features)
        np.multiply(sums, np.float32(1 / self._count), out=self._mean)
        self._wide[...] = self._layout.spread(self._mean, self._n)
        np.subtract(self._lines, self._wide, out=self._scratch)
        np.multiply(self._scratch, self._scratch, out=self._scratch)
        self._squares[...] = self._layout.channel_sums(self._scratch, self._features)

    def backward(self) -> None:
        if self._source_gradient is None:
            return
        np.multiply(self._lines, self._spreads["dvariance"], out=self._product)
        np.multiply(self._dy, self._spreads["scale"], out=self._dx)
        np.add(self._dx, self._product, out=self._dx)
        np.add(self._dx, self._spreads["dmean"], out=self._dx)
        self._source_gradient.done()


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

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        return _BoundNormalize(self, binding)


@final
class _BoundNormalize(BoundOp):
    def __init__(self, op: NormalizeOp, binding: Binding) -> None:
        micro_batch, statistics = binding.micro_batch, op.statistics
        layout = op.target.layout
        self._layout, self._features = layout, statistics.features
        self._x = layout.lines(statistics.sources[0].array(micro_batch))
        self._y = layout.lines(op.target.array(micro_batch))
        self._relu = InPlaceReLU(self._y) if op.relu else None
        self._spreads = statistics.spreads[micro_batch.size]
        self._dgamma, self._dbeta = (
            statistics.dgammas[micro_batch.start],
            statistics.dbetas[micro_batch.start],
        )
        if binding.training:
            binding.workspace.reset()
            self._dy = layout.lines(op.target.gradient(micro_batch))
            self._drelu = self._relu and self._relu.bind_backward(self._dy, binding.workspace)
            self._scratch = binding.workspace.take(self._y.shape)

    def forward(self) -> None:
        np.multiply(self._x, self._spreads["scale"], out=self._y)
        np.add(self._y, self._spreads["shift"], out=self._y)
        if self._relu is not None:
            self._relu.forward()

    def backward(self) -> None:
        if self._drelu is not None:
            self._drelu.run()
        self._dbeta[...] = self._layout.channel_sums(self._dy, self._features)
        np.multiply(self._x, self._dy, out=self._scratch)
        self._dgamma[...] = self._layout.channel_sums(self._scratch, self._features)


@final
class AffineOp(Op):
    """Batch normalization at inference where it follows nothing that it could be folded into."""

    def __init__(
        self, names: Sequence[str], source: Value, target: Value, layer: BatchNorm, *, relu: bool
    ) -> None:
        super().__init__(names, [source], target)
        self.relu = relu
        self._fold = Fold(layer, layer.epsilon)
        self._spreads: dict[int, tuple[Array, Array]] = {}

    @property
    def method(self) -> str:
        """Scale and shift."""
        return "scale + shift" + " + ReLU" * self.relu

    def prepare(self, ctx: Context, count: int) -> None:
        """Compute scale and shift."""
        scale, shift = self._fold.scale_shift()
        for n, (scales, shifts) in self._spreads.items():
            scales[...] = self.target.layout.spread(scale, n)
            shifts[...] = self.target.layout.spread(shift, n)

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        n = binding.micro_batch.size
        blank = self.target.layout.spread(np.zeros(self.target.shape[-1], np.float32), n)
        spread = self._spreads.setdefault(n, (blank.copy(), blank.copy()))
        return _BoundAffine(self, binding, spread)


@final
class _BoundAffine(BoundOp):
    def __init__(self, op: AffineOp, binding: Binding, spread: tuple[Array, Array]) -> None:
        layout = op.target.layout
        self._x = layout.lines(op.sources[0].array(binding.micro_batch))
        self._y = layout.lines(op.target.array(binding.micro_batch))
        self._relu = InPlaceReLU(self._y) if op.relu else None
        self._scale, self._shift = spread

    def forward(self) -> None:
        np.multiply(self._x, self._scale, out=self._y)
        np.add(self._y, self._shift, out=self._y)
        if self._relu is not None:
            self._relu.forward()
