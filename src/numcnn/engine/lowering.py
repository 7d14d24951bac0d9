"""Lowering: from layers to ops.

Nothing is measured here: the same network gives the same ops on every machine, so the same seed
gives the same weights. How large micro-batches are follows in `numcnn.engine.plan`.

`_RULES` at the end says, by a layer's type, how it is lowered. A layer whose type has no rule runs
its own code (`numcnn.engine.ops.fallback`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any, TypeVar, final

from numcnn.engine.layouts import BatchFirst, BatchLast, Layout
from numcnn.engine.op import Op, Value
from numcnn.engine.ops.add import AddOp
from numcnn.engine.ops.batch_norm import AffineOp, NormalizeOp, StatisticsOp
from numcnn.engine.ops.batch_norm_fold import Fold
from numcnn.engine.ops.conv import ConvAlgorithm, ConvOp
from numcnn.engine.ops.conv_im2col import Im2col
from numcnn.engine.ops.conv_rows import Rows
from numcnn.engine.ops.conv_toeplitz import Toeplitz
from numcnn.engine.ops.conv_winograd import Winograd
from numcnn.engine.ops.dense import DenseOp
from numcnn.engine.ops.dropout import DropoutOp
from numcnn.engine.ops.fallback import LayerOp, WholeBatchOp
from numcnn.engine.ops.input import InputOp
from numcnn.engine.ops.layout_change import LayoutOp
from numcnn.engine.ops.max_pool import MaxPoolOp, pooled_layout
from numcnn.nn.arrays import Shape
from numcnn.nn.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
)
from numcnn.nn.layers.chain import Link

_WIDE = 32
"""From so many filters on a network counts as wide; see `is_wide`."""

_FEW_CHANNELS = 8
"""With fewer of them Winograd does not pay."""

_MOST_PHASES = 4
"""Columns computed together; more would be mostly zeros."""

L = TypeVar("L", bound=Layer)


@final
class _Row:
    """The layers of a chain, taken one after another."""

    def __init__(self, links: Iterable[Link], prefix: str = "") -> None:
        self._links = list(links)
        self._prefix = prefix
        self._place = 0
        self._named = 0

    def next_is(self, kind: type[Layer]) -> bool:
        """Whether the next layer is of exactly this type: a subclass may compute otherwise."""
        return self._place < len(self._links) and type(self._links[self._place].layer) is kind

    def peek(self) -> Layer | None:
        """The next layer, if there is one."""
        return self._links[self._place].layer if self._place < len(self._links) else None

    def take(self) -> Layer:
        """Take the next layer."""
        self._place += 1
        return self._links[self._place - 1].layer

    def take_if(self, kind: type[L]) -> L | None:
        """Take the next layer if it is of exactly this type."""
        layer = self.peek()
        if not isinstance(layer, kind) or type(layer) is not kind:
            return None
        self._place += 1
        return layer

    @property
    def shape(self) -> Shape:
        """What the layer that was taken last makes of one example."""
        return self._links[self._place - 1].output_shape

    def names(self) -> list[str]:
        """The names of the layers that were taken since the last call."""
        names = [self._prefix + link.name for link in self._links[self._named : self._place]]
        self._named = self._place
        return names


@final
class Lowering:
    """The ops of a network, in order, and where the batch goes in and out.

    Attributes:
        ops: In the order of the forward pass.
        entrance: The first of them.
        exit: The value that is the network's output, `BatchFirst`.
    """

    def __init__(
        self, links: Sequence[Link], input_shape: Shape, training: bool, batch_size: int = 0
    ) -> None:
        self.ops: list[Op] = []
        self._training = training
        self._alone = batch_size == 1 and not training
        self._wide = is_wide(links)
        row = _Row(links)
        preprocessing: list[Layer] = []
        while (layer := row.take_if(Rescaling) or row.take_if(Normalization)) is not None:
            preprocessing.append(layer)
        shape = input_shape if row.take_if(Flatten) is None else row.shape
        layout: Layout = BatchFirst()
        if row.next_is(Conv2D) and len(shape) == 3:
            layout = self._algorithm(copy(row), shape, layout).source_layout
        value = Value(shape, layout, wants_gradient=False)
        self.entrance = InputOp(row.names(), preprocessing, input_shape, value)
        self.ops.append(self.entrance)
        self.exit = self._as(self._lower(row, value), BatchFirst())
        _settle_gradients(self.ops)

    def _lower(self, row: _Row, value: Value) -> Value:
        """Add the ops of all layers in a row; return what the last one makes."""
        while row.peek() is not None:
            layer = row.take()
            rule = _RULES.get(type(layer), Lowering._layers_own)
            value = rule(self, layer, row, value)
        return value

    def _convolution(self, layer: Conv2D, row: _Row, value: Value) -> Value:
        fold = self._take_fold(row)
        method = self._method(layer, copy(row), value.shape, value.layout)
        pool, relu = _take_pool_and_relu(row)
        source = self._as(value, method.source_layout)
        shape = method.pooled_shape if pool else method.output_shape
        layout = method.pooled_layout if pool else method.target_layout
        target = Value(shape, layout, layer.trainable or source.wants_gradient)
        self.ops.append(
            ConvOp(row.names(), source, target, layer, method, pool=pool, relu=relu, fold=fold)
        )
        return target

    def _dense(self, layer: Dense, row: _Row, value: Value) -> Value:
        fold = self._take_fold(row)
        relu = row.take_if(ReLU) is not None
        target = Value((layer.units,), BatchFirst(), layer.trainable or value.wants_gradient)
        self.ops.append(DenseOp(row.names(), value, target, layer, relu=relu, fold=fold))
        return target

    def _batch_norm(self, layer: BatchNorm, row: _Row, value: Value) -> Value:
        relu = row.take_if(ReLU) is not None
        learns = layer.trainable or value.wants_gradient
        target, names = Value(value.shape, value.layout, learns), row.names()
        if self._training and layer.trainable:
            statistics = StatisticsOp(names[:1], value, target, layer)
            self.ops += [statistics, NormalizeOp(names, statistics, target, relu=relu)]
        else:
            self.ops.append(AffineOp(names, value, target, layer, relu=relu))
        return target

    def _max_pool(self, layer: MaxPool2D, row: _Row, value: Value) -> Value:
        layout = pooled_layout(value) if _is_simple_pool(layer) else None
        if layout is None:
            return self._layers_own(layer, row, value)
        target = Value(row.shape, layout, value.wants_gradient)
        self.ops.append(MaxPoolOp(row.names(), value, target))
        return target

    def _dropout(self, layer: Dropout, row: _Row, value: Value) -> Value:
        names = row.names()
        if not self._training or layer.rate == 0:
            return value
        target = Value(value.shape, value.layout, value.wants_gradient)
        self.ops.append(DropoutOp(names, value, target, layer))
        return target

    def _flatten(self, layer: Flatten, row: _Row, value: Value) -> Value:
        names = row.names()
        if len(value.shape) == 1:
            return value
        target = Value(row.shape, BatchFirst(), value.wants_gradient)
        self.ops.append(LayoutOp(names, [value], target))
        return target

    def _residual(self, layer: Residual, row: _Row, value: Value) -> Value:
        relu = row.take_if(ReLU) is not None
        names = row.names()
        branch, shortcut = (
            self._lower(_Row(chain.links(), f"{names[0]}.{way}."), value)
            for way, chain in zip(("branch", "shortcut"), layer.ways, strict=True)
        )
        shortcut = self._as(shortcut, branch.layout)
        wants_gradient = branch.wants_gradient or shortcut.wants_gradient
        target = Value(branch.shape, branch.layout, wants_gradient)
        self.ops.append(AddOp(names, branch, shortcut, target, relu=relu))
        return target

    def _layers_own(self, layer: Layer, row: _Row, value: Value) -> Value:
        """The op of a layer that has no rule: its own code, on as few examples as it says."""
        acts_on = _acts_on(layer)
        learns = any(inner.params and inner.trainable for _, inner in layer.walk())
        if acts_on != "element" or learns:
            # What acts on each element by itself does so in whatever order they lie.
            value = self._as(value, BatchFirst())
        target = Value(row.shape, value.layout, learns or value.wants_gradient)
        op = WholeBatchOp if acts_on == "batch" else LayerOp
        self.ops.append(op(row.names(), value, target, layer))
        return target

    def _algorithm(self, row: _Row, shape: Shape, layout: Layout) -> ConvAlgorithm:
        """Look ahead to the method of the convolution that comes next."""
        layer = row.take_if(Conv2D)
        assert layer is not None
        self._take_fold(row)
        return self._method(layer, row, shape, layout)

    def _method(self, layer: Conv2D, row: _Row, shape: Shape, layout: Layout) -> ConvAlgorithm:
        """Choose a convolution's method, given what follows it."""
        window = layer.window
        few = not self._wide or shape[2] < _FEW_CHANNELS
        if self._alone and few and window.stride == (1, 1):
            pool, _ = _take_pool_and_relu(row)
            return Rows(window, shape, layer.filters, pool=pool)
        if not self._wide:
            pool, _ = _take_pool_and_relu(row)
            possible = Toeplitz.phases_that_fit(window, shape, pool)
            if isinstance(layout, BatchLast) and layout.phases in possible:
                return Toeplitz(window, shape, layer.filters, layout.phases)
            possible = [phases for phases in possible if phases <= _MOST_PHASES]
            if possible:
                return Toeplitz(window, shape, layer.filters, possible[0])
        if Winograd.fits(window) and min(shape[2], layer.filters) >= _FEW_CHANNELS:
            return Winograd(window, shape, layer.filters)
        return Im2col(window, shape, layer.filters)

    def _take_fold(self, row: _Row) -> Fold | None:
        """Take batch normalization, if it comes next and can be folded into what comes before."""
        norm = None if self._training else row.take_if(BatchNorm)
        return None if norm is None else Fold(norm)

    def _as(self, value: Value, layout: Layout) -> Value:
        """The value in a layout, copied if it is in another one."""
        if value.layout == layout or len(value.shape) == 1:
            return value
        if (
            isinstance(value.layout, BatchLast)
            and isinstance(layout, BatchLast)
            and 1 != value.layout.phases != layout.phases != 1
        ):
            value = self._as(value, BatchLast(1))
        target = Value(value.shape, layout, value.wants_gradient)
        self.ops.append(LayoutOp([], [value], target))
        return target


_RULES: Mapping[type[Layer], Callable[..., Value]] = {
    BatchNorm: Lowering._batch_norm,
    Conv2D: Lowering._convolution,
    Dense: Lowering._dense,
    Dropout: Lowering._dropout,
    Flatten: Lowering._flatten,
    MaxPool2D: Lowering._max_pool,
    Residual: Lowering._residual,
}
"""How each type of layer is lowered: called with the layer, those that follow, and its input."""


def is_wide(layers: Iterable[Link]) -> bool:
    """Whether a network's channels alone make its products large enough.

    Then the layout is `BatchInside`, and 3x3 convolutions go by Winograd. Else it is `BatchLast`.
    """
    convolutions = [
        layer for link in layers for _, layer in link.layer.walk() if isinstance(layer, Conv2D)
    ]
    return any(layer.filters >= _WIDE for layer in convolutions)


def _acts_on(layer: Layer) -> str:
    """What a layer says that it acts on, if that is said of the code that it has.

    A subclass that brings a `forward` or `backward` of its own does not inherit what the class
    above says of its own.
    """
    lineage = type(layer).__mro__

    def source(name: str) -> type[Any]:
        return next(kind for kind in lineage if name in vars(kind))

    says = source("acts_on")
    is_meant = all(issubclass(says, source(name)) for name in ("forward", "backward"))
    return layer.acts_on if is_meant else "batch"


def _is_simple_pool(layer: Layer | None) -> bool:
    if layer is None or type(layer) is not MaxPool2D:
        return False
    window = layer.window
    return window.size == window.stride == (2, 2) and window.padding == "valid"


def _take_pool_and_relu(row: _Row) -> tuple[bool, bool]:
    """Take 2x2 maximum pooling and ReLU, in either order; return which of them were there."""
    pool = relu = False
    while True:
        if not relu and row.take_if(ReLU) is not None:
            relu = True
        elif not pool and _is_simple_pool(row.peek()):
            row.take()
            pool = True
        else:
            return pool, relu


def _settle_gradients(ops: Sequence[Op]) -> None:
    """Find out who writes each gradient, the first one in the backward pass, and who adds."""
    seen: set[int] = set()
    for op in reversed(ops):
        for place, source in enumerate(op.sources):
            op.adds[place] = id(source) in seen
            seen.add(id(source))
