"""The ranks that a launcher such as ``mpirun`` started, and what they tell each other."""

from __future__ import annotations

import hashlib
import os
import sys
from functools import cache
from itertools import accumulate
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.engine.shards import ShardTree
from numcnn.nn.arrays import Array

_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS")
"""The variables in which Open MPI, MPICH and Intel MPI, and Slurm, say how many ranks there are."""


def is_launched() -> bool:
    """Whether a launcher's variables say that this process is one of several ranks."""
    return any(os.environ.get(name, "1") not in ("", "0", "1") for name in _SIZES)


@cache
def ranks() -> Ranks | None:
    """The ranks of this run; None if there is just this process.

    MPI is only loaded under a launcher: elsewhere that may end the process.

    Raises:
        ValueError: There are several ranks, and mpi4py is not installed: each would train alone,
            and write over the others' files.
    """
    if not is_launched():
        return None
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ValueError(
            f"several ranks were started, but mpi4py cannot be loaded ({error}); install it with "
            "pip install 'numcnn[mpi]', or start one process"
        ) from error
    return Ranks(MPI.COMM_WORLD) if MPI.COMM_WORLD.Get_size() > 1 else None


def is_first() -> bool:
    """Whether this process is the one that writes files and shows progress."""
    found = ranks()
    return found is None or found.rank == 0


@final
class Ranks:
    """All ranks, seen from one of them. Every method but `abort` is called by all together.

    Attributes:
        rank: The number of this one, from 0.
        size: How many there are.
    """

    def __init__(self, comm: Any) -> None:
        """Store mpi4py's communicator."""
        self._comm = comm
        self.rank: int = comm.Get_rank()
        self.size: int = comm.Get_size()
        self._is_owner = True

    def shares(self, cut: ShardTree) -> list[range]:
        """Each rank's shards: a whole branch of the tree of sums, so that no addition moves.

        Where there are more ranks than shards, the last ones have none.
        """
        count = len(cut.bounds) - 1
        ends = list(range(1, count + 1))
        halves = {}
        for first, second in cut.sums:
            # Shards of a branch are neighbors: the second half ends where the sum of it does.
            halves[first, ends[second]] = second
            ends[first] = ends[second]
        found = [range(count, count)] * self.size

        def halve(start: int, stop: int, low: int, high: int) -> None:
            if high - low == 1 or stop - start == 1:
                found[low] = range(start, stop)
                return
            middle, ranks_middle = halves[start, stop], (low + high) // 2
            halve(start, middle, low, ranks_middle)
            halve(middle, stop, ranks_middle, high)

        halve(0, count, 0, self.size)
        return found

    def own(self, cut: ShardTree) -> range:
        """This rank's shards; those of rank 0, computed for nobody, where it has none.

        So no rank is a special case: each has a plan that can run.
        """
        shares = self.shares(cut)
        return shares[self.rank] or shares[0]

    def begin(self, cut: ShardTree) -> None:
        """Say which batch `gather` is about: a rank without shards has no rows to give."""
        self._is_owner = bool(self.shares(cut)[self.rank])

    def gather(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """All ranks' rows, in the order of the ranks, which is that of the shards."""
        given = rows if self._is_owner else rows[:0]
        return np.concatenate(self._comm.allgather(given))

    def gather_outputs(self, outputs: Array, cut: ShardTree) -> None:
        """Put the other ranks' rows into an array of the whole batch that has this one's."""
        each = outputs[0].size
        bounds = [
            (cut.bounds[share.start], cut.bounds[share.stop]) if share else (0, 0)
            for share in self.shares(cut)
        ]
        counts = [(stop - start) * each for start, stop in bounds]
        start, stop = bounds[self.rank]
        given = outputs[start:stop].copy()
        places = [start * each for start, _ in bounds]
        self._comm.Allgatherv(given, [outputs, counts, places, _type()])

    def add_gradients(self, gradient: Array, cut: ShardTree) -> Array:
        """Add this rank's sum and the others' as one process would; return a vector of its own.

        This rank's is left as it is: the engine relies on the zeros in it.

        Each rank adds a part of the vector for all, and then all parts go to all ranks: as many
        bytes as an ``Allreduce`` that goes around in a ring, but in an order of our own.
        """
        shares = self.shares(cut)
        roots = [share.start for share in shares if share]
        bounds = [number * gradient.size // self.size for number in range(self.size + 1)]
        counts = [bounds[number + 1] - bounds[number] for number in range(self.size)]
        width = counts[self.rank]
        parts = np.empty((len(roots), width), np.float32)
        received = [width if share else 0 for share in shares]
        sent = counts if shares[self.rank] else [0] * self.size
        self._comm.Alltoallv(
            [gradient, sent, bounds[:-1], _type()],
            [parts, received, list(accumulate([0, *received[:-1]])), _type()],
        )
        rows = dict(zip(roots, parts, strict=True))
        for first, second in cut.sums:
            if first in rows and second in rows:
                rows[first] += rows[second]
        total = np.empty_like(gradient)
        self._comm.Allgatherv(rows[0].copy(), [total, counts, bounds[:-1], _type()])
        return total

    def all(self, value: str) -> list[str]:
        """What each rank gives, such as the checksum of its weights."""
        found: list[str] = self._comm.allgather(value)
        return found

    def require_equal(self, weights: Array, epoch: int) -> None:
        """Find out whether all ranks have the same weights.

        Raises:
            ArithmeticError: They have not: the ranks' processors or BLAS libraries round otherwise.
        """
        sums = self.all(hashlib.sha256(weights.tobytes()).hexdigest())
        others = [str(rank) for rank, each in enumerate(sums) if each != sums[0]]
        if others:
            raise ArithmeticError(
                f"after epoch {epoch} the weights of rank {', '.join(others)} differ from those of "
                "rank 0; run all ranks on the same kind of processor, with the same NumPy and BLAS"
            )

    def any(self, wish: bool) -> bool:
        """Whether any rank wishes it; every one gets the same answer."""
        return any(self._comm.allgather(bool(wish)))

    def abort(self, error: BaseException) -> None:
        """End all ranks, with a line that says why: the others wait for this one, and for ever."""
        sys.stdout.flush()
        sys.stderr.write(
            f"numcnn: rank {self.rank} of {self.size} failed, so all end: "
            f"{type(error).__name__}: {error}"
            "\n"
        )
        sys.stderr.flush()
        self.end(1)

    def end(self, status: int) -> None:
        """End all ranks with an exit status."""
        sys.stderr.flush()
        self._comm.Abort(status)


def _type() -> Any:
    from mpi4py import MPI

    return MPI.FLOAT
