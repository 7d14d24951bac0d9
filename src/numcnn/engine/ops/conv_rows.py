"""Convolution of one image with few channels: whole stretches of a row in one product.

`numcnn.engine.ops.conv_toeplitz` makes its runs in memory of the images of a batch. One image alone
has none, and its patches would be copied three or four numbers at a time. But a row of the image is
a run itself: a patch for ``F`` neighboring output columns is ``kh`` runs of ``(F + kw - 1) C``
numbers as they lie, and the Toeplitz matrix is the same, with its axes in another order::

    T[i, j, c, p, f] = W[i, j - p, c, f]    where 0 <= j - p < kw, else 0        (p: which column)
    y[p, f] = sum over i, j, c of  x[i, j, c] T[i, j, c, p, f]

More columns mean longer runs and fewer of them, and more zeros to multiply with; `_cost` weighs the
two. Where pooling follows, the even columns come first and the odd ones after them: the two sides
of a pair are then two halves of a row.
"""

from typing import final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from numcnn.engine.layouts import BatchInside
from numcnn.engine.ops.conv import ConvAlgorithm
from numcnn.engine.ops.max_pool import Cells
from numcnn.engine.threads import Task
from numcnn.engine.workspace import Workspace
from numcnn.nn.arrays import Array, Shape
from numcnn.nn.patches import Window

_COPIED_RUN, _POOLED_RUN, _FLOAT, _MULTIPLY_ADD = 5.0, 15.0, 0.1, 1 / 60
"""Nanoseconds of a run that is copied, of one that is pooled, of each float in it, and of a
multiply-add in a product whose columns fill the registers. Constants: all machines choose alike."""

_REGISTER = 16
"""Columns of a product come in multiples of so many; the others are computed for nothing."""


@final
class Rows(ConvAlgorithm):
    """``F`` output columns of one image at a time, for inference; stride 1.

    Attributes:
        columns: ``F``, a divisor of the output's width.
    """

    reason = "one image: its rows are the runs, and several columns fill the processor's registers"
    source_layout = target_layout = pooled_layout = BatchInside()

    def __init__(
        self, window: Window, image_shape: Shape, filters: int, *, pool: bool = False
    ) -> None:
        super().__init__(window, image_shape, filters)
        self._sides = 2 if pool else 1
        # What no window of the pooling has is not computed.
        self._rows, width = (side // self._sides * self._sides for side in self.output_shape[:2])
        possible = [n for n in range(self._sides, width + 1, self._sides) if width % n == 0]
        self.columns = min(possible, key=lambda columns: self._cost(columns, width))
        self.name = f"rows, {self.columns} columns" if self.columns > 1 else "rows"
        self._blocks, reach = width // self.columns, self.columns + window.size[1] - 1
        self._padded = (
            max(self.top + image_shape[0], self._rows + window.size[0] - 1),
            max(self.left + image_shape[1], width + window.size[1] - 1),
        )
        self._toeplitz = np.zeros(
            (window.size[0], reach, self.channels, self.columns, filters), np.float32
        )
        self.matrix = self._toeplitz.reshape(-1, self.columns * filters)
        self.patches = self._rows * self._blocks

    def _cost(self, columns: int, width: int) -> float:
        """Nanoseconds for one row, roughly."""
        (runs, reach), outputs = self.window.size, columns * self.filters
        run = (columns + reach - 1) * self.channels
        filled = -(-outputs // _REGISTER) * _REGISTER
        each = runs * (_COPIED_RUN + _FLOAT * run + _MULTIPLY_ADD * run * filled)
        if self._sides == 2:
            each += 1.5 * (_POOLED_RUN + _FLOAT * outputs / 2)
        return width // columns * each

    def prepare(self, weight: Array) -> None:
        """Write the filters into the Toeplitz matrix, shifted by 0 to F - 1 columns."""
        pairs = self.columns // self._sides
        row, right, channel, place, one = self._toeplitz.strides
        shape = pairs, self._sides, *weight.shape
        strides = self._sides * right + place, right + pairs * place, row, right, channel, one
        np.copyto(as_strided(self._toeplitz, shape, strides), weight)

    def raw_shape(self, n: int) -> tuple[int, ...]:
        """Rows of blocks of columns; of each block the even columns, then the odd ones."""
        return self._rows, self._blocks, self._sides, self.columns // self._sides, self.filters

    def cells(self, raw: Array, n: int) -> Cells:
        """Even and odd columns of even and odd rows."""
        even, odd = raw[0::2], raw[1::2]
        return Cells(even[:, :, 0], even[:, :, 1], odd[:, :, 0], odd[:, :, 1])

    def aligned_pooled(self, target: Array, n: int) -> Array:
        """The pooled target's columns cut into blocks."""
        return target.reshape(self._rows // 2, self._blocks, self.columns // 2, self.filters)

    def bind_forward(self, x: Array, raw: Array, workspace: Workspace) -> Task:
        """``y = P T``."""
        source = inside = x
        if x.shape[:2] != self._padded:
            # The margins are zeroed once: this memory is nobody else's, and one image is little.
            source = np.zeros((*self._padded, 1, self.channels), np.float32)
            inside = source[self.top :, self.left :][: x.shape[0], : x.shape[1]]
        row, column, _, one = source.strides
        kernel_height, reach = self._toeplitz.shape[:2]
        shape = self._rows, self._blocks, kernel_height, reach * self.channels
        windows = as_strided(source, shape, (row, self.columns * column, row, one))
        patches = workspace.take(shape)
        matrix, flat = self.matrix, patches.reshape(-1, len(self.matrix))
        outputs = raw.reshape(len(flat), -1)

        def run() -> None:
            if inside is not x:
                np.copyto(inside, x)
            np.copyto(patches, windows)
            np.dot(flat, matrix, out=outputs)

        return run
