"""Scratch memory that is used again and again, so that it stays in the cache.

A fresh large array costs more than what is done with it: the system hands out its pages one by one,
filled with zeros, and takes them back afterwards. An op asks its workspace for scratch once, when
the plan is made. What one op leaves there the next one overwrites.
"""

import math
from typing import final

import numpy as np
from numpy.typing import DTypeLike

from numcnn.nn.arrays import Array

_LINE = 16
"""Floats in a cache line: arrays begin at the start of one."""

_LEAST_BLOCK = 1 << 16


@final
class Workspace:
    """Scratch memory for one shard.

    >>> workspace = Workspace()
    >>> a = workspace.take((2, 3))
    >>> workspace.reset()
    >>> b = workspace.take((3, 2))
    >>> b[:] = 7
    >>> float(a[0, 0])
    7.0
    """

    def __init__(self) -> None:
        self._blocks: list[Array] = []
        self._block = 0
        self._used = 0

    def reset(self) -> None:
        """Begin from the start: whatever was taken before may be overwritten."""
        self._block = self._used = 0

    def take(self, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> Array:
        """Give an array of ``shape`` with no defined content."""
        count = -(-math.prod(shape) * np.dtype(dtype).itemsize // 4)
        while self._block < len(self._blocks):
            block = self._blocks[self._block]
            if self._used + count <= block.size:
                break
            self._block, self._used = self._block + 1, 0
        else:
            block = aligned(max(count, _LEAST_BLOCK))
            self._blocks.append(block)
        part = block[self._used : self._used + count]
        self._used += -(-count // _LINE) * _LINE
        return part.view(dtype)[: math.prod(shape)].reshape(shape)

    @property
    def nbytes(self) -> int:
        """How much memory it holds."""
        return sum(block.nbytes for block in self._blocks)


def aligned(count: int) -> Array:
    """Make a float32 vector of ``count`` zeros that begins at a cache line."""
    raw = np.zeros(count + _LINE, np.float32)
    start = -(raw.ctypes.data // 4) % _LINE
    return raw[start : start + count]
