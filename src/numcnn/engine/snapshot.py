"""Whether arrays have changed since the last time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from numcnn.nn.arrays import Array


@final
class Snapshot:
    """A copy of some arrays, so that what follows from them is computed only when they change.

    Weights are changed in place, by an optimizer or by whoever loads a file, so nothing but their
    numbers tells.

    >>> weight, snapshot = np.ones(2, np.float32), Snapshot()
    >>> snapshot.update([weight]), snapshot.update([weight])
    (True, False)
    >>> weight[0] = 3
    >>> snapshot.update([weight])
    True
    """

    def __init__(self) -> None:
        self._copies: list[Array] | None = None

    def update(self, arrays: Sequence[Array]) -> bool:
        """Copy the arrays; return whether they differ from the copies of the last time."""
        if self._copies is not None and all(map(np.array_equal, arrays, self._copies)):
            return False
        self._copies = [array.copy() for array in arrays]
        return True

    def forget(self) -> None:
        """Have the next `update` return True."""
        self._copies = None
