"""Whether arrays have changed since the last time."""

from collections.abc import Sequence
from typing import final

from numcnn.nn.arrays import Array


@final
class Snapshot:
    """A copy of some arrays, so that what follows from them is computed only when they change.

    Weights are changed in place, by an optimizer or by whoever loads a file, so nothing but their
    numbers tells.

    >>> import numpy as np
    >>> weight, snapshot = np.ones(2, np.float32), Snapshot()
    >>> snapshot.update([weight]), snapshot.update([weight])
    (True, False)
    >>> weight[0] = 3
    >>> snapshot.update([weight])
    True
    """

    def __init__(self) -> None:
        self._copies: list[bytes] = []
        self._known = False

    def update(self, arrays: Sequence[Array]) -> bool:
        """Copy the arrays; return whether they differ from the copies of the last time."""
        # As bytes: for the few hundred numbers of a small layer a tenth of what NumPy takes.
        copies = [array.tobytes() for array in arrays]
        if self._known and copies == self._copies:
            return False
        self._copies, self._known = copies, True
        return True

    def forget(self) -> None:
        """Have the next `update` return True."""
        self._known = False
