"""Convolution with few channels: several output columns in one product.

A product with 6 filters has 6 columns, and a processor that works on 16 or more numbers at a time
is mostly idle. But ``F`` neighbouring output columns see almost the same input: together they look
at ``F + kw - 1`` input columns instead of ``kw``. A matrix that holds the filter ``F`` times, each
time shifted by one column and with zeros elsewhere (a Toeplitz matrix), makes ``F`` columns of all
filters at once::

    T[c, i, j, f, p] = W[i, j - p, c, f]    where 0 <= j - p < kw, else 0        (p: which column)
    y[f, p] = sum over c, i, j of  T[c, i, j, f, p] x[c, i, j]

The zeros cost ``(F + kw - 1) / kw`` times the multiplications, and the product is several times as
wide. It is a convolution with a wider window that moves by ``F`` columns, so everything else is as
always: patches, a product, and their adjoints; the gradient of a weight is the sum over its places
in ``T``.

The images lie as `BatchLast`: with the columns split into ``F`` phases, the patches' planes are
copied whole, and pooling halves the phases.
"""

from typing import final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from numcnn.engine.layouts import BatchLast
from numcnn.engine.ops.conv import ConvAlgorithm
from numcnn.engine.ops.max_pool import Cells, image_cells
from numcnn.engine.threads import Task
from numcnn.engine.workspace import Workspace
from numcnn.nn.arrays import Array, Shape
from numcnn.nn.patches import Window

_LEAST_WIDTH, _MOST_WIDTH = 32, 64
"""Columns of a product of its own: BLAS multiplies such small ones as they lie, without copying."""


@final
class Toeplitz(ConvAlgorithm):
    """``F`` output columns at a time; stride 1.

    Attributes:
        phases: ``F``. The output's width is a multiple of it, and so is the input's.
    """

    name = "Toeplitz"
    reason = "few filters: several output columns in one product fill the processor's registers"

    def __init__(self, window: Window, image_shape: Shape, filters: int, phases: int) -> None:
        super().__init__(window, image_shape, filters)
        self.phases = phases
        if phases > 1:
            self.name = f"Toeplitz, {phases} columns"
        else:
            self.name = "im2col, batch last"
            self.reason = "few filters, and a width that does not divide: images side by side"
        self.source_layout = self.target_layout = BatchLast(phases)
        # Pairs of phases, or, if there is one phase only, pairs of blocks.
        self.pooled_layout = BatchLast(max(phases // 2, 1))
        kernel_height, kernel_width = window.size
        self._reach = phases + kernel_width - 1
        rows, columns, _ = self.output_shape
        self._blocks = columns // phases
        # The input's height and blocks, with margins.
        self._padded = rows + kernel_height - 1, self._blocks + -(-self._reach // phases) - 1
        self._toeplitz = np.zeros(
            (self.channels, kernel_height, self._reach, filters, phases), np.float32
        )
        self.matrix = self._toeplitz.reshape(-1, filters * phases)
        self.patches = rows * self._blocks

    @staticmethod
    def phases_that_fit(window: Window, image_shape: Shape, pooled: bool) -> list[int]:
        """Which numbers of columns are possible; empty if none is, since the stride is not 1."""
        if window.stride != (1, 1):
            return []
        _, columns = window.positions(image_shape)
        return [
            phases
            for phases in (8, 4, 2, 1)
            if columns % phases == 0 == image_shape[1] % phases
            and (phases > 1 or not pooled or columns > 1)
        ]

    def prepare(self, weight: Array) -> None:
        """Write the filters into the Toeplitz matrix, shifted by 0 to F - 1 columns."""
        planes = weight.transpose(2, 0, 1, 3)
        for phase in range(self.phases):
            np.copyto(self._toeplitz[:, :, phase : phase + weight.shape[1], :, phase], planes)

    def raw_shape(self, n: int) -> tuple[int, ...]:
        """The target's own."""
        return self.filters, self.phases, self.output_shape[0], self._blocks, n

    def cells(self, raw: Array, n: int) -> Cells:
        """Even and odd phases of even and odd rows."""
        rows, columns, _ = self.pooled_shape
        if self.phases == 1:
            return image_cells(raw, 2, 3, rows, columns)
        return image_cells(raw, 2, 1, rows, self.phases // 2)

    def aligned_pooled(self, target: Array, n: int) -> Array:
        """The pooled target itself."""
        return target

    def bind_forward(self, x: Array, raw: Array, workspace: Workspace) -> Task:
        """``y = T^T P``, for some images of one place at a time if there are enough of them."""
        matrix_t = self.matrix.T
        outputs: Array = raw.reshape(self.filters * self.phases, -1)
        width = _product_width(x.shape[4])
        cut, patches = self._bind_cut(x, workspace, width)
        if width:
            outputs = outputs.reshape(len(outputs), -1, width).transpose(1, 0, 2)

        def run() -> None:
            cut()
            np.matmul(matrix_t, patches, out=outputs)

        return run

    def bind_backward(
        self, x: Array, draw: Array, dx: Array | None, dweight: Array | None, workspace: Workspace
    ) -> Task:
        """``dT = P dy^T``, ``dP = T dy``; ``dW`` and ``dx`` collect them."""
        n = x.shape[4]
        kernel_height, kernel_width = self.window.size
        douts = draw.reshape(self.filters * self.phases, -1)
        douts_t = douts.T
        cut, patches = self._bind_cut(x, workspace)
        dtoeplitz = workspace.take(self._toeplitz.shape)
        flat_dtoeplitz = dtoeplitz.reshape(self.matrix.shape)
        parts = [
            dtoeplitz[:, :, phase : phase + kernel_width, :, phase].transpose(1, 2, 0, 3)
            for phase in range(self.phases)
        ]

        def weights() -> None:
            if dweight is None:
                return
            cut()
            np.matmul(patches, douts_t, out=flat_dtoeplitz)
            np.copyto(dweight, parts[0])
            for part in parts[1:]:
                np.add(dweight, part, out=dweight)

        if dx is None:
            return weights

        rows = self.output_shape[0]
        # The patches are used up; their gradient takes their place.
        dpatches = patches.reshape(self.channels, kernel_height, self._reach, rows, self._blocks, n)
        padded = workspace.take((self.channels, self.phases, *self._padded, n))
        places = []
        for i in range(kernel_height):
            for block, begin in enumerate(range(0, self._reach, self.phases)):
                end = min(begin + self.phases, self._reach)
                place = padded[:, : end - begin, i : i + rows, block : block + self._blocks]
                places.append((place, dpatches[:, i, begin:end]))
        insides = self._insides(padded, dx)

        def both() -> None:
            weights()
            np.matmul(self.matrix, douts, out=patches)
            padded.fill(0)
            for place, gradient in places:
                np.add(place, gradient, out=place)
            for inside, target in insides:
                np.copyto(target, inside)

        return both

    def _insides(self, padded: Array, image: Array) -> list[tuple[Array, Array]]:
        """Pairs of views: where the image stands in the padded array, phase by phase.

        A left margin moves columns to other phases: column ``w`` of the image is ``w + left``
        of the padded one.
        """
        height, blocks = image.shape[2], image.shape[3]
        pairs = []
        for phase in range(self.phases):
            block, shifted = divmod(phase + self.left, self.phases)
            rows = slice(self.top, self.top + height)
            pairs.append((padded[:, shifted, rows, block : block + blocks], image[:, phase]))
        if self.left % self.phases == 0:
            block = self.left // self.phases
            return [(padded[:, :, self.top : self.top + height, block : block + blocks], image)]
        return pairs

    def _bind_cut(self, x: Array, workspace: Workspace, width: int = 0) -> tuple[Task, Array]:
        """The patches, and how to fill them.

        ``(C * kh * (F + kw - 1), rows * blocks * n)``, or with a width, cut into as many products:
        ``(rows * blocks * n / width, C * kh * (F + kw - 1), width)``.
        """
        n = x.shape[4]
        source = x
        insides: list[tuple[Array, Array]] = []
        if x.shape[2:4] != self._padded:
            source = workspace.take((self.channels, self.phases, *self._padded, n))
            insides = self._insides(source, x)
        window = (self.channels, self.window.size[0], self._reach)
        places = (self.output_shape[0], self._blocks)
        flat: tuple[int, ...]
        if width:
            patches = workspace.take((*places, n // width, *window, width))
            by_window = patches.transpose(3, 4, 5, 0, 1, 2, 6)
            flat = (-1, len(self.matrix), width)
        else:
            width = n
            patches = workspace.take((*window, *places, n))
            by_window = patches[..., None, :]
            flat = (len(self.matrix), -1)
        channel, phase, down, across, image = source.strides
        copies = []
        for block, begin in enumerate(range(0, self._reach, self.phases)):
            end = min(begin + self.phases, self._reach)
            windows = as_strided(
                source[:, :, :, block:],
                (*window[:2], end - begin, *places, n // width, width),
                (channel, down, phase, down, across, width * image, image),
            )
            copies.append((by_window[:, :, begin:end], windows))

        def cut() -> None:
            if insides:
                source.fill(0)
                for inside, part in insides:
                    np.copyto(inside, part)
            for place, windows in copies:
                np.copyto(place, windows)

        return cut, patches.reshape(flat)


def _product_width(n: int) -> int:
    """The largest good divisor of a micro-batch's images; 0 if there is none."""
    fitting = range(min(n, _MOST_WIDTH), _LEAST_WIDTH - 1, -1)
    return next((width for width in fitting if n % width == 0), 0)
