"""Maximum pooling of 2x2 windows, given as four arrays: the upper left cells, the upper right, ...

Whatever the layout, the four cells of all windows are four views of equal shape, and the maximum
is three calls. The maximum commutes with adding a bias and with ReLU, so a convolution's output can
be pooled first, and bias and ReLU then have a quarter of the work.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from numcnn.engine.layouts import BatchInside, BatchLast
from numcnn.engine.op import Binding, BoundOp, Op, Value
from numcnn.nn.arrays import Array


class Cells(NamedTuple):
    """The cells of all windows, each an array of the pooled shape."""

    upper_left: Array
    upper_right: Array
    lower_left: Array
    lower_right: Array


class InPlaceMaxPool:
    """2x2 maximum pooling bound to arrays.

    On a tie the first cell wins, row by row, as in `numcnn.nn.layers.pooling.MaxPool2D`: the left
    one of a pair, then the upper pair. Three boolean arrays keep who won.
    """

    def __init__(self, shape: tuple[int, ...], training: bool) -> None:
        self._wins: Final[list[NDArray[np.bool_]]] = (
            [np.empty(shape, np.bool_) for _ in range(3)] if training else []
        )

    @property
    def nbytes(self) -> int:
        """The memory for who won."""
        return sum(wins.nbytes for wins in self._wins)

    def forward(self, cells: Cells, out: Array, scratch: Array) -> None:
        """Write the maxima into ``out``; ``scratch`` has its shape."""
        np.maximum(cells.upper_left, cells.upper_right, out=out)
        np.maximum(cells.lower_left, cells.lower_right, out=scratch)
        if self._wins:
            left_above, left_below, above = self._wins
            np.greater_equal(cells.upper_left, cells.upper_right, out=left_above)
            np.greater_equal(cells.lower_left, cells.lower_right, out=left_below)
            np.greater_equal(out, scratch, out=above)
        np.maximum(out, scratch, out=out)

    def backward(self, dy: Array, cells: Cells, scratch: Array) -> None:
        """Give each window's gradient to the cell that won, and 0 to the others.

        A mask times the gradient is the winner's share; what is left of it, exactly, the loser's.
        """
        left_above, left_below, above = self._wins
        np.multiply(dy, above, out=scratch)
        np.multiply(scratch, left_above, out=cells.upper_left)
        np.subtract(scratch, cells.upper_left, out=cells.upper_right)
        np.subtract(dy, scratch, out=scratch)
        np.multiply(scratch, left_below, out=cells.lower_left)
        np.subtract(scratch, cells.lower_left, out=cells.lower_right)


def image_cells(image: Array, rows_axis: int, columns_axis: int, rows: int, columns: int) -> Cells:
    """View an image's windows; a row or column that fills no window is left out.

    Args:
        image: In any layout in which rows and columns are one axis each.
        rows_axis: The axis of the rows.
        columns_axis: The axis of the columns.
        rows: How many windows there are, one below the other.
        columns: How many, side by side.
    """
    views = []
    for i in (0, 1):
        for j in (0, 1):
            index: list[slice] = [slice(None)] * image.ndim
            index[rows_axis] = slice(i, i + 2 * rows - 1, 2)
            index[columns_axis] = slice(j, j + 2 * columns - 1, 2)
            views.append(image[tuple(index)])
    return Cells(*views)


@final
class MaxPoolOp(Op):
    """2x2 maximum pooling on its own, in a layout in which `cells_of` finds the windows.

    Attributes:
        poolings: Each micro-batch's, by where it starts.
    """

    def __init__(self, names: Sequence[str], source: Value, target: Value) -> None:
        super().__init__(names, [source], target)
        self.poolings: dict[int, InPlaceMaxPool] = {}

    @property
    def method(self) -> str:
        """By cells of the windows."""
        return "max pool"

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        source, micro_batch = self.sources[0], binding.micro_batch
        y = self.target.array(micro_batch)
        cells = cells_of(source, source.array(micro_batch))
        pooling = self.poolings[micro_batch.start] = InPlaceMaxPool(y.shape, binding.training)
        binding.workspace.reset()
        scratch = binding.workspace.take(y.shape)
        dx = None
        if binding.training:
            dy, dx = self.target.gradient(micro_batch), self.source_gradient(binding)
        if dx is not None:
            dcells = cells_of(source, dx.array)
            uncovered = sum(cell.size for cell in dcells) < dx.array.size

        def forward() -> None:
            pooling.forward(cells, y, scratch)

        def backward() -> None:
            assert dx is not None
            if uncovered:
                dx.array.fill(0)
            pooling.backward(dy, dcells, scratch)
            dx.done()

        return BoundOp(forward, backward)


def pooled_layout(value: Value) -> BatchInside | BatchLast | None:
    """How the value would lie after `MaxPoolOp`; None if that cannot pool it."""
    layout = value.layout
    if isinstance(layout, BatchInside):
        return layout
    if isinstance(layout, BatchLast):
        if layout.phases == 1:
            return layout
        if value.shape[1] % layout.phases == 0 == layout.phases % 2:
            return BatchLast(layout.phases // 2)
    return None


def cells_of(value: Value, array: Array) -> Cells:
    """View an array of the value as the cells of 2x2 windows."""
    rows, columns = value.shape[0] // 2, value.shape[1] // 2
    if isinstance(value.layout, BatchInside):
        return image_cells(array, 0, 1, rows, columns)
    assert isinstance(value.layout, BatchLast)
    if value.layout.phases == 1:
        return image_cells(array, 2, 3, rows, columns)
    return image_cells(array, 2, 1, rows, value.layout.phases // 2)
