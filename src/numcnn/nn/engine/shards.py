"""How a batch is cut into lanes, and how what the lanes have is added up: as a balanced tree.

Floating-point sums depend on their order. Here the order follows from the batch and the number of
lanes alone, so it is the same however many threads share the work.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple, final

import numpy as np

from numcnn.nn.arrays import Array
from numcnn.nn.engine.threads import Task

_CHUNK = 24_576
"""Numbers that are added up at once: those of some lanes fit a core's cache."""

Pair = tuple[int, int]
"""Two lanes; the second one's sum is added to the first one's."""


@final
class ShardTree:
    """A batch cut into lanes by halving it again and again.

    With lanes a power of two, each half of the batch is cut as a batch of its own with half as many
    lanes would be. So two processes that take a half each, with half the lanes, and then add their
    sums, do the same additions in the same order as one process that takes it all.

    >>> cut = ShardTree(10, 4)
    >>> cut.bounds, cut.sums
    ([0, 2, 5, 7, 10], [(0, 1), (2, 3), (0, 2)])

    Attributes:
        bounds: Where each lane begins, and where the last one ends. No lane is empty: there are
            fewer if the batch has fewer examples.
        sums: With these pairs added one after another, lane 0 has the sum of all.
    """

    def __init__(self, batch_size: int, lanes: int) -> None:
        self.bounds = [0]
        self.sums: list[Pair] = []
        self._halve(0, batch_size, lanes)

    def _halve(self, start: int, stop: int, lanes: int) -> int:
        """Cut a part of the batch; return the lane that will have its sum."""
        if lanes == 1 or stop - start == 1:
            self.bounds.append(stop)
            return len(self.bounds) - 2
        left = lanes // 2
        # By the size of the part alone, not by where it lies in the batch.
        middle = start + max(1, (stop - start) * left // lanes)
        first, second = self._halve(start, middle, left), self._halve(middle, stop, lanes - left)
        self.sums.append((first, second))
        return first


@final
class Factors(NamedTuple):
    """What a part of a lane's gradient is the product of: ``left.T @ right``."""

    left: Array
    right: Array


def adding(
    gradients: Sequence[Array],
    products: Mapping[int, Sequence[Factors]],
    sums: Sequence[Pair],
    threads: int,
) -> list[list[Task]]:
    """Add the lanes' gradients up into the first one's.

    Args:
        gradients: A vector for each lane. The others but the first are used up.
        products: Where in the vectors a part begins that is still to be computed, and of what, for
            each lane. A large product for each lane would go to memory and come back to be added;
            here a slab of it is computed for all lanes, and added, in the cache.
        sums: In which order the lanes are added.
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
