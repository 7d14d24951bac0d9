"""The plain way, for any window: patches in rows, one product (`numcnn.nn.patches` explains it).

Only the order of the axes differs from the layer's own code: a pixel of all images of a micro-batch
lies together, so the backward pass adds whole runs of ``n * C`` numbers instead of one pixel's
channels. An input of one channel, as a gray picture has, turns the matrix of patches around: then
its rows are planes that are copied as they lie.
"""

from typing import final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from numcnn.engine.layouts import BatchInside
from numcnn.engine.ops.conv import ConvAlgorithm
from numcnn.engine.ops.max_pool import Cells, image_cells
from numcnn.engine.threads import Task
from numcnn.engine.workspace import Workspace
from numcnn.nn.arrays import Array, Shape
from numcnn.nn.patches import Window


@final
class Im2col(ConvAlgorithm):
    """im2col in the layout `BatchInside`."""

    name = "im2col"
    reason = "a window or a stride that only im2col takes, or too few channels for Winograd"
    source_layout = target_layout = pooled_layout = BatchInside()

    def __init__(self, window: Window, image_shape: Shape, filters: int) -> None:
        super().__init__(window, image_shape, filters)
        self._padded = (
            max(
                self.top + image_shape[0],
                (self.output_shape[0] - 1) * window.stride[0] + window.size[0],
            ),
            max(
                self.left + image_shape[1],
                (self.output_shape[1] - 1) * window.stride[1] + window.size[1],
            ),
        )
        cells = window.size[0] * window.size[1]
        self.matrix = np.empty((cells * self.channels, filters), np.float32)
        self.patches = self.output_shape[0] * self.output_shape[1]
        self._weight_t = np.empty((cells, filters, self.channels), np.float32)

    def prepare(self, weight: Array) -> None:
        """Flatten, and transpose cell by cell for the backward pass."""
        np.copyto(self.matrix, weight.reshape(self.matrix.shape))
        cells = self.matrix.reshape(-1, self.channels, self.filters)
        np.copyto(self._weight_t, cells.transpose(0, 2, 1))

    def raw_shape(self, n: int) -> tuple[int, ...]:
        """The image."""
        return *self.output_shape[:2], n * self.filters

    def cells(self, raw: Array, n: int) -> Cells:
        """Every second row and column."""
        return image_cells(raw, 0, 1, *self.pooled_shape[:2])

    def aligned_pooled(self, target: Array, n: int) -> Array:
        """The pooled target itself."""
        return target.reshape(*self.pooled_shape[:2], n * self.filters)

    def bind_forward(self, x: Array, raw: Array, workspace: Workspace) -> Task:
        """``y = P W``."""
        cut, patches = self._bind_cut(x, workspace)
        outputs = raw.reshape(len(patches), self.filters)

        def run() -> None:
            cut()
            np.matmul(patches, self.matrix, out=outputs)

        return run

    def bind_backward(
        self, x: Array, draw: Array, dx: Array | None, dweight: Array | None, workspace: Workspace
    ) -> Task:
        """``dW = P^T dy``, ``dP = dy W^T``, and ``dx`` collects what arrived at its patches."""
        n = x.shape[2]
        flat_dweight = None if dweight is None else dweight.reshape(self.matrix.shape)
        douts = draw.reshape(-1, self.filters)
        cut, patches = self._bind_cut(x, workspace)
        patches_t = patches.T

        def weights() -> None:
            if flat_dweight is not None:
                cut()
                np.matmul(patches_t, douts, out=flat_dweight)

        if dx is None:
            return weights

        rows, columns, _ = self.output_shape
        dcells = workspace.take((len(self._weight_t), len(douts), self.channels))
        padded = workspace.take((*self._padded, n * self.channels))
        strides = self.window.stride
        places = []
        for cell in range(len(dcells)):
            i, j = divmod(cell, self.window.size[1])
            place = padded[
                i : i + strides[0] * (rows - 1) + 1 : strides[0],
                j : j + strides[1] * (columns - 1) + 1 : strides[1],
            ]
            places.append((place, dcells[cell].reshape(place.shape)))
        flat_dx = dx.reshape(dx.shape[0], dx.shape[1], -1)
        inside = padded[self.top : self.top + dx.shape[0], self.left : self.left + dx.shape[1]]

        def both() -> None:
            weights()
            np.matmul(douts, self._weight_t, out=dcells)
            padded.fill(0)
            for place, gradient in places:
                np.add(place, gradient, out=place)
            np.copyto(flat_dx, inside)

        return both

    def _bind_cut(self, x: Array, workspace: Workspace) -> tuple[Task, Array]:
        """The matrix of patches, ``(rows * columns * n, kh * kw * C)``, and how to fill it."""
        height, width, n, channels = x.shape
        source, margins, inside = x, [], x
        if (height, width) != self._padded:
            source = workspace.take((*self._padded, n, channels))
            inside = source[self.top : self.top + height, self.left : self.left + width]
            margins = self.zeroed_margins(source, height, width)
        rows, columns, _ = self.output_shape
        size, stride = self.window.size, self.window.stride
        down, across, image, channel = source.strides
        count = rows * columns * n
        if channels == 1 and n > 1:
            windows = as_strided(
                source,
                (*size, rows, columns, n),
                (down, across, stride[0] * down, stride[1] * across, image),
            )
            patches = workspace.take(windows.shape)
            matrix = patches.reshape(size[0] * size[1], count).T
        else:
            windows = as_strided(
                source,
                (rows, columns, n, *size, channels),
                (stride[0] * down, stride[1] * across, image, down, across, channel),
            )
            patches = workspace.take(windows.shape)
            matrix = patches.reshape(count, -1)

        def cut() -> None:
            if inside is not x:
                for margin in margins:
                    margin.fill(0)
                np.copyto(inside, x)
            np.copyto(patches, windows)

        return cut, matrix
