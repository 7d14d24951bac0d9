"""Winograd's convolution: 3x3 filters with a quarter of the multiplications.

A 4x4 tile of the output depends on a 6x6 tile of the input. Written out, that is 144
multiplications a channel and filter. But a convolution is a product of polynomials, and a product
of polynomials can be had by evaluating both at enough points, multiplying value by value, and
interpolating. In two dimensions, with the points 0, 1, -1, 2, -2 and infinity along each axis::

    Y = A^T [ (G g G^T) * (B^T d B) ] A

``d`` is the 6x6 tile, ``g`` the 3x3 filter, ``*`` the product value by value: 36 multiplications.
The sum over channels can be taken before ``A``, so at each of the 36 points there is one matrix
product over all tiles. Writing each two-sided transform of a tile as one matrix (a Kronecker
product) turns everything into matrix products::

    V = (B^T x B^T) d          36 x 36, over all tiles and channels
    M_p = V_p U_p              for each point p: (tiles, channels) times (channels, filters)
    Y = (A^T x A^T) M          16 x 36, over all tiles and filters

The backward pass is the adjoint of each line, in reverse; nothing has to be derived anew, and the
scatter of a plain convolution's gradient becomes the scatter of whole tiles.

Sources: Winograd, "Arithmetic complexity of computations", 1980; Lavin and Gray, "Fast algorithms
for convolutional neural networks", 2016.
"""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from numcnn.engine.layouts import BatchInside
from numcnn.engine.ops.conv import ConvAlgorithm
from numcnn.engine.ops.max_pool import Cells, image_cells
from numcnn.engine.strips import strips
from numcnn.engine.threads import Task
from numcnn.engine.workspace import Workspace
from numcnn.nn.arrays import Array, Shape
from numcnn.nn.patches import Window

TILE = 4
"""Rows and columns of an output tile."""

REACH = 6
"""Rows and columns of an input tile, and points along an axis."""

INPUT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    np.float64,
)
"""``B^T``: six neighbours, evaluated at the points."""

FILTER = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    np.float64,
)
"""``G``: three weights, evaluated at the points, and divided by what interpolation divides by."""

OUTPUT = np.array(
    [
        [1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 0],
        [0, 1, 1, 4, 4, 0],
        [0, 1, -1, 8, -8, 1],
    ],
    np.float64,
)
"""``A^T``: from values at the points to four outputs."""

_INPUT_2D = np.kron(INPUT, INPUT).astype(np.float32)
_FILTER_2D = np.kron(FILTER, FILTER).astype(np.float32)
_OUTPUT_2D = np.kron(OUTPUT, OUTPUT).astype(np.float32)
_INPUT_2D_T = np.ascontiguousarray(_INPUT_2D.T)
_FILTER_2D_T = np.ascontiguousarray(_FILTER_2D.T)
_OUTPUT_2D_T = np.ascontiguousarray(_OUTPUT_2D.T)


@final
class Winograd(ConvAlgorithm):
    """F(4x4, 3x3) for stride 1."""

    name = "Winograd"
    reason = "3x3, stride 1 and many channels: a quarter of the multiplications"
    source_layout = target_layout = pooled_layout = BatchInside()

    def __init__(self, window: Window, image_shape: Shape, filters: int) -> None:
        super().__init__(window, image_shape, filters)
        rows, columns = self.output_shape[:2]
        self._tiles = -(-rows // TILE), -(-columns // TILE)
        # If the tiles cover the output exactly, pooling reads them as they are.
        self._exact = rows % TILE == 0 == columns % TILE
        self.raw_is_target = not self._exact
        self._padded = self._tiles[0] * TILE + 2, self._tiles[1] * TILE + 2
        self._weight = np.empty((REACH * REACH, self.channels, filters), np.float32)
        self._weight_t = np.empty((REACH * REACH, filters, self.channels), np.float32)

    @staticmethod
    def fits(window: Window) -> bool:
        """Whether the window is one that the matrices are for."""
        return window.size == (3, 3) and window.stride == (1, 1)

    def prepare(self, weight: Array) -> None:
        """``U = (G x G) g``, and its transpose for the backward pass."""
        np.matmul(
            _FILTER_2D,
            weight.reshape(9, -1),
            out=self._weight.reshape(REACH * REACH, -1),
        )
        np.copyto(self._weight_t, self._weight.transpose(0, 2, 1))

    def raw_shape(self, n: int) -> tuple[int, ...]:
        """The 16 places in a tile, then the tiles; or the image, if the tiles reach beyond it."""
        if self._exact:
            return TILE, TILE, *self._tiles, n * self.filters
        return *self.output_shape[:2], n * self.filters

    def cells(self, raw: Array, n: int) -> Cells:
        """Pairs of rows and columns within each tile."""
        if not self._exact:
            return image_cells(raw, 0, 1, *self.pooled_shape[:2])
        pairs = raw.reshape(2, 2, 2, 2, *raw.shape[2:])
        return Cells(pairs[:, 0, :, 0], pairs[:, 0, :, 1], pairs[:, 1, :, 0], pairs[:, 1, :, 1])

    def aligned(self, target: Array, n: int) -> Array:
        """The target cut into tiles."""
        return self._cut(target, TILE, n)

    def aligned_pooled(self, target: Array, n: int) -> Array:
        """The pooled target cut into tiles of half the size."""
        if self._exact:
            return self._cut(target, TILE // 2, n)
        return target.reshape(*self.pooled_shape[:2], n * self.filters)

    def _cut(self, image: Array, tile: int, n: int) -> Array:
        down, across = self._tiles
        cut = image.reshape(down, tile, across, tile, n * self.filters)
        return cut.transpose(1, 3, 0, 2, 4)

    def bind_forward(self, x: Array, raw: Array, workspace: Workspace) -> Task:
        """Gather the tiles, transform, multiply at each point, transform back."""
        n = x.shape[2]
        count = self._tiles[0] * self._tiles[1] * n
        gather, values = self._bind_input(x, workspace)
        products = workspace.take((REACH * REACH, count, self.filters))
        flat_products = products.reshape(REACH * REACH, -1)
        by_channel = values.reshape(REACH * REACH, count, self.channels)
        tiles = raw if self._exact else workspace.take((TILE, TILE, *self._tiles, n * self.filters))
        flat_tiles = tiles.reshape(TILE * TILE, -1)
        back = strips(_OUTPUT_2D, flat_products, flat_tiles)
        untile = None if self._exact else self._bind_crop(tiles, raw, workspace)

        def run() -> None:
            gather()
            np.matmul(by_channel, self._weight, out=products)
            np.matmul(_OUTPUT_2D, back[0], out=back[1])
            if untile is not None:
                untile(False)

        return run

    def bind_backward(
        self, x: Array, draw: Array, dx: Array | None, dweight: Array | None, workspace: Workspace
    ) -> Task:
        """Go back: the adjoint of each step, and ``V`` computed anew rather than kept.

        ::

            dM = (A x A) dY        dU_p = V_p^T dM_p        dW = (G x G)^T dU
            dV_p = dM_p U_p^T      dd = (B x B) dV          dx = the tiles, added where they overlap
        """
        n = x.shape[2]
        count = self._tiles[0] * self._tiles[1] * n
        points = REACH * REACH
        tiles = (
            draw if self._exact else workspace.take((TILE, TILE, *self._tiles, n * self.filters))
        )
        tile = None if self._exact else self._bind_crop(tiles, draw, workspace)
        flat_tiles = tiles.reshape(TILE * TILE, -1)
        products = workspace.take((points, count, self.filters))
        there = strips(_OUTPUT_2D_T, flat_tiles, products.reshape(points, -1))
        gather, values = self._bind_input(x, workspace)
        values_t = values.reshape(points, count, self.channels).transpose(0, 2, 1)
        by_channel = values.reshape(points, count, self.channels)
        dtransformed = workspace.take((points, self.channels, self.filters))
        flat_dtransformed = dtransformed.reshape(points, -1)
        flat_dweight = None if dweight is None else dweight.reshape(9, -1)
        scatter = None if dx is None else self._bind_scatter(values, dx, workspace)

        def run() -> None:
            if tile is not None:
                tile(True)
            np.matmul(_OUTPUT_2D_T, there[0], out=there[1])
            if flat_dweight is not None:
                gather()
                np.matmul(values_t, products, out=dtransformed)
                np.matmul(_FILTER_2D_T, flat_dtransformed, out=flat_dweight)
            if scatter is not None:
                # V is not needed any more; its gradient takes its place.
                np.matmul(products, self._weight_t, out=by_channel)
                scatter()

        return run

    def _bind_input(self, x: Array, workspace: Workspace) -> tuple[Task, Array]:
        """``V``: ``(36, tiles down * tiles across * n * channels)``, and how to compute it."""
        height, width, n, channels = x.shape
        run = n * channels
        image = x.reshape(height, width, run)
        padded, margins, inside = image, [], image
        if (height, width) != self._padded:
            padded = workspace.take((*self._padded, run))
            # What no output needs is cut off, if the stride leaves something.
            rows = min(height, self._padded[0] - self.top)
            columns = min(width, self._padded[1] - self.left)
            image = image[:rows, :columns]
            inside = padded[self.top : self.top + rows, self.left : self.left + columns]
            margins = self.zeroed_margins(padded, rows, columns)
        down, across, each = padded.strides
        windows = as_strided(
            padded,
            (REACH, REACH, *self._tiles, run),
            (down, across, TILE * down, TILE * across, each),
        )
        tiles = workspace.take(windows.shape)
        flat_tiles = tiles.reshape(REACH * REACH, -1)
        values = workspace.take(flat_tiles.shape)

        def compute() -> None:
            if inside is not image:
                for margin in margins:
                    margin.fill(0)
                np.copyto(inside, image)
            np.copyto(tiles, windows)
            np.matmul(_INPUT_2D, flat_tiles, out=values)

        return compute, values

    def _bind_scatter(self, dvalues: Array, dx: Array, workspace: Workspace) -> Task:
        """Transform the gradient back to tiles, and add these where they came from.

        Tiles begin every 4 rows and are 6 high: rows 4 and 5 of a tile are rows 0 and 1 of the
        next one. So the first 4x4 of all tiles fill the image without a gap, and what reaches over
        is added in three strips.
        """
        height, width, n, channels = dx.shape
        run = n * channels
        down, across = self._tiles
        tiles = workspace.take((REACH, REACH, down, across, run))
        flat_tiles = tiles.reshape(REACH * REACH, -1)
        image = workspace.take(((down + 1) * TILE, (across + 1) * TILE, run))
        blocks = image.reshape(down + 1, TILE, across + 1, TILE, run).transpose(1, 3, 0, 2, 4)
        bottom, right = image[down * TILE :], image[: down * TILE, across * TILE :]
        first = blocks[:, :, :down, :across]
        overlaps = [
            (blocks[:2, :, 1:, :across], tiles[TILE:, :TILE]),
            (blocks[:, :2, :down, 1:], tiles[:TILE, TILE:]),
            (blocks[:2, :2, 1:, 1:], tiles[TILE:, TILE:]),
        ]
        rows = min(height, self._padded[0] - self.top)
        columns = min(width, self._padded[1] - self.left)
        flat_dx = dx.reshape(height, width, run)
        target = flat_dx[:rows, :columns]
        cropped = image[self.top : self.top + rows, self.left : self.left + columns]
        whole = (rows, columns) == (height, width)

        def scatter() -> None:
            np.matmul(_INPUT_2D_T, dvalues, out=flat_tiles)
            bottom.fill(0)
            right.fill(0)
            np.copyto(first, tiles[:TILE, :TILE])
            for place, overlap in overlaps:
                np.add(place, overlap, out=place)
            if not whole:
                flat_dx.fill(0)
            np.copyto(target, cropped)

        return scatter

    def _bind_crop(self, tiles: Array, image: Array, workspace: Workspace) -> _Crop:
        rows, columns = self.output_shape[:2]
        down, across = self._tiles
        run = image.shape[-1]
        full = workspace.take((down * TILE, across * TILE, run))
        cut = full.reshape(down, TILE, across, TILE, run).transpose(1, 3, 0, 2, 4)
        return _Crop(tiles, cut, full, full[:rows, :columns], image)

    def scratch(self, n: int) -> int:
        """``V``, the tiles it came from, and ``M``."""
        count = self._tiles[0] * self._tiles[1] * n
        return REACH * REACH * count * (2 * self.channels + self.filters)

    def weights(self) -> int:
        """Those of all points."""
        return REACH * REACH * self.channels * self.filters

    def macs(self) -> int:
        """The 36 products and both transforms."""
        tiles = self._tiles[0] * self._tiles[1]
        points = REACH * REACH
        return (
            tiles
            * points
            * (self.channels * self.filters + points * self.channels + TILE * TILE * self.filters)
        )


@final
class _Crop:
    """Tiles that reach beyond the image, and the image: one copied into the other."""

    def __init__(self, tiles: Array, cut: Array, full: Array, part: Array, image: Array) -> None:
        self._tiles, self._cut, self._full = tiles, cut, full
        self._part, self._image = part, image

    def __call__(self, back: bool) -> None:
        if back:
            self._full.fill(0)
            np.copyto(self._part, self._image.reshape(self._part.shape))
            np.copyto(self._tiles, self._cut)
        else:
            np.copyto(self._cut, self._tiles)
            np.copyto(self._image.reshape(self._part.shape), self._part)
