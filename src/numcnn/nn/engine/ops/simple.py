"""The ops with little to them: input, dense layers, pooling alone, sums, changes of layout."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.engine.layouts import BatchFirst, BatchInside, BatchLast, common_blocks
from numcnn.nn.engine.op import Accumulator, Binding, BoundOp, Op, Value
from numcnn.nn.engine.ops.conv import Fold
from numcnn.nn.engine.ops.max_pool import Cells, InPlaceMaxPool, image_cells
from numcnn.nn.engine.ops.relu import InPlaceReLU
from numcnn.nn.engine.shards import Factors
from numcnn.nn.layers import Dense, Dropout, Layer, Rescaling


@final
class InputOp(Op):
    """Take a micro-batch of the batch as it is given, in any dtype; preprocess it; lay it out.

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

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        n = binding.micro_batch.size
        if self._layers and n not in self._spread:
            blank = self._spread_over(np.zeros(self._channels), n)
            self._spread[n] = (blank.copy(), blank.copy())
            self._seen = []
        return _BoundInput(self, binding, self._spread.get(n))


@final
class _BoundInput(BoundOp):
    def __init__(self, op: InputOp, binding: Binding, spread: tuple[Array, Array] | None) -> None:
        self._op, self._spread = op, spread
        micro_batch, layout = binding.micro_batch, op.target.layout
        self._is_whole = binding.is_whole
        self._slice = slice(micro_batch.start, micro_batch.stop)
        self._array = op.target.array(micro_batch)
        phases = layout.phases if isinstance(layout, BatchLast) else 1
        self._phases = phases
        plain = isinstance(layout, BatchFirst)
        self._blocks = self._array if plain else layout.blocks(self._array, phases)
        self._lines = layout.lines(self._array)

    def forward(self) -> None:
        images = self._op.batch if self._is_whole else self._op.batch[self._slice]
        np.copyto(self._blocks, images.reshape(self._blocks.shape), casting="unsafe")
        if self._spread is not None:
            scale, shift = self._spread
            np.multiply(self._lines, scale, out=self._lines)
            np.add(self._lines, shift, out=self._lines)


_LARGE_WEIGHT = 100_000
"""Numbers of a weight from which on its gradient does not stay in the cache for each lane."""


@final
class DenseOp(Op):
    """A dense layer, with ReLU.

    Attributes:
        layer: The layer.
        left: For each lane what its part of the weight's gradient is the product of, if that is
            left to the end of the backward pass; see `numcnn.nn.engine.shards.adding`.
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

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        return _BoundDense(self, binding)


@final
class _BoundDense(BoundOp):
    def __init__(self, op: DenseOp, binding: Binding) -> None:
        self._weight, self._bias = op.weight, op.bias
        self._x, self._y = (
            op.sources[0].array(binding.micro_batch),
            op.target.array(binding.micro_batch),
        )
        self._relu = InPlaceReLU(self._y) if op.relu else None
        self._copy: tuple[Array, Array] | None = None
        if binding.training:
            binding.workspace.reset()
            self._dy = op.target.gradient(binding.micro_batch)
            self._drelu = self._relu and self._relu.bind_backward(self._dy, binding.workspace)
            self._dx = op.source_gradient(binding)
            self._dweight: Accumulator | None = None
            self._weight_t = self._weight.T
            if binding.sums and op.is_large:
                op.left.append(Factors(self._x, self._dy))
                if self._dx is not None:
                    self._weight_t = op.transposed_weight()
                    # Each lane copies a part; all are through before the backward pass begins.
                    lanes, rows = len(binding.sums) + 1, len(self._weight)
                    part = slice(
                        binding.micro_batch.lane * rows // lanes,
                        (binding.micro_batch.lane + 1) * rows // lanes,
                    )
                    self._copy = self._weight_t[:, part], self._weight[part].T
            else:
                self._dweight = binding.parameter_gradient(op.layer, "weight")
            self._dbias = (
                binding.parameter_gradient(op.layer, "bias") if op.bias is not None else None
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
class MaxPoolOp(Op):
    """2x2 maximum pooling on its own, in a layout in which `cells_of` finds the windows."""

    @property
    def method(self) -> str:
        """By cells of the windows."""
        return "max pool"

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        return _BoundMaxPool(self, binding)


@final
class _BoundMaxPool(BoundOp):
    def __init__(self, op: MaxPoolOp, binding: Binding) -> None:
        source, target, micro_batch = op.sources[0], op.target, binding.micro_batch
        self._y = target.array(micro_batch)
        self._cells = cells_of(source, source.array(micro_batch))
        self._pooling = InPlaceMaxPool(self._y.shape, binding.training)
        binding.workspace.reset()
        self._scratch = binding.workspace.take(self._y.shape)
        if binding.training:
            self._dy = target.gradient(micro_batch)
            self._source_gradient = op.source_gradient(binding)
            if self._source_gradient is not None:
                self._dcells = cells_of(source, self._source_gradient.array)

    def forward(self) -> None:
        self._pooling.forward(self._cells, self._y, self._scratch)

    def backward(self) -> None:
        assert self._source_gradient is not None
        if sum(cell.size for cell in self._dcells) < self._source_gradient.array.size:
            self._source_gradient.array.fill(0)
        self._pooling.backward(self._dy, self._dcells, self._scratch)
        self._source_gradient.done()


def pooled_layout(value: Value) -> BatchInside | BatchLast | None:
    """How the value would lie after `MaxPoolOp`; None if that cannot pool it."""
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
class LayoutOp(Op):
    """The same numbers in another layout; also from images to rows of features."""

    @property
    def method(self) -> str:
        """Copy."""
        return "copy"

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        return _BoundLayout(self, binding)


@final
class _BoundLayout(BoundOp):
    def __init__(self, op: LayoutOp, binding: Binding) -> None:
        source, target, micro_batch = op.sources[0], op.target, binding.micro_batch
        binding.workspace.reset()
        self._from, self._to = _matched(
            source, source.array(micro_batch), target, target.array(micro_batch)
        )
        if binding.training:
            self._source_gradient = op.source_gradient(binding)
            if self._source_gradient is not None:
                self._dfrom, self._dto = _matched(
                    source, self._source_gradient.array, target, target.gradient(micro_batch)
                )

    def forward(self) -> None:
        np.copyto(self._to, self._from)

    def backward(self) -> None:
        assert self._source_gradient is not None
        np.copyto(self._dfrom, self._dto)
        self._source_gradient.done()


def _matched(source: Value, x: Array, target: Value, y: Array) -> tuple[Array, Array]:
    if len(target.shape) == 1 < len(source.shape):
        y = y.reshape(len(y), *source.shape)
        if len(source.shape) != 3:
            # No image, so it has no other layout.
            return x, y
    return common_blocks((x, source.layout), (y, target.layout))


@final
class AddOp(Op):
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

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        return _BoundAdd(self, binding)


@final
class _BoundAdd(BoundOp):
    def __init__(self, op: AddOp, binding: Binding) -> None:
        micro_batch = binding.micro_batch
        self._a, self._b = (source.array(micro_batch) for source in op.sources)
        self._y = op.target.array(micro_batch)
        self._relu = InPlaceReLU(self._y) if op.relu else None
        if binding.training:
            binding.workspace.reset()
            self._dy = op.target.gradient(micro_batch)
            self._drelu = self._relu and self._relu.bind_backward(self._dy, binding.workspace)
            self._source_gradients = [op.source_gradient(binding, place) for place in (0, 1)]

    def forward(self) -> None:
        np.add(self._a, self._b, out=self._y)
        if self._relu is not None:
            self._relu.forward()

    def backward(self) -> None:
        if self._drelu is not None:
            self._drelu.run()
        for sink in self._source_gradients:
            if sink is not None:
                np.copyto(sink.array, self._dy)
                sink.done()


@final
class DropoutOp(Op):
    """Dropout with the numbers that the layer itself would draw for the whole batch."""

    def __init__(self, names: Sequence[str], source: Value, target: Value, layer: Dropout) -> None:
        super().__init__(names, [source], target)
        self._layer = layer
        self._mask: Array = np.empty((0, *source.shape), np.float32)

    def prepare(self, ctx: Context, count: int) -> None:
        """Draw."""
        kept = ctx.rng.random((count, *self.sources[0].shape), dtype=np.float32) >= self._layer.rate
        np.multiply(kept, np.float32(1 / (1 - self._layer.rate)), out=self._mask)

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        if len(self._mask) < binding.micro_batch.stop:
            raise ValueError("reserve comes before bind")
        return _BoundDropout(
            self, binding, self._mask[binding.micro_batch.start : binding.micro_batch.stop]
        )

    def reserve(self, count: int) -> None:
        """Find room for the whole batch's mask."""
        self._mask = np.empty((count, *self.sources[0].shape), np.float32)


@final
class _BoundDropout(BoundOp):
    def __init__(self, op: DropoutOp, binding: Binding, mask: Array) -> None:
        source, micro_batch = op.sources[0], binding.micro_batch
        self._x, self._y = source.array(micro_batch), op.target.array(micro_batch)
        self._mask_lies, self._mask = None, mask
        if not isinstance(source.layout, BatchFirst):
            self._mask = np.empty(self._x.shape, np.float32)
            self._mask_lies = common_blocks((mask, BatchFirst()), (self._mask, source.layout))
        if binding.training:
            binding.workspace.reset()
            self._dy = op.target.gradient(micro_batch)
            self._source_gradient = op.source_gradient(binding)

    def forward(self) -> None:
        if self._mask_lies is not None:
            np.copyto(self._mask_lies[1], self._mask_lies[0])
        np.multiply(self._x, self._mask, out=self._y)

    def backward(self) -> None:
        assert self._source_gradient is not None
        np.multiply(self._dy, self._mask, out=self._source_gradient.array)
        self._source_gradient.done()
