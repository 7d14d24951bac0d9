"""A convolution and what follows it: pooling, bias, ReLU, in the order that costs least.

`ConvAlgorithm` is one way to compute the products; there are four, each in a file of its own:
`conv_winograd`, `conv_toeplitz`, `conv_rows` and `conv_im2col`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

import numpy as np

from numcnn.engine.layouts import Layout
from numcnn.engine.op import Binding, BoundOp, Op, Value
from numcnn.engine.ops.batch_norm_fold import Fold, arrays_behind
from numcnn.engine.ops.max_pool import Cells, InPlaceMaxPool
from numcnn.engine.ops.relu import InPlaceReLU
from numcnn.engine.snapshot import Snapshot
from numcnn.engine.threads import Task
from numcnn.engine.workspace import Workspace
from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.layers import Conv2D
from numcnn.nn.patches import Window


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
        matrix: What the patches of an image are multiplied with, if it computes so.
        patches: How many of them an image has.
    """

    name: str
    reason: str
    source_layout: Layout
    target_layout: Layout
    pooled_layout: Layout
    raw_is_target: bool = True
    matrix: Array
    patches: int

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

    def aligned(self, target: Array, n: int) -> Array:
        """View the target's array in the order of raw."""
        return target.reshape(self.raw_shape(n))

    @abstractmethod
    def aligned_pooled(self, target: Array, n: int) -> Array:
        """View the pooled target's array in the order of `cells`."""

    @abstractmethod
    def bind_forward(self, x: Array, raw: Array, workspace: Workspace) -> Task:
        """Fix the arrays of the forward pass."""

    def bind_backward(
        self, x: Array, draw: Array, dx: Array | None, dweight: Array | None, workspace: Workspace
    ) -> Task:
        """Fix the arrays of the backward pass; ``dx`` and ``dweight`` are None if not wanted."""
        raise NotImplementedError(f"{self.name} is for inference alone")

    def scratch(self, n: int) -> int:
        """Floats that are in use at once for ``n`` images."""
        return n * self.patches * len(self.matrix)

    def weights(self) -> int:
        """Floats of the weight in the form that the products take."""
        return self.matrix.size

    def macs(self) -> int:
        """Multiply-accumulates of the products for one image, forward."""
        return self.patches * self.matrix.size

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
        poolings: Each micro-batch's pooling, by where it starts.
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
        fold: Fold | None = None,
    ) -> None:
        super().__init__(names, [source], target)
        self.layer = layer
        self.convolution = convolution
        self.pool = pool
        self.relu = relu
        self._fold = fold
        self._has_bias = layer.use_bias or fold is not None
        self._bias: dict[int, Array] = {}
        self._snapshot = Snapshot()
        self.poolings: dict[int, InPlaceMaxPool] = {}

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
        """Fold, and bring the weight into its form, unless the arrays are those of last time."""
        # In training they never are.
        if not ctx.training and not self._snapshot.update(arrays_behind(self.layer, self._fold)):
            return
        weight = self.layer.params["weight"]
        bias = self.layer.params.get("bias")
        if self._fold is not None:
            weight, bias = self._fold.apply(weight, bias)
        self.convolution.prepare(weight)
        if bias is not None:
            for n, spread in self._bias.items():
                spread[...] = self._spread(bias, n)

    def macs(self) -> int:
        """As the method multiplies."""
        return self.convolution.macs()

    def scratch(self, n: int) -> int:
        """What the method uses, and the arrays on both sides."""
        return super().scratch(n) + self.convolution.scratch(n)

    def weights(self) -> int:
        """As the method has them."""
        return self.convolution.weights()

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        method, layout, workspace = self.convolution, self.target.layout, binding.workspace
        micro_batch, n = binding.micro_batch, binding.micro_batch.size
        x, y = self.sources[0].array(micro_batch), self.target.array(micro_batch)
        bias = self._spread_bias(n)
        relu = InPlaceReLU(y) if self.relu else None
        pooling: InPlaceMaxPool | None = None
        # Where the method's output is not the target itself: that, seen in the method's order.
        aligned: Array | None = None

        workspace.reset()
        raw = self._raw_place(y, workspace, n)
        unbiased = biased = layout.lines(y)
        if self.pool:
            pooled, cells = method.aligned_pooled(y, n), method.cells(raw, n)
            pooling = InPlaceMaxPool(pooled.shape, binding.training)
            self.poolings[micro_batch.start] = pooling
        elif not method.raw_is_target:
            # The copy from the method's order adds the bias on its way.
            aligned = method.aligned(y, n)
            unbiased, biased = raw, aligned
        convolve = method.bind_forward(x, raw, workspace)
        if self.pool:
            scratch = workspace.take(pooled.shape)

        def forward() -> None:
            convolve()
            if pooling is not None:
                pooling.forward(cells, pooled, scratch)
            if bias is not None:
                np.add(unbiased, bias, out=biased)
            elif aligned is not None:
                np.copyto(aligned, raw)
            if relu is not None:
                relu.forward()

        if not binding.training:
            return BoundOp(forward)

        workspace.reset()
        dy = self.target.gradient(micro_batch)
        drelu = relu and relu.bind_backward(dy, workspace)
        draw = self._raw_place(dy, workspace, n)
        if self.pool:
            dpooled, dcells = method.aligned_pooled(dy, n), method.cells(draw, n)
            dscratch = workspace.take(pooled.shape)
            # Cells that are in no window get no gradient from anybody.
            uncovered = sum(cell.size for cell in dcells) < draw.size
        daligned = None if aligned is None else method.aligned(dy, n)
        dx = self.source_gradient(binding)
        learns, has_bias = self.layer.trainable, self.layer.trainable and self.layer.use_bias
        dweight = binding.parameter_gradient(self.layer, "weight") if learns else None
        dbias = binding.parameter_gradient(self.layer, "bias") if has_bias else None
        derive = method.bind_backward(
            x, draw, dx and dx.array, dweight and dweight.array, workspace
        )

        def backward() -> None:
            if drelu is not None:
                drelu.run()
            if dbias is not None:
                dbias.array[...] = layout.channel_sums(dy, method.filters)
                dbias.done()
            if pooling is not None:
                if uncovered:
                    draw.fill(0)
                pooling.backward(dpooled, dcells, dscratch)
            elif daligned is not None:
                np.copyto(draw, daligned)
            derive()
            if dweight is not None:
                dweight.done()
            if dx is not None:
                dx.done()

        return BoundOp(forward, backward)

    def _spread_bias(self, n: int) -> Array | None:
        """The bias for micro-batches of ``n``, as the target lies; `prepare` fills it in."""
        if self._has_bias and n not in self._bias:
            bias = np.zeros(self.convolution.filters, np.float32)
            self._bias[n] = self._spread(bias, n).copy()
            self._snapshot.forget()
        return self._bias.get(n)

    def _spread(self, bias: Array, n: int) -> Array:
        # In a method's own order, only the filters of all images are sure to lie side by side.
        if not self.pool and not self.convolution.raw_is_target:
            return np.tile(bias, n)
        return self.target.layout.spread(bias, self.target.shape, n)

    def _raw_place(self, y: Array, workspace: Workspace, n: int) -> Array:
        shape = self.convolution.raw_shape(n)
        if self.convolution.raw_is_target and not self.pool:
            return y.reshape(shape)
        return workspace.take(shape)
