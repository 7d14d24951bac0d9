"""Batch normalization over a batch that is cut into pieces.

The mean and the variance are the whole batch's, so the network's run is cut in two here. Each
piece sums up what it has; then, with all pieces in, one thread joins the sums; then each piece
applies the result. The backward pass is cut at the same place, since its two sums, too, run over
the batch.

The variances of the pieces are joined in float64: with ``m_i`` values in piece ``i``, their mean
``u_i`` and their summed squares about it ``S_i``, the squares about the mean ``u`` of all are::

    S = sum_i S_i + m_i (u_i - u)^2

All sums over pieces are taken as those of the gradient are: within each lane, piece after piece,
and then over the lanes as a balanced tree.

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
from numcnn.nn.engine.convolution import Fold
from numcnn.nn.engine.rectifier import Rectifier
from numcnn.nn.engine.stage import Bench, Job, JointStage, Stage, Value
from numcnn.nn.layers import BatchNorm


@final
class StatisticsStage(JointStage):
    """The first half: sums over each piece, joined over the batch.

    Its target is what `NormalizeStage` makes of it: in the backward pass it turns that one's
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

    def bind(self, bench: Bench) -> Job:
        """Fix the arrays."""
        piece = bench.piece
        if piece.first:
            self._lane_starts.append(len(self._sizes))
        self._sums = bench.sums
        self._sizes[piece.start] = piece.size * self._per_example
        for sums in (self.means, self.squares, self.dgammas, self.dbetas):
            sums[piece.start] = np.zeros(self.features, np.float32)
        if piece.size not in self.spreads:
            blank = self.sources[0].layout.spread(self.mean, piece.size)
            self.spreads[piece.size] = {
                name: blank.copy() for name in ("scale", "shift", "mean", "dmean", "dvariance")
            }
        if piece.lane == 0 and piece.first:
            self._gradients = dict(bench.gradients[self.layer])
        return _StatisticsJob(self, bench)

    def join_forward(self, ctx: Context) -> None:
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

    def join_backward(self, ctx: Context) -> None:
        """Sum up the parameters' gradients; the two means that the gradient loses follow."""
        count = sum(self._sizes.values())
        dgamma, dbeta = self._total(_rows(self.dgammas)), self._total(_rows(self.dbetas))
        # The pieces summed dy x; z is (x - mean) over the deviation.
        dgamma = (dgamma - self.mean * dbeta) * self.inverse
        self._gradients["gamma"][...] = dgamma
        self._gradients["beta"][...] = dbeta
        scale = self.layer.params["gamma"] * self.inverse
        # dx = scale dy - (x - mean) inverse scale dgamma / m - scale dbeta / m
        slope = -scale * self.inverse * dgamma / count
        self._spread("dvariance", slope)
        self._spread("dmean", -scale * dbeta / count - slope * self.mean)

    def _total(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up what the pieces have, a row each, in the order in which they were bound."""
        lanes = np.add.reduceat(rows, self._lane_starts)
        for first, second in self._sums:
            lanes[first] += lanes[second]
        return lanes[0]

    def _spread(self, name: str, vector: Array) -> None:
        for places in self.spreads.values():
            # Whatever the layout, its spread is the vector over and over.
            places[name].reshape(-1, self.features)[...] = vector


def _rows(pieces: dict[int, Array]) -> NDArray[np.float64]:
    return np.array([*pieces.values()], np.float64)


@final
class _StatisticsJob(Job):
    def __init__(self, stage: StatisticsStage, bench: Bench) -> None:
        piece, source = bench.piece, stage.sources[0]
        self._layout, self._features = source.layout, stage.features
        x = source.array(piece)
        self._lines = self._layout.lines(x)
        self._count = x.size // stage.features
        self._mean, self._squares = stage.means[piece.start], stage.squares[piece.start]
        self._wide = source.layout.spread(self._mean, piece.size).copy()
        self._n = piece.size
        self._spreads = stage.spreads[piece.size]
        bench.arena.reset()
        self._scratch = bench.arena.take(self._lines.shape)
        if bench.training:
            bench.arena.reset()
            self._dy = self._layout.lines(stage.target.gradient(piece))
            self._sink = stage.source_sink(bench)
            self._product = bench.arena.take(self._lines.shape)
            if self._sink is not None:
                self._dx = self._layout.lines(self._sink.array)

    def forward(self) -> None:
        sums = self._layout.channel_sums(self._lines, self._features)
        np.multiply(sums, np.float32(1 / self._count), out=self._mean)
        self._wide[...] = self._layout.spread(self._mean, self._n)
        np.subtract(self._lines, self._wide, out=self._scratch)
        np.multiply(self._scratch, self._scratch, out=self._scratch)
        self._squares[...] = self._layout.channel_sums(self._scratch, self._features)

    def backward(self) -> None:
        if self._sink is None:
            return
        np.multiply(self._lines, self._spreads["dvariance"], out=self._product)
        np.multiply(self._dy, self._spreads["scale"], out=self._dx)
        np.add(self._dx, self._product, out=self._dx)
        np.add(self._dx, self._spreads["dmean"], out=self._dx)
        self._sink.done()


@final
class NormalizeStage(Stage):
    """The second half: scale and shift, with ReLU."""

    def __init__(
        self, names: Sequence[str], statistics: StatisticsStage, target: Value, *, relu: bool
    ) -> None:
        # No sources: the gradient goes back through the statistics.
        super().__init__(names, [], target)
        self.statistics = statistics
        self.relu = relu

    @property
    def method(self) -> str:
        """Scale and shift."""
        return "scale + shift" + " + ReLU" * self.relu

    def bind(self, bench: Bench) -> Job:
        """Fix the arrays."""
        return _NormalizeJob(self, bench)


@final
class _NormalizeJob(Job):
    def __init__(self, stage: NormalizeStage, bench: Bench) -> None:
        piece, statistics = bench.piece, stage.statistics
        layout = stage.target.layout
        self._layout, self._features = layout, statistics.features
        self._x = layout.lines(statistics.sources[0].array(piece))
        self._y = layout.lines(stage.target.array(piece))
        self._relu = Rectifier(self._y) if stage.relu else None
        self._spreads = statistics.spreads[piece.size]
        self._dgamma, self._dbeta = statistics.dgammas[piece.start], statistics.dbetas[piece.start]
        if bench.training:
            bench.arena.reset()
            self._dy = layout.lines(stage.target.gradient(piece))
            self._drelu = self._relu and self._relu.bind_backward(self._dy, bench.arena)
            self._scratch = bench.arena.take(self._y.shape)

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
class AffineStage(Stage):
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

    def bind(self, bench: Bench) -> Job:
        """Fix the arrays."""
        n = bench.piece.size
        blank = self.target.layout.spread(np.zeros(self.target.shape[-1], np.float32), n)
        spread = self._spreads.setdefault(n, (blank.copy(), blank.copy()))
        return _AffineJob(self, bench, spread)


@final
class _AffineJob(Job):
    def __init__(self, stage: AffineStage, bench: Bench, spread: tuple[Array, Array]) -> None:
        layout = stage.target.layout
        self._x = layout.lines(stage.sources[0].array(bench.piece))
        self._y = layout.lines(stage.target.array(bench.piece))
        self._relu = Rectifier(self._y) if stage.relu else None
        self._scale, self._shift = spread

    def forward(self) -> None:
        np.multiply(self._x, self._scale, out=self._y)
        np.add(self._y, self._shift, out=self._y)
        if self._relu is not None:
            self._relu.forward()
