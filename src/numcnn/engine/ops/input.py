"""The network's input: the batch in any dtype, preprocessed and laid out."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.engine.layouts import BatchFirst, BatchLast
from numcnn.engine.op import Binding, BoundOp, Op, Value
from numcnn.engine.snapshot import Snapshot
from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.layers import Layer, Rescaling


@final
class InputOp(Op):
    """Copy a micro-batch out of the batch; all layers of preprocessing are one scale and one shift.

    Attributes:
        batch: The whole batch, ``(n, ...)``; set before each pass.
    """

    def __init__(
        self, names: Sequence[str], layers: Sequence[Layer], shape: Shape, target: Value
    ) -> None:
        super().__init__(names, [], target)
        self.batch: NDArray[Any] = np.empty(0, np.float32)
        self._layers = layers
        self._channels = shape[-1]
        self._spread: dict[int, tuple[Array, Array]] = {}
        self._snapshot = Snapshot()

    @property
    def method(self) -> str:
        """Copy, and scale if there is preprocessing."""
        return "copy + scale" if self._layers else "copy"

    def prepare(self, ctx: Context, count: int) -> None:
        """Multiply all scales and shifts out, unless they are those of last time."""
        if not self._layers or not self._snapshot.update(
            [array for layer in self._layers for array in layer.state.values()]
        ):
            return
        scale, shift = np.ones(self._channels), np.zeros(self._channels)
        for layer in self._layers:
            if isinstance(layer, Rescaling):
                scale, shift = scale * layer.scale, shift * layer.scale + layer.offset
            else:
                deviation = np.sqrt(layer.state["variance"].astype(np.float64))
                scale, shift = scale / deviation, (shift - layer.state["mean"]) / deviation
        for n, (scales, shifts) in self._spread.items():
            scales[...] = self._spread_over(scale, n)
            shifts[...] = self._spread_over(shift, n)

    def _spread_over(self, vector: NDArray[np.float64], n: int) -> Array:
        narrow = vector.astype(np.float32)
        if len(narrow) == 1:
            # One channel: one number for all.
            return narrow
        if len(self.target.shape) == 1:
            return np.tile(narrow, self.target.shape[0] // len(narrow))
        return self.target.layout.spread(narrow, self.target.shape, n)

    def bind(self, binding: Binding) -> BoundOp:
        """Fix the arrays."""
        micro_batch, layout = binding.micro_batch, self.target.layout
        n = micro_batch.size
        if self._layers and n not in self._spread:
            blank = self._spread_over(np.zeros(self._channels), n)
            self._spread[n] = (blank.copy(), blank.copy())
            self._snapshot.forget()
        spread = self._spread.get(n)
        array = self.target.array(micro_batch)
        blocks = array
        if not isinstance(layout, BatchFirst):
            blocks = layout.blocks(array, layout.phases if isinstance(layout, BatchLast) else 1)
        lines = layout.lines(array)
        # A slice of everything would cost a fifth of a microsecond, and answering one image 10.
        part = None if n == binding.batch_size else slice(micro_batch.start, micro_batch.stop)

        def forward() -> None:
            images = self.batch if part is None else self.batch[part]
            np.copyto(blocks, images.reshape(blocks.shape), casting="unsafe")
            if spread is not None:
                np.multiply(lines, spread[0], out=lines)
                np.add(lines, spread[1], out=lines)

        return BoundOp(forward)
