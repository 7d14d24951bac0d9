"""Convolution of one image with few channels: whole stretches of a row in one product.

`numcnn.engine.ops.conv_toeplitz` makes its runs in memory of the images of a batch. One image alone
has none, and its patches would be copied three or four numbers at a time. But a row of the image is
a run itself: a patch for ``F`` neighboring output columns is ``kh`` runs of ``(F + kw - 1) C``
numbers as they lie, and the Toeplitz matrix is the same, with its axes in another order::

    T[i, j, c, p, f] = W[i, j - p, c, f]    where 0 <= j - p < kw, else 0        (p: which column)
    y[p, f] = sum over i, j, c of  x[i, j, c] T[i, j, c, p, f]

More columns mean longer runs and fewer of them, and more zeros to multiply with; `Stretch` knows
what both cost. Where pooling follows, the even columns come first and the odd ones after them: the
two sides of a pair are then two halves of a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from numcnn.engine.layouts import Layout, OneImage
from numcnn.engine.ops.conv import ConvAlgorithm
from numcnn.engine.ops.max_pool import Cells
from numcnn.engine.threads import Task
from numcnn.engine.workspace import Workspace
from numcnn.nn.arrays import Array, Shape
from numcnn.nn.patches import Window

_COPIED_RUN, _POOLED_RUN, _FLOAT = 5.0, 15.0, 0.1
"""Nanoseconds of a run that is copied, of one that is pooled, and of each float in it: measured."""

_MULTIPLY_ADD = 1 / 60
"""Nanoseconds of one, where the product's columns fill the registers."""

_REGISTER = 16
"""Columns of a product come in multiples of so many; the others are computed for nothing."""


@final
@dataclass(frozen=True)
class Stretch:
    """``F`` columns of an output of ``rows`` and ``width`` at once, and what they cost.

    Attributes:
        columns: ``F``, a divisor of the width.
        patches: How many there are in the image.
        runs: In each of them, ``kh``.
        run: Numbers in each run.
        outputs: Numbers that a patch is multiplied into.
    """

    columns: int
    patches: int
    runs: int
    run: int
    outputs: int

    def cost(self, pool: bool) -> float:
        """Nanoseconds, roughly: from constants, since the choice decides the last bits."""
        filled = -(-self.outputs // _REGISTER) * _REGISTER
        copying = self.runs * (_COPIED_RUN + _FLOAT * self.run)
        multiplying = _MULTIPLY_ADD * self.runs * self.run * filled
        pooling = 1.5 * (_POOLED_RUN + _FLOAT * self.outputs / 2)
        return self.patches * (copying + multiplying + pool * pooling)


@final
class Rows(ConvAlgorithm):
    """``F`` output columns of one image at a time, for inference; stride 1."""

    reason = "one image: its rows are the runs, and several columns fill the processor's registers"

    def __init__(
        self,
        window: Window,
        image_shape: Shape,
        filters: int,
        target_layout: Layout | None = None,
        *,
        pool: bool = False,
    ) -> None:
        super().__init__(window, image_shape, filters)
        self.source_layout = OneImage(image_shape[1])
        self.target_layout = target_layout or OneImage(self.output_shape[1])
        self.pooled_layout = target_layout or OneImage(self.pooled_shape[1])
        self._sides = 2 if pool else 1
        # What no window of the pooling has is not computed.
        self._rows, width = (side // self._sides * self._sides for side in self.output_shape[:2])
        stretch = min(
            (
                self._stretch(columns, width)
                for columns in range(self._sides, width + 1, self._sides)
                if width % columns == 0
            ),
            key=lambda stretch: stretch.cost(pool),
        )
        self.columns, self._blocks = stretch.columns, width // stretch.columns
        self.name = f"rows, {self.columns} columns" if self.columns > 1 else "rows"
        self._padded = (
            max(self.top + image_shape[0], self._rows + window.size[0] - 1),
            max(self.left + image_shape[1], width + window.size[1] - 1),
        )
        self._toeplitz = np.zeros(
            (window.size[0], stretch.run // self.channels, self.channels, self.columns, filters),
            np.float32,
        )
        self._matrix = self._toeplitz.reshape(-1, stretch.outputs)

    def _stretch(self, columns: int, width: int) -> Stretch:
        (height, reach), patches = self.window.size, self._rows * width // columns
        run = (columns + reach - 1) * self.channels
        return Stretch(columns, patches, height, run, columns * self.filters)

    @staticmethod
    def fits(window: Window) -> bool:
        """Whether neighboring columns of the output see neighboring columns of the input."""
        return window.stride == (1, 1)

    def prepare(self, weight: Array) -> None:
        """Write the filters into the Toeplitz matrix, shifted by 0 to F - 1 columns."""
        pairs = self.columns // self._sides
        row, right, channel, place, one = self._toeplitz.strides
        places = as_strided(
            self._toeplitz,
            (pairs, self._sides, *weight.shape),
            (self._sides * right + place, right + pairs * place, row, right, channel, one),
        )
        np.copyto(places, weight)

    def raw_shape(self, n: int) -> tuple[int, ...]:
        """Rows of blocks of columns; of each block the even columns, then the odd ones."""
        return self._rows, self._blocks, self._sides, self.columns // self._sides, self.filters

    def cells(self, raw: Array, n: int) -> Cells:
        """Even and odd columns of even and odd rows."""
        even, odd = raw[0::2], raw[1::2]
        return Cells(even[:, :, 0], even[:, :, 1], odd[:, :, 0], odd[:, :, 1])

    def aligned(self, target: Array, n: int) -> Array:
        """The target itself."""
        return target.reshape(self.raw_shape(n))

    def aligned_pooled(self, target: Array, n: int) -> Array:
        """The pooled target's columns cut into blocks."""
        return target.reshape(self._rows // 2, self._blocks, self.columns // 2, self.filters)

    def bind_forward(self, x: Array, raw: Array, workspace: Workspace) -> Task:
        """``y = P T``."""
        source = inside = x
        if x.shape[1:3] != self._padded:
            # The margins are zeroed once: this memory is nobody else's, and one image is little.
            source = np.zeros((1, *self._padded, self.channels), np.float32)
            inside = source[:, self.top :, self.left :][:, : x.shape[1], : x.shape[2]]
        _, row, column, one = source.strides
        windows = as_strided(
            source,
            (self._rows, self._blocks, self.window.size[0], self._toeplitz[0, ..., 0, 0].size),
            (row, self.columns * column, row, one),
        )
        patches = workspace.take(windows.shape)
        matrix, flat = self._matrix, patches.reshape(-1, len(self._matrix))
        outputs = raw.reshape(len(flat), -1)

        def run() -> None:
            if inside is not x:
                np.copyto(inside, x)
            np.copyto(patches, windows)
            np.dot(flat, matrix, out=outputs)

        return run

    def bind_backward(
        self, x: Array, draw: Array, dx: Array | None, dweight: Array | None, workspace: Workspace
    ) -> Task:
        """There is none: it is never chosen for training."""
        raise NotImplementedError("rows are for inference alone")

    def scratch(self, n: int) -> int:
        """The patches."""
        return n * self._rows * self._blocks * len(self._matrix)

    def weights(self) -> int:
        """The matrix."""
        return self._matrix.size

    def macs(self) -> int:
        """The product with the Toeplitz matrix, its zeros included."""
        return self._rows * self._blocks * self._matrix.size
