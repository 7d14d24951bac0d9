"""ReLU on an array in place, and its gradient, as NumPy does it fastest."""

from __future__ import annotations

from typing import final

import numpy as np

from numcnn.engine.workspace import Workspace
from numcnn.nn.arrays import Array

_LEAST_RUN, _MOST_RUN = 128, 4096


@final
class InPlaceReLU:
    """``max(y, 0)`` bound to one array."""

    def __init__(self, y: Array) -> None:
        # Against a row of zeros: with a single 0 NumPy takes a loop three times as slow.
        run = _run(y.size)
        self._y = y
        self._rows = y.reshape(-1, run)
        self._zeros = np.zeros(run, np.float32)

    def forward(self) -> None:
        """Set what is negative to 0."""
        np.maximum(self._rows, self._zeros, out=self._rows)

    def bind_backward(self, dy: Array, workspace: Workspace) -> InPlaceReLUGradient:
        """Fix the arrays of the backward pass."""
        return InPlaceReLUGradient(self._y, dy, workspace.take(self._y.shape, np.bool_))


@final
class InPlaceReLUGradient:
    """``dy [y > 0]``, in place."""

    def __init__(self, y: Array, dy: Array, mask: Array) -> None:
        self._y, self._dy, self._mask = y, dy, mask

    def run(self) -> None:
        """Set the gradient to 0 where the unit was off."""
        np.greater(self._y, 0, out=self._mask)
        # Times a boolean: a masked assignment takes ten times as long.
        np.multiply(self._dy, self._mask, out=self._dy)


def _run(size: int) -> int:
    """A divisor of ``size``, long enough for the inner loop and short enough for the cache."""
    run = size
    for factor in (2, 3, 5, 7, 11, 13):
        while run > _MOST_RUN and run % factor == 0 and run // factor >= _LEAST_RUN:
            run //= factor
    return run
