"""Shards: how a batch is cut, and how the shards' gradients are added, as a balanced tree.

Floating-point sums depend on their order. Here the order follows from the batch and the number of
shards alone, so it is the same however many threads share the work.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol, TypeGuard, final

import numpy as np
from numpy.typing import NDArray

from numcnn.engine.threads import Task
from numcnn.nn.arrays import Array
from numcnn.nn.validation import is_whole

SHARDS = 4
"""Into how many parts a batch is cut by default.

Measured on two cores, where every shard beyond the second one only costs, with the networks of
``benchmarks/networks.py``: see ``docs/reliability.md``.
"""

MOST_SHARDS = 1024
"""The largest number allowed: each costs the memory of one gradient."""

_LEAST_WORK = 10_000_000
"""Multiply-adds of a shard below which a second one is not worth a thread: then there is one."""

_WORK_OF_MANY = 4.0
"""With more than two shards, each needs this many times `_LEAST_WORK`.

Two shards pay on nearly every machine. More of them only cost where there are two cores.
"""

_WEIGHTS_OF_MANY = 160_000
"""Weights up to which that is enough. Every shard reads all weights anew, so with more of them it
needs more work, in proportion."""

_CHUNK = 24_576
"""Numbers that are added up at once: those of some shards fit a core's cache."""

Pair = tuple[int, int]
"""Two shards; the second one's sum is added to the first one's."""


def is_shards(value: object) -> TypeGuard[int]:
    """Whether it is a possible number of shards: a power of two from 1 to `MOST_SHARDS`."""
    return is_whole(value, 1, MOST_SHARDS) and value & (value - 1) == 0


@final
class ShardTree:
    """A batch cut into shards by halving it again and again.

    Since the number of shards is a power of two, each half of the batch is cut as a batch of its
    own with half as many shards would be. So two processes that take a half each, with half the
    shards, and then add their sums, do the same additions in the same order as one process that
    takes it all.

    >>> cut = ShardTree(10, 4)
    >>> cut.bounds, cut.sums
    ([0, 2, 5, 7, 10], [(0, 1), (2, 3), (0, 2)])

    Attributes:
        bounds: Where each shard begins, and where the last one ends. No shard is empty: there are
            fewer if the batch has fewer examples.
        sums: With these pairs added one after another, shard 0 has the sum of all.
    """

    def __init__(self, batch_size: int, shards: int) -> None:
        self.bounds = [0]
        self.sums: list[Pair] = []
        self._halve(0, batch_size, shards)

    def _halve(self, start: int, stop: int, shards: int) -> int:
        """Cut a part of the batch; return the shard that will have its sum."""
        if shards == 1 or stop - start == 1:
            self.bounds.append(stop)
            return len(self.bounds) - 2
        left = shards // 2
        # By the size of the part alone, not by where it lies in the batch.
        middle = start + max(1, (stop - start) * left // shards)
        first, second = self._halve(start, middle, left), self._halve(middle, stop, shards - left)
        self.sums.append((first, second))
        return first


class Peers(Protocol):
    """Other processes, each of which takes some of the shards; see `numcnn.distributed`."""

    def own(self, cut: ShardTree) -> range:
        """The shards that are computed here, whose sums `ShardTree.sums` have together first."""

    def gather(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """All shards' rows, in order, from those of this one's."""


@final
class Factors(NamedTuple):
    """What a part of a shard's gradient is the product of: ``left.T @ right``."""

    left: Array
    right: Array


def adding(
    gradients: Sequence[Array],
    products: Mapping[int, Sequence[Factors]],
    sums: Sequence[Pair],
    threads: int,
) -> list[list[Task]]:
    """Add the shards' gradients up into the first one's.

    Args:
        gradients: A vector for each shard. The others but the first are used up.
        products: Where in the vectors a part begins that is still to be computed, and of what, for
            each shard. A large product for each shard would go to memory and come back to be added;
            here a slab of it is computed for all shards, and added, in the cache.
        sums: In which order the shards are added.
        threads: How many share the work.

    Returns:
        For each thread its tasks, in any order but one after another: they share scratch memory.
    """
    tasks: list[list[Task]] = [[] for _ in range(threads)]
    start = 0
    for place, factors in sorted(products.items()):
        _add_chunks(tasks, [gradient[start:place] for gradient in gradients], sums)
        rows, columns = factors[0].left.shape[1], factors[0].right.shape[1]
        start = place + rows * columns
        _add_slabs(tasks, gradients[0][place:start].reshape(rows, columns), factors, sums)
    _add_chunks(tasks, [gradient[start:] for gradient in gradients], sums)
    return tasks


def _add_chunks(tasks: list[list[Task]], parts: Sequence[Array], sums: Sequence[Pair]) -> None:
    starts = range(0, len(parts[0]), _CHUNK) if sums else range(0)
    for number, start in enumerate(starts):
        chunks = [part[start : start + _CHUNK] for part in parts]
        # Neighbors to one thread: two cores that write into one cache line wait for each other.
        tasks[number * len(tasks) // len(starts)].append(
            partial(_multiply_and_add, [], [(chunks[a], chunks[b]) for a, b in sums])
        )


def _add_slabs(
    tasks: list[list[Task]], place: Array, factors: Sequence[Factors], sums: Sequence[Pair]
) -> None:
    rows, columns = place.shape
    height = max(1, _CHUNK // columns)
    starts = range(0, rows, height)
    scratch = [
        [np.empty((min(height, rows), columns), np.float32) for _ in factors[1:]] for _ in tasks
    ]
    for number, start in enumerate(starts):
        thread = number * len(tasks) // len(starts)
        stop = min(start + height, rows)
        slabs = [place[start:stop], *(slab[: stop - start] for slab in scratch[thread])]
        products = [
            (each.left[:, start:stop].T, each.right, slab)
            for each, slab in zip(factors, slabs, strict=True)
        ]
        tasks[thread].append(
            partial(_multiply_and_add, products, [(slabs[a], slabs[b]) for a, b in sums])
        )


def _multiply_and_add(
    products: Sequence[tuple[Array, Array, Array]], pairs: Sequence[tuple[Array, Array]]
) -> None:
    for left, right, out in products:
        np.matmul(left, right, out=out)
    for first, second in pairs:
        np.add(first, second, out=first)


def shards_worth_using(shards: int, work: int, weights: int) -> int:
    """How many of the shards a batch is worth, by its multiply-adds and the network's weights.

    Nothing of the machine is asked: the number of shards decides the last bits.
    """
    many = _WORK_OF_MANY * max(1.0, weights / _WEIGHTS_OF_MANY)
    while shards > 1 and work < shards * _LEAST_WORK * (many if shards > 2 else 1.0):
        shards //= 2
    return shards
