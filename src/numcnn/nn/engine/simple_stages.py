"""The stages with little to them: input, dense layers, pooling alone, sums, changes of layout."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.engine.convolution import Fold
from numcnn.nn.engine.lanes import Factors
from numcnn.nn.engine.layouts import BatchFirst, BatchInside, BatchLast, common_blocks
from numcnn.nn.engine.pooling import Cells, MaxPooling, image_cells
from numcnn.nn.engine.rectifier import Rectifier
from numcnn.nn.engine.stage import Bench, Job, Sink, Stage, Value
from numcnn.nn.layers import Dense, Dropout, Layer, Rescaling


@final
class InputStage(Stage):
    """Take a piece of the batch as it is given, in any dtype; preprocess it; lay it out.

    All layers of preprocessing are one scale and one shift a channel.

    Attributes:
        batch: The whole batch, ``(n, ...)``; set before each pass.
    """

    def __init__(
        self, names: Sequence[str], layers: Sequence[Layer], shape: Shape, target: Value
    ) -> None:
        super().__init__(names, [], target)
        self.batch: NDArray[Any] = np.empty(0, np.float32)
        self._layers = layers
        self._channels = shape[-1]
        self._spread: dict[int, tuple[Array, Array]] = {}
        self._seen: list[list[Array]] = []

    @property
    def method(self) -> str:
        """Copy, and scale if there is preprocessing."""
        return "copy + scale" if self._layers else "copy"

    @property
    def has_preparation(self) -> bool:
        """Only if there are layers of preprocessing."""
        return bool(self._layers)

    def prepare(self, ctx: Context, count: int) -> None:
        """Multiply all scales and shifts out, unless they are those of last time."""
        now = [array for layer in self._layers for array in layer.state.values()]
        if self._seen and all(map(np.array_equal, now, self._seen[0])):
            return
        self._seen = [[array.copy() for array in now]]
        scale, shift = np.ones(self._channels), np.zeros(self._channels)
        for layer in self._layers:
            if isinstance(layer, Rescaling):
                scale, shift = scale * layer.scale, shift * layer.scale + layer.offset
            else:
                deviation = np.sqrt(layer.state["variance"].astype(np.float64))
                scale, shift = scale / deviation, (shift - layer.state["mean"]) / deviation
        for n, (scales, shifts) in self._spread.items():
            scales[...] = self._spread_over(scale, n)
            shifts[...] = self._spread_over(shift, n)

    def _spread_over(self, vector: NDArray[np.float64], n: int) -> Array:
        narrow = vector.astype(np.float32)
        if len(narrow) == 1:
            # One channel: one number for all.
            return narrow
        if len(self.target.shape) == 1:
            return np.tile(narrow, self.target.shape[0] // len(narrow))
        return self.target.layout.spread(narrow, n)

    def bind(self, bench: Bench) -> Job:
        """Fix the arrays."""
        n = bench.piece.size
        if self._layers and n not in self._spread:
            blank = self._spread_over(np.zeros(self._channels), n)
            self._spread[n] = (blank.copy(), blank.copy())
            self._seen = []
        return _InputJob(self, bench, self._spread.get(n))


@final
class _InputJob(Job):
    def __init__(self, stage: InputStage, bench: Bench, spread: tuple[Array, Array] | None) -> None:
        self._stage, self._spread = stage, spread
        piece, layout = bench.piece, stage.target.layout
        self._is_whole = bench.is_whole
        self._slice = slice(piece.start, piece.stop)
        self._array = stage.target.array(piece)
        phases = layout.phases if isinstance(layout, BatchLast) else 1
        self._phases = phases
        plain = isinstance(layout, BatchFirst)
        self._blocks = self._array if plain else layout.blocks(self._array, phases)
        self._lines = layout.lines(self._array)

    def forward(self) -> None:
        images = self._stage.batch if self._is_whole else self._stage.batch[self._slice]
        np.copyto(self._blocks, images.reshape(self._blocks.shape), casting="unsafe")
        if self._spread is not None:
            scale, shift = self._spread
            np.multiply(self._lines, scale, out=self._lines)
            np.add(self._lines, shift, out=self._lines)


_LARGE_WEIGHT = 100_000
"""Numbers of a weight from which on its gradient does not stay in the cache for each lane."""


@final
class DenseStage(Stage):
    """A dense layer, with ReLU.

    Attributes:
        layer: The layer.
        left: For each lane what its part of the weight's gradient is the product of, if that is
            left to the end of the backward pass; see `numcnn.nn.engine.lanes.adding`.
        transposed: A copy of a large weight, for the products of the backward pass: each lane has
            one, and BLAS takes a matrix as it lies sooner than one that it has to turn first.
    """

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
        self.layer = layer
        self.relu = relu
        self.left: list[Factors] = []
        self.transposed = np.empty((layer.units, 0), np.float32)
        self._fold = fold
        self._seen: list[Array] = []
        self.weight = layer.params["weight"]
        self.bias = layer.params.get("bias")
        if fold is not None:
            self.weight = np.empty_like(self.weight)
            self.bias = np.empty(layer.units, np.float32)

    @property
    def is_large(self) -> bool:
        """Whether the weight's gradient, if there is one for each lane, is left to the end."""
        return self.weight.size >= _LARGE_WEIGHT

    def transposed_weight(self) -> Array:
        """Find room for the copy, once for all lanes."""
        if not self.transposed.size:
            self.transposed = np.empty(self.weight.shape[::-1], np.float32)
        return self.transposed

    @property
    def method(self) -> str:
        """A product, and what is done with it."""
        return " + ".join(
            ["product"]
            + ["fold BN"] * (self._fold is not None)
            + ["bias"] * (self.bias is not None)
            + ["ReLU"] * self.relu
        )

    @property
    def has_preparation(self) -> bool:
        """Only folding: else the product takes the layer's weight as it lies."""
        return self._fold is not None

    def prepare(self, ctx: Context, count: int) -> None:
        """Fold, unless the arrays are those of last time."""
        if self._fold is None or self.bias is None:
            return
        norm = self._fold.norm
        now = [*self.layer.params.values(), *norm.params.values(), *norm.state.values()]
        if self._seen and all(map(np.array_equal, now, self._seen)):
            return
        self._seen = [array.copy() for array in now]
        self.weight[...], self.bias[...] = self._fold.apply(
            self.layer.params["weight"], self.layer.params.get("bias")
        )

    def bind(self, bench: Bench) -> Job:
        """Fix the arrays."""
        return _DenseJob(self, bench)


@final
class _DenseJob(Job):
    def __init__(self, stage: DenseStage, bench: Bench) -> None:
        self._weight, self._bias = stage.weight, stage.bias
        self._x, self._y = (
            stage.sources[0].array(bench.piece),
            stage.target.array(bench.piece),
        )
        self._relu = Rectifier(self._y) if stage.relu else None
        self._copy: tuple[Array, Array] | None = None
        if bench.training:
            bench.arena.reset()
            self._dy = stage.target.gradient(bench.piece)
            self._drelu = self._relu and self._relu.bind_backward(self._dy, bench.arena)
            self._dx = stage.source_sink(bench)
            self._dweight: Sink | None = None
            self._weight_t = self._weight.T
            if bench.sums and stage.is_large:
                stage.left.append(Factors(self._x, self._dy))
                if self._dx is not None:
                    self._weight_t = stage.transposed_weight()
                    # Each lane copies a part; all are through before the backward pass begins.
                    lanes, rows = len(bench.sums) + 1, len(self._weight)
                    part = slice(
                        bench.piece.lane * rows // lanes, (bench.piece.lane + 1) * rows // lanes
                    )
                    self._copy = self._weight_t[:, part], self._weight[part].T
            else:
                self._dweight = bench.parameter_sink(stage.layer, "weight")
            self._dbias = (
                bench.parameter_sink(stage.layer, "bias") if stage.bias is not None else None
            )
            self._ones = np.ones(len(self._y), np.float32)

    def forward(self) -> None:
        # Not matmul: for two dimensions the same product, and a ufunc's half microsecond less.
        np.dot(self._x, self._weight, out=self._y)
        if self._bias is not None:
            np.add(self._y, self._bias, out=self._y)
        if self._relu is not None:
            self._relu.forward()
        if self._copy is not None:
            np.copyto(*self._copy)

    def backward(self) -> None:
        if self._drelu is not None:
            self._drelu.run()
        if self._dbias is not None:
            np.matmul(self._ones, self._dy, out=self._dbias.array)
            self._dbias.done()
        if self._dweight is not None:
            np.matmul(self._x.T, self._dy, out=self._dweight.array)
            self._dweight.done()
        if self._dx is not None:
            np.matmul(self._dy, self._weight_t, out=self._dx.array)
            self._dx.done()


@final
class PoolStage(Stage):
    """2x2 maximum pooling on its own, in a layout in which `cells_of` finds the windows."""

    def bind(self, bench: Bench) -> Job:
        """Fix the arrays."""
        return _PoolJob(self, bench)


@final
class _PoolJob(Job):
    def __init__(self, stage: PoolStage, bench: Bench) -> None:
        source, target, piece = stage.sources[0], stage.target, bench.piece
        self._y = target.array(piece)
        self._cells = cells_of(source, source.array(piece))
        self._pooling = MaxPooling(self._y.shape, bench.training)
        bench.arena.reset()
        self._scratch = bench.arena.take(self._y.shape)
        if bench.training:
            self._dy = target.gradient(piece)
            self._sink = stage.source_sink(bench)
            if self._sink is not None:
                self._dcells = cells_of(source, self._sink.array)

    def forward(self) -> None:
        self._pooling.forward(self._cells, self._y, self._scratch)

    def backward(self) -> None:
        assert self._sink is not None
        if sum(cell.size for cell in self._dcells) < self._sink.array.size:
            self._sink.array.fill(0)
        self._pooling.backward(self._dy, self._dcells, self._scratch)
        self._sink.done()


def pooled_layout(value: Value) -> BatchInside | BatchLast | None:
    """How the value would lie after `PoolStage`; None if that cannot pool it."""
    layout = value.layout
    if isinstance(layout, BatchInside):
        return layout
    if isinstance(layout, BatchLast):
        if layout.phases == 1:
            return layout
        if value.shape[1] % layout.phases == 0 == layout.phases % 2:
            return BatchLast(layout.phases // 2)
    return None


def cells_of(value: Value, array: Array) -> Cells:
    """View an array of the value as the cells of 2x2 windows."""
    rows, columns = value.shape[0] // 2, value.shape[1] // 2
    if isinstance(value.layout, BatchInside):
        return image_cells(array, 0, 1, rows, columns)
    assert isinstance(value.layout, BatchLast)
    if value.layout.phases == 1:
        return image_cells(array, 2, 3, rows, columns)
    return image_cells(array, 2, 1, rows, value.layout.phases // 2)


@final
class ConvertStage(Stage):
    """The same numbers in another layout; also from images to rows of features."""

    @property
    def method(self) -> str:
        """Copy."""
        return "copy"

    def bind(self, bench: Bench) -> Job:
        """Fix the arrays."""
        return _ConvertJob(self, bench)


@final
class _ConvertJob(Job):
    def __init__(self, stage: ConvertStage, bench: Bench) -> None:
        source, target, piece = stage.sources[0], stage.target, bench.piece
        bench.arena.reset()
        self._from, self._to = _matched(source, source.array(piece), target, target.array(piece))
        if bench.training:
            self._sink = stage.source_sink(bench)
            if self._sink is not None:
                self._dfrom, self._dto = _matched(
                    source, self._sink.array, target, target.gradient(piece)
                )

    def forward(self) -> None:
        np.copyto(self._to, self._from)

    def backward(self) -> None:
        assert self._sink is not None
        np.copyto(self._dfrom, self._dto)
        self._sink.done()


def _matched(source: Value, x: Array, target: Value, y: Array) -> tuple[Array, Array]:
    if len(target.shape) == 1 < len(source.shape):
        y = y.reshape(len(y), *source.shape)
        if len(source.shape) != 3:
            # No image, so it has no other layout.
            return x, y
    return common_blocks((x, source.layout), (y, target.layout))


@final
class AddStage(Stage):
    """The end of a residual connection: the branch plus the shortcut, with ReLU."""

    def __init__(
        self, names: Sequence[str], branch: Value, shortcut: Value, target: Value, *, relu: bool
    ) -> None:
        super().__init__(names, [branch, shortcut], target)
        self.relu = relu

    @property
    def method(self) -> str:
        """A sum."""
        return "add + ReLU" if self.relu else "add"

    def bind(self, bench: Bench) -> Job:
        """Fix the arrays."""
        return _AddJob(self, bench)


@final
class _AddJob(Job):
    def __init__(self, stage: AddStage, bench: Bench) -> None:
        piece = bench.piece
        self._a, self._b = (source.array(piece) for source in stage.sources)
        self._y = stage.target.array(piece)
        self._relu = Rectifier(self._y) if stage.relu else None
        if bench.training:
            bench.arena.reset()
            self._dy = stage.target.gradient(piece)
            self._drelu = self._relu and self._relu.bind_backward(self._dy, bench.arena)
            self._sinks = [stage.source_sink(bench, place) for place in (0, 1)]

    def forward(self) -> None:
        np.add(self._a, self._b, out=self._y)
        if self._relu is not None:
            self._relu.forward()

    def backward(self) -> None:
        if self._drelu is not None:
            self._drelu.run()
        for sink in self._sinks:
            if sink is not None:
                np.copyto(sink.array, self._dy)
                sink.done()


@final
class DropoutStage(Stage):
    """Dropout with the numbers that the layer itself would draw for the whole batch."""

    def __init__(self, names: Sequence[str], source: Value, target: Value, layer: Dropout) -> None:
        super().__init__(names, [source], target)
        self._layer = layer
        self._mask: Array = np.empty((0, *source.shape), np.float32)

    def prepare(self, ctx: Context, count: int) -> None:
        """Draw."""
        kept = ctx.rng.random((count, *self.sources[0].shape), dtype=np.float32) >= self._layer.rate
        np.multiply(kept, np.float32(1 / (1 - self._layer.rate)), out=self._mask)

    def bind(self, bench: Bench) -> Job:
        """Fix the arrays."""
        if len(self._mask) < bench.piece.stop:
            raise ValueError("reserve comes before bind")
        return _DropoutJob(self, bench, self._mask[bench.piece.start : bench.piece.stop])

    def reserve(self, count: int) -> None:
        """Find room for the whole batch's mask."""
        self._mask = np.empty((count, *self.sources[0].shape), np.float32)


@final
class _DropoutJob(Job):
    def __init__(self, stage: DropoutStage, bench: Bench, mask: Array) -> None:
        source, piece = stage.sources[0], bench.piece
        self._x, self._y = source.array(piece), stage.target.array(piece)
        self._mask_lies, self._mask = None, mask
        if not isinstance(source.layout, BatchFirst):
            self._mask = np.empty(self._x.shape, np.float32)
            self._mask_lies = common_blocks((mask, BatchFirst()), (self._mask, source.layout))
        if bench.training:
            bench.arena.reset()
            self._dy = stage.target.gradient(piece)
            self._sink = stage.source_sink(bench)

    def forward(self) -> None:
        if self._mask_lies is not None:
            np.copyto(self._mask_lies[1], self._mask_lies[0])
        np.multiply(self._x, self._mask, out=self._y)

    def backward(self) -> None:
        assert self._sink is not None
        np.multiply(self._dy, self._mask, out=self._sink.array)
        self._sink.done()
