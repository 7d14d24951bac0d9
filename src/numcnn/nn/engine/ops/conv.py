"""A convolution and what follows it: pooling, bias, ReLU, in the order that costs least.

`ConvAlgorithm` is one way to compute the products; there are three, each in a file of its own:
`numcnn.nn.engine.ops.conv_winograd`, `numcnn.nn.engine.ops.conv_toeplitz` and
`numcnn.nn.engine.ops.conv_im2col`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import final

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.engine.layouts import Layout
from numcnn.nn.engine.op import Binding, BoundOp, Op, Value
from numcnn.nn.engine.ops.max_pool import Cells, InPlaceMaxPool
from numcnn.nn.engine.ops.relu import InPlaceReLU
from numcnn.nn.engine.workspace import Workspace
from numcnn.nn.layers import Conv2D, Layer
from numcnn.nn.patches import Window

Task = Callable[[], None]


class ConvAlgorithm(ABC):
    """One way to compute ``y = convolution of x with W``, and the two products of its gradient.

    A method may leave its output, "raw", in an order of its own; `cells`, `aligned` and
    `aligned_pooled` say how that matches the target's array.

    Attributes:
        name: What a plan calls it.
        reason: Why a plan chooses it.
        image_shape: ``(H, W, C)`` of one input.
        output_shape: ``(rows, columns, filters)`` of one output, not pooled.
        source_layout: How the input has to lie.
        target_layout: How the output will lie, not pooled.
        pooled_layout: How the output will lie, pooled.
        raw_is_target: Whether raw, not pooled, is the target's array itself.
    """

    name: str
    reason: str
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
    def bind_forward(self, x: Array, raw: Array, workspace: Workspace) -> Task:
        """Fix the arrays of the forward pass."""

    @abstractmethod
    def bind_backward(
        self, x: Array, draw: Array, dx: Array | None, dweight: Array, workspace: Workspace
    ) -> Task:
        """Fix the arrays of the backward pass; ``dx`` is None if nobody wants it."""

    @abstractmethod
    def scratch(self, n: int) -> int:
        """Floats that are in use at once for ``n`` images."""

    @abstractmethod
    def weights(self) -> int:
        """Floats of the weight in the form that the products take."""

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
class ConvOp(Op):
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
        convolution: ConvAlgorithm,
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

    @property
    def reason(self) -> str:
        """The method's."""
        return self.convolution.reason

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

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        n = binding.micro_batch.size
        if self._has_bias and n not in self._bias:
            bias = np.zeros(self.convolution.filters, np.float32)
            self._bias[n] = self.target.layout.spread(bias, n).copy()
            self._seen = []
        return _BoundConv(self, binding, self._bias.get(n))

    def scratch(self, n: int) -> int:
        """What the method uses, and the arrays on both sides."""
        return super().scratch(n) + self.convolution.scratch(n)

    def weights(self) -> int:
        """As the method has them."""
        return self.convolution.weights()


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
class _BoundConv(BoundOp):
    def __init__(self, op: ConvOp, binding: Binding, bias: Array | None) -> None:
        method, n, workspace = op.convolution, binding.micro_batch.size, binding.workspace
        layout = op.target.layout
        x, y = op.sources[0].array(binding.micro_batch), op.target.array(binding.micro_batch)
        self._op, self._bias = op, bias
        self._lines = layout.lines(y)
        self._pooling: InPlaceMaxPool | None = None
        self._aligned: Array | None = None
        self._relu = InPlaceReLU(y) if op.relu else None

        workspace.reset()
        self._raw = self._raw_place(y, workspace, n)
        if op.pool:
            self._pooled = method.aligned_pooled(y, n)
            self._cells = method.cells(self._raw, n)
            self._pooling = InPlaceMaxPool(self._pooled.shape, binding.training)
        else:
            self._aligned = None if method.raw_is_target else method.aligned(y, n)
        self._unbiased = self._biased = self._lines
        if not op.pool and self._aligned is not None:
            # The copy from the method's order adds the bias on its way.
            self._unbiased, self._biased = self._raw, self._aligned
        self._convolve = method.bind_forward(x, self._raw, workspace)
        if op.pool:
            self._scratch = workspace.take(self._pooled.shape)

        if binding.training:
            workspace.reset()
            dy = op.target.gradient(binding.micro_batch)
            self._dy = dy
            self._drelu = self._relu and self._relu.bind_backward(dy, workspace)
            self._draw = self._raw_place(dy, workspace, n)
            if op.pool:
                self._dpooled = method.aligned_pooled(dy, n)
                self._dcells = method.cells(self._draw, n)
                self._dscratch = workspace.take(self._pooled.shape)
                # Cells that are in no window get no gradient from anybody.
                self._uncovered = sum(cell.size for cell in self._dcells) < self._draw.size
            elif not method.raw_is_target:
                self._daligned = method.aligned(dy, n)
            self._dx = op.source_gradient(binding)
            self._dweight = binding.parameter_gradient(op.layer, "weight")
            self._dbias = (
                binding.parameter_gradient(op.layer, "bias") if op.layer.use_bias else None
            )
            self._derive = method.bind_backward(
                x, self._draw, self._dx and self._dx.array, self._dweight.array, workspace
            )

    def _raw_place(self, y: Array, workspace: Workspace, n: int) -> Array:
        method = self._op.convolution
        shape = method.raw_shape(n)
        if method.raw_is_target and not self._op.pool:
            return y.reshape(shape)
        return workspace.take(shape)

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
            filters = self._op.convolution.filters
            self._dbias.array[...] = self._op.target.layout.channel_sums(self._dy, filters)
            self._dbias.done()
        if self._pooling is not None:
            if self._uncovered:
                self._draw.fill(0)
            self._pooling.backward(self._dpooled, self._dcells, self._dscratch)
        elif not self._op.convolution.raw_is_target:
            np.copyto(self._draw, self._daligned)
        self._derive()
        self._dweight.done()
        if self._dx is not None:
            self._dx.done()
