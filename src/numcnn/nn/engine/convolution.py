"""A convolution and what follows it: pooling, bias, ReLU, in the order that costs least.

`ConvolutionMethod` is one way to compute the products; there are three, each in a file of its own:
`numcnn.nn.engine.winograd`, `numcnn.nn.engine.blocked` and `numcnn.nn.engine.patches`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import final

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.engine.arena import Arena
from numcnn.nn.engine.layouts import Layout
from numcnn.nn.engine.pooling import Cells, MaxPooling
from numcnn.nn.engine.rectifier import Rectifier
from numcnn.nn.engine.stage import Bench, Job, Stage, Value
from numcnn.nn.layers import Conv2D, Layer
from numcnn.nn.patches import Window

Task = Callable[[], None]


class ConvolutionMethod(ABC):
    """One way to compute ``y = convolution of x with W``, and the two products of its gradient.

    A method may leave its output, "raw", in an order of its own; `cells`, `aligned` and
    `aligned_pooled` say how that matches the target's array.

    Attributes:
        name: What a plan calls it.
        image_shape: ``(H, W, C)`` of one input.
        output_shape: ``(rows, columns, filters)`` of one output, not pooled.
        source_layout: How the input has to lie.
        target_layout: How the output will lie, not pooled.
        pooled_layout: How the output will lie, pooled.
        raw_is_target: Whether raw, not pooled, is the target's array itself.
    """

    name: str
    source_layout: Layout
    target_layout: Layout
    pooled_layout: Layout
    raw_is_target: bool = True

    def __init__(self, window: Window, image_shape: Shape, filters: int) -> None:
        self.window = window
        self.image_shape = image_shape
        self.output_shape = (*window.positions(image_shape), filters)
        (self.top, _), (self.left, _) = window.margins(image_shape)

    @property
    def channels(self) -> int:
        """Of the input."""
        return self.image_shape[2]

    @property
    def filters(self) -> int:
        """Channels of the output."""
        return self.output_shape[2]

    @property
    def pooled_shape(self) -> Shape:
        """``(rows, columns, filters)`` after 2x2 pooling."""
        return self.output_shape[0] // 2, self.output_shape[1] // 2, self.filters

    @abstractmethod
    def prepare(self, weight: Array) -> None:
        """Bring the weight ``(kh, kw, channels, filters)`` into the form that the products take."""

    @abstractmethod
    def raw_shape(self, n: int) -> tuple[int, ...]:
        """The shape of raw for ``n`` images."""

    @abstractmethod
    def cells(self, raw: Array, n: int) -> Cells:
        """View raw as the cells of 2x2 windows."""

    @abstractmethod
    def aligned(self, target: Array, n: int) -> Array:
        """View the target's array in the order of raw."""

    @abstractmethod
    def aligned_pooled(self, target: Array, n: int) -> Array:
        """View the pooled target's array in the order of `cells`."""

    @abstractmethod
    def bind_forward(self, x: Array, raw: Array, arena: Arena) -> Task:
        """Fix the arrays of the forward pass."""

    @abstractmethod
    def bind_backward(
        self, x: Array, draw: Array, dx: Array | None, dweight: Array, arena: Arena
    ) -> Task:
        """Fix the arrays of the backward pass; ``dx`` is None if nobody wants it."""

    @abstractmethod
    def scratch(self, n: int) -> int:
        """Floats that are in use at once for ``n`` images."""

    @abstractmethod
    def multiply_adds(self) -> int:
        """Multiply-adds of the products for one image, forward."""

    def zeroed_margins(self, padded: Array, rows: int, columns: int) -> list[Array]:
        """The margins of a padded array whose first two axes are rows and columns.

        Scratch memory comes with somebody else's numbers in it, so they are zeroed each time.
        """
        top, left = self.top, self.left
        views = [
            padded[:top],
            padded[top + rows :],
            padded[top : top + rows, :left],
            padded[top : top + rows, left + columns :],
        ]
        return [view for view in views if view.size]


@final
class ConvolutionStage(Stage):
    """Convolution, 2x2 maximum pooling, bias, ReLU; each but the first may be absent.

    Pooling comes first because it commutes with the other two: they are monotone and the same for
    all cells of a window.

    Attributes:
        layer: The convolution.
        pool: Whether there is pooling.
        relu: Whether there is ReLU.
    """

    def __init__(
        self,
        names: Sequence[str],
        source: Value,
        target: Value,
        layer: Conv2D,
        convolution: ConvolutionMethod,
        *,
        pool: bool,
        relu: bool,
        fold: "Fold | None" = None,
    ) -> None:
        super().__init__(names, [source], target)
        self.layer = layer
        self.convolution = convolution
        self.pool = pool
        self.relu = relu
        self._fold = fold
        self._has_bias = layer.use_bias or fold is not None
        self._bias: dict[int, Array] = {}
        self._seen: list[Array] = []

    @property
    def method(self) -> str:
        """The convolution's method, and what is done with it."""
        return " + ".join(
            [self.convolution.name]
            + ["fold BN"] * (self._fold is not None)
            + ["pool"] * self.pool
            + ["bias"] * self._has_bias
            + ["ReLU"] * self.relu
        )

    def prepare(self, ctx: Context, count: int) -> None:
        """Transform the weight, unless it is the one of last time."""
        now = [*self.layer.params.values()]
        if self._fold is not None:
            now += [*self._fold.norm.params.values(), *self._fold.norm.state.values()]
        if not ctx.training:
            if self._seen and all(map(np.array_equal, now, self._seen)):
                return
            self._seen = [array.copy() for array in now]
        weight = self.layer.params["weight"]
        bias = self.layer.params.get("bias")
        if self._fold is not None:
            weight, bias = self._fold.apply(weight, bias)
        self.convolution.prepare(weight)
        if bias is not None:
            for n, spread in self._bias.items():
                spread[...] = self.target.layout.spread(bias, n)

    def bind(self, bench: Bench) -> Job:
        """Fix the arrays."""
        n = bench.piece.size
        if self._has_bias and n not in self._bias:
            bias = np.zeros(self.convolution.filters, np.float32)
            self._bias[n] = self.target.layout.spread(bias, n).copy()
            self._seen = []
        return _ConvolutionJob(self, bench, self._bias.get(n))

    def scratch(self, n: int) -> int:
        """What the method uses, and the arrays on both sides."""
        return super().scratch(n) + self.convolution.scratch(n)


@final
class Fold:
    """Batch normalization, at inference a scale and a shift, folded into the weights before it.

    ::

        gamma (x W + b - mean) / deviation + beta = x (W s) + (b - mean) s + beta,
        s = gamma / deviation
    """

    def __init__(self, norm: "Layer", epsilon: float) -> None:
        self.norm = norm
        self._epsilon = epsilon

    def scale_shift(self) -> tuple[Array, Array]:
        """``s`` and ``beta - mean s``."""
        params, state = self.norm.params, self.norm.state
        scale = params["gamma"] / np.sqrt(state["variance"] + np.float32(self._epsilon))
        return scale, params["beta"] - state["mean"] * scale

    def apply(self, weight: Array, bias: Array | None) -> tuple[Array, Array]:
        """Return the weight and the bias that contain the normalization."""
        scale, shift = self.scale_shift()
        return weight * scale, shift if bias is None else bias * scale + shift


@final
class _ConvolutionJob(Job):
    def __init__(self, stage: ConvolutionStage, bench: Bench, bias: Array | None) -> None:
        method, n, arena = stage.convolution, bench.piece.size, bench.arena
        layout = stage.target.layout
        x, y = stage.sources[0].array(bench.piece), stage.target.array(bench.piece)
        self._stage, self._bias = stage, bias
        self._lines = layout.lines(y)
        self._pooling: MaxPooling | None = None
        self._aligned: Array | None = None
        self._relu = Rectifier(y) if stage.relu else None

        arena.reset()
        self._raw = self._raw_place(y, arena, n)
        if stage.pool:
            self._pooled = method.aligned_pooled(y, n)
            self._cells = method.cells(self._raw, n)
            self._pooling = MaxPooling(self._pooled.shape, bench.training)
        else:
            self._aligned = None if method.raw_is_target else method.aligned(y, n)
        self._unbiased = self._biased = self._lines
        if not stage.pool and self._aligned is not None:
            # The copy from the method's order adds the bias on its way.
            self._unbiased, self._biased = self._raw, self._aligned
        self._convolve = method.bind_forward(x, self._raw, arena)
        if stage.pool:
            self._scratch = arena.take(self._pooled.shape)

        if bench.training:
            arena.reset()
            dy = stage.target.gradient(bench.piece)
            self._dy = dy
            self._drelu = self._relu and self._relu.bind_backward(dy, arena)
            self._draw = self._raw_place(dy, arena, n)
            if stage.pool:
                self._dpooled = method.aligned_pooled(dy, n)
                self._dcells = method.cells(self._draw, n)
                self._dscratch = arena.take(self._pooled.shape)
                # Cells that are in no window get no gradient from anybody.
                self._uncovered = sum(cell.size for cell in self._dcells) < self._draw.size
            elif not method.raw_is_target:
                self._daligned = method.aligned(dy, n)
            self._dx = stage.source_sink(bench)
            self._dweight = bench.parameter_sink(stage.layer, "weight")
            self._dbias = (
                bench.parameter_sink(stage.layer, "bias") if stage.layer.use_bias else None
            )
            self._derive = method.bind_backward(
                x, self._draw, self._dx and self._dx.array, self._dweight.array, arena
            )

    def _raw_place(self, y: Array, arena: Arena, n: int) -> Array:
        method = self._stage.convolution
        shape = method.raw_shape(n)
        if method.raw_is_target and not self._stage.pool:
            return y.reshape(shape)
        return arena.take(shape)

    def forward(self) -> None:
        self._convolve()
        if self._pooling is not None:
            self._pooling.forward(self._cells, self._pooled, self._scratch)
        if self._bias is not None:
            np.add(self._unbiased, self._bias, out=self._biased)
        elif self._aligned is not None:
            np.copyto(self._aligned, self._raw)
        if self._relu is not None:
            self._relu.forward()

    def backward(self) -> None:
        if self._drelu is not None:
            self._drelu.run()
        if self._dbias is not None:
            filters = self._stage.convolution.filters
            self._dbias.array[...] = self._stage.target.layout.channel_sums(self._dy, filters)
            self._dbias.done()
        if self._pooling is not None:
            if self._uncovered:
                self._draw.fill(0)
            self._pooling.backward(self._dpooled, self._dcells, self._dscratch)
        elif not self._stage.convolution.raw_is_target:
            np.copyto(self._draw, self._daligned)
        self._derive()
        self._dweight.done()
        if self._dx is not None:
            self._dx.done()
