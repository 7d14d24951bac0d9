"""From layers to ops: which neighbours go together, and which way each one is computed.

Nothing is measured here: the same network gives the same ops on every machine, so the same seed
gives the same weights. What depends on the machine is how large micro-batches are and how many
lanes there are (`numcnn.nn.engine.machine`).
"""

from collections.abc import Iterable, Sequence
from typing import final

from numcnn.nn.arrays import Shape
from numcnn.nn.engine.layouts import BatchFirst, BatchLast, Layout
from numcnn.nn.engine.op import Op, Value
from numcnn.nn.engine.ops.batch_norm import AffineOp, NormalizeOp, StatisticsOp
from numcnn.nn.engine.ops.conv import ConvAlgorithm, ConvOp, Fold
from numcnn.nn.engine.ops.conv_im2col import Im2col
from numcnn.nn.engine.ops.conv_toeplitz import Toeplitz
from numcnn.nn.engine.ops.conv_winograd import Winograd
from numcnn.nn.engine.ops.fallback import LayerOp, WholeBatchOp
from numcnn.nn.engine.ops.simple import (
    AddOp,
    DenseOp,
    DropoutOp,
    InputOp,
    LayoutOp,
    MaxPoolOp,
    pooled_layout,
)
from numcnn.nn.layers import (
    GELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LeakyReLU,
    MaxPool2D,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from numcnn.nn.layers.chain import Link

_BY_NUMBER = (LeakyReLU, Sigmoid, Tanh, GELU, SiLU, ReLU)
"""What acts on every number by itself, in whatever order they lie."""

_BY_EXAMPLE = (AveragePool2D, GlobalAveragePool2D, MaxPool2D, Rescaling, Normalization, Softmax)
"""What acts on every example by itself, in the order that layers have."""

_OURS = (*_BY_NUMBER, *_BY_EXAMPLE, BatchNorm, Conv2D, Dense, Dropout, Flatten, Residual)
"""All that the engine knows."""

_WIDE = 32
"""From so many filters on a network counts as wide; see `is_wide`."""

_MOST_PHASES = 4
"""Columns computed together; more would be mostly zeros."""


@final
class Lowering:
    """The ops of a network, in order, and where the batch goes in and out.

    Attributes:
        ops: In the order of the forward pass.
        entrance: The first of them.
        exit: The value that is the network's output, `BatchFirst`.
    """

    def __init__(self, links: Iterable[Link], input_shape: Shape, training: bool) -> None:
        self.ops: list[Op] = []
        self._training = training
        rest = list(links)
        self._wide = is_wide(rest)
        # Random numbers are to be drawn in the order of the layers, and of a layer that somebody
        # else wrote nobody knows whether it draws.
        self._dropout_in_turn = any(
            type(inner) not in _OURS for link in rest for _, inner in link.layer.walk()
        )
        before = _take_while(rest, (Rescaling, Normalization))
        rest = rest[len(before) :]
        shape = input_shape
        flat = []
        if _is(rest, 0, Flatten):
            flat = [rest.pop(0)]
            shape = flat[0].output_shape
        layout: Layout = BatchFirst()
        if _is(rest, 0, Conv2D) and len(shape) == 3:
            layout = self._convolution(rest, shape, BatchFirst()).source_layout
        value = Value(shape, layout, wants_gradient=False)
        self.entrance = InputOp(
            [link.name for link in (*before, *flat)],
            [link.layer for link in before],
            input_shape,
            value,
        )
        self.ops.append(self.entrance)
        self.exit = self._as(self._chain(rest, value, ""), BatchFirst())
        _settle_gradients(self.ops)

    def _chain(self, layers: Sequence[Link], value: Value, prefix: str) -> Value:
        """Add the ops of layers in a row; return what the last one makes."""
        rest = list(layers)
        while rest:
            taken, value = self._next(rest, value, prefix)
            rest = rest[taken:]
        return value

    def _next(self, rest: Sequence[Link], value: Value, prefix: str) -> tuple[int, Value]:
        """Add the ops of the next layer and of those that go with it."""
        layer, shape = rest[0].layer, rest[0].output_shape
        kind = type(layer)
        names = [prefix + rest[0].name]
        if isinstance(layer, Conv2D) and kind is Conv2D:
            return self._add_convolution(rest, layer, value, prefix)
        if isinstance(layer, Dense) and kind is Dense:
            fold, taken = self._fold(rest)
            relu = _is(rest, taken, ReLU)
            target = self._target((layer.units,), BatchFirst(), value, learns=True)
            names = [prefix + link.name for link in rest[: taken + relu]]
            self.ops.append(DenseOp(names, value, target, layer, relu=relu, fold=fold))
            return taken + relu, target
        if isinstance(layer, BatchNorm) and kind is BatchNorm:
            relu = _is(rest, 1, ReLU)
            names = [prefix + link.name for link in rest[: 1 + relu]]
            target = self._target(value.shape, value.layout, value, learns=True)
            if self._training:
                statistics = StatisticsOp(names[:1], value, target, layer)
                self.ops += [statistics, NormalizeOp(names, statistics, target, relu=relu)]
            else:
                self.ops.append(AffineOp(names, value, target, layer, relu=relu))
            return 1 + relu, target
        if isinstance(layer, MaxPool2D) and kind is MaxPool2D and _is_simple_pool(layer):
            layout = pooled_layout(value)
            if layout is not None:
                target = self._target(shape, layout, value)
                self.ops.append(MaxPoolOp(names, [value], target))
                return 1, target
        if isinstance(layer, Dropout) and kind is Dropout:
            if not self._training or layer.rate == 0:
                return 1, value
            if not self._dropout_in_turn:
                target = self._target(value.shape, value.layout, value)
                self.ops.append(DropoutOp(names, value, target, layer))
                return 1, target
        if kind is Flatten:
            if len(value.shape) == 1:
                return 1, value
            target = self._target(shape, BatchFirst(), value)
            self.ops.append(LayoutOp(names, [value], target))
            return 1, target
        if isinstance(layer, Residual) and kind is Residual:
            return self._add_residual(rest, layer, value, prefix)
        if kind in _BY_NUMBER:
            target = self._target(value.shape, value.layout, value)
            self.ops.append(LayerOp(names, value, target, layer))
            return 1, target
        value = self._as(value, BatchFirst())
        learns = any(inner.params for _, inner in layer.walk())
        target = self._target(shape, BatchFirst(), value, learns=learns)
        op = LayerOp if kind in _BY_EXAMPLE else WholeBatchOp
        self.ops.append(op(names, value, target, layer))
        return 1, target

    def _add_convolution(
        self, rest: Sequence[Link], layer: Conv2D, value: Value, prefix: str
    ) -> tuple[int, Value]:
        fold, taken = self._fold(rest)
        pool, relu, taken = _pool_and_relu(rest, taken)
        method = self._convolution(rest, value.shape, value.layout)
        source = self._as(value, method.source_layout)
        if pool and min(method.pooled_shape) < 1:
            pool, taken = False, taken - 1
        shape = method.pooled_shape if pool else method.output_shape
        layout = method.pooled_layout if pool else method.target_layout
        target = self._target(shape, layout, value, learns=True)
        names = [prefix + link.name for link in rest[:taken]]
        self.ops.append(
            ConvOp(names, source, target, layer, method, pool=pool, relu=relu, fold=fold)
        )
        return taken, target

    def _add_residual(
        self, rest: Sequence[Link], layer: Residual, value: Value, prefix: str
    ) -> tuple[int, Value]:
        name = prefix + rest[0].name
        ways = [
            self._chain(chain.links(), value, f"{name}.{way}.")
            for way, chain in zip(("branch", "shortcut"), layer.ways, strict=True)
        ]
        branch, shortcut = ways[0], self._as(ways[1], ways[0].layout)
        relu = _is(rest, 1, ReLU)
        target = self._target(branch.shape, branch.layout, branch)
        target.wants_gradient = branch.wants_gradient or shortcut.wants_gradient
        names = [name, *(prefix + link.name for link in rest[1 : 1 + relu])]
        self.ops.append(AddOp(names, branch, shortcut, target, relu=relu))
        return 1 + relu, target

    def _convolution(self, rest: Sequence[Link], shape: Shape, layout: Layout) -> ConvAlgorithm:
        """Choose the method of the convolution that comes next."""
        layer = rest[0].layer
        assert isinstance(layer, Conv2D)
        window = layer.window
        if not self._wide:
            _, taken = self._fold(rest)
            pool, _, _ = _pool_and_relu(rest, taken)
            possible = Toeplitz.phases_that_fit(window, shape, pool)
            if isinstance(layout, BatchLast) and layout.phases in possible:
                return Toeplitz(window, shape, layer.filters, layout.phases)
            possible = [phases for phases in possible if phases <= _MOST_PHASES]
            if possible:
                return Toeplitz(window, shape, layer.filters, possible[0])
        if Winograd.fits(window) and shape[2] >= 8 and layer.filters >= 8:
            return Winograd(window, shape, layer.filters)
        return Im2col(window, shape, layer.filters)

    def _fold(self, rest: Sequence[Link]) -> tuple[Fold | None, int]:
        """The batch normalization right after the first layer, if it can be folded into it."""
        if not self._training and len(rest) > 1:
            norm = rest[1].layer
            if isinstance(norm, BatchNorm) and type(norm) is BatchNorm:
                return Fold(norm, norm.epsilon), 2
        return None, 1

    def _target(self, shape: Shape, layout: Layout, source: Value, learns: bool = False) -> Value:
        return Value(shape, layout, wants_gradient=learns or source.wants_gradient)

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


def is_wide(layers: Iterable[Link]) -> bool:
    """Whether a network's channels alone make its products large enough.

    Then the layout is `BatchInside`, and 3x3 convolutions go by Winograd. Else it is `BatchLast`.
    """
    convolutions = [
        layer for link in layers for _, layer in link.layer.walk() if isinstance(layer, Conv2D)
    ]
    return any(layer.filters >= _WIDE for layer in convolutions)


def _take_while(layers: Sequence[Link], kinds: tuple[type[Layer], ...]) -> list[Link]:
    taken = []
    for link in layers:
        if type(link.layer) not in kinds:
            break
        taken.append(link)
    return taken


def _is(layers: Sequence[Link], place: int, kind: type[Layer]) -> bool:
    return place < len(layers) and type(layers[place].layer) is kind


def _is_simple_pool(layer: Layer) -> bool:
    if not isinstance(layer, MaxPool2D):
        return False
    window = layer.window
    return window.size == window.stride == (2, 2) and window.padding == "valid"


def _pool_and_relu(layers: Sequence[Link], taken: int) -> tuple[bool, bool, int]:
    """Which of pooling and ReLU come next, in either order, and how many layers are taken then."""
    pool = relu = False
    while taken < len(layers):
        layer = layers[taken].layer
        if not relu and type(layer) is ReLU:
            relu = True
        elif not pool and type(layer) is MaxPool2D and _is_simple_pool(layer):
            pool = True
        else:
            break
        taken += 1
    return pool, relu, taken


def _settle_gradients(ops: Sequence[Op]) -> None:
    """Find out who writes each gradient, the first one in the backward pass, and who adds."""
    seen: set[int] = set()
    for op in reversed(ops):
        for place, source in enumerate(op.sources):
            op.adds[place] = id(source) in seen
            seen.add(id(source))
