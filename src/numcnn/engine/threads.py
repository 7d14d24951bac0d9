"""Threads that run lists of tasks in parallel and meet after each phase.

Python runs one thread at a time, but NumPy lets go of the interpreter inside every product and
every long array operation, so two threads that only call NumPy keep two cores busy. What is cut
over the threads is fixed beforehand: a batch has *shards*, and a thread runs whole shards. Two
threads run two shards side by side, one thread runs them in turn, and the numbers are the same.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import final

from numcnn.engine import hardware
from numcnn.engine.blas import one_blas_thread
from numcnn.engine.block import Block

Task = Callable[[], None]


@final
class Phase:
    """One thing that all shards do, each its part, before anybody goes on.

    Attributes:
        shards: For each shard its tasks, in order.
        join: What one thread does after all shards are through, before the next round.
    """

    def __init__(self, shards: Sequence[Sequence[Task]], join: Task | None = None) -> None:
        self.shards = shards
        self.join = join


@final
class Threads(Block):
    """A number of threads, the caller's included, that live as long as the ``with`` block.

    Where the system allows it, and if ``pinned``, each thread is tied to a core of its own: two
    threads that land on one core run in turn, and nothing else tells. For a moment's work, beside
    other threads, that would do more harm than good; and so it would where more cores are free than
    are needed, since another process might choose the same ones.

    >>> with Threads(2) as threads:
    ...     threads.run([Phase([[lambda: print("a")], []]), Phase([[], [lambda: print("b")]])])
    a
    b
    """

    def __init__(self, count: int, *, pinned: bool = True) -> None:
        self.count = count
        self._pinned = pinned
        self._tasks: list[SimpleQueue[Task | None]] = []
        self._threads: list[threading.Thread] = []
        self._process = 0
        self._before: set[int] = set()
        self._outer: list[int] = []

    def __del__(self) -> None:
        # Ctrl-C can come before the first step of __exit__, which then does nothing.
        self._dismiss()

    def _start(self) -> None:
        cores = _cores()
        pinned = self._pinned and len(cores) == self.count > 1
        # A new thread inherits where its maker is tied to, and two on that core are too many.
        elsewhere = set(cores) - _affinity() or set(cores)
        self._process = os.getpid()
        for number in range(1, self.count):
            tasks: SimpleQueue[Task | None] = SimpleQueue()
            thread = threading.Thread(
                target=_serve,
                args=(tasks, {cores[number]} if pinned else elsewhere),
                name=f"numcnn worker {number}",
                daemon=True,
            )
            # Before it starts: whatever comes in between, it will be told to end.
            self._tasks.append(tasks)
            self._threads.append(thread)
            thread.start()
        if pinned:
            self._before, self._outer = _affinity(), _tied.cores
            _tied.cores = cores
            _tie_to({cores[0]})

    def _dismiss(self) -> None:
        """Tell the threads to end when they are done."""
        for tasks in self._tasks:
            tasks.put(None)

    def _end(self) -> None:
        self._dismiss()
        if self._before:
            _tie_to(self._before)
            _tied.cores = self._outer
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._tasks, self._threads, self._before, self._outer = [], [], set(), []

    def run(self, phases: Sequence[Phase]) -> None:
        """Go through the rounds.

        Raises:
            BaseException: What the first task that failed raised. The others stop at the end of
                the round at the latest, and the threads can be used again.
        """
        # In a process that was forked off inside the block there are no other threads.
        if not self._threads or self._process != os.getpid():
            for turn in phases:
                for shard in turn.shards:
                    for task in shard:
                        task()
                if turn.join is not None:
                    turn.join()
            return
        last = phases[-1] if phases else None
        count = min(self.count, max((len(turn.shards) for turn in phases), default=1) or 1)
        threads = self._tasks[: count - 1]
        # The last one to arrive does the joint task, and all go on when it is done.
        joins = iter([turn.join for turn in phases if turn.join is not None or turn is not last])
        meeting = threading.Barrier(count, lambda: (next(joins) or _nothing)())
        done: SimpleQueue[None] = SimpleQueue()
        failures: list[BaseException] = []

        def go(number: int) -> None:
            try:
                _walk(phases, number, count, meeting)
            except BaseException as error:
                meeting.abort()
                failures.append(error)
            finally:
                done.put(None)

        try:
            for number, tasks in enumerate(threads, start=1):
                # In the caller's context: what numpy.errstate says there holds here.
                tasks.put(partial(copy_context().run, go, number))
            _walk(phases, 0, count, meeting)
            for _ in threads:
                done.get()
        except BaseException as error:
            # Also Ctrl-C, which can come between any two steps.
            meeting.abort()
            self._settle()
            failures.append(error)
        if failures:
            failures.sort(key=lambda failure: isinstance(failure, threading.BrokenBarrierError))
            first = failures[0]
            try:
                raise first
            finally:
                # They hold this frame, and so these threads: no rings.
                failures.clear()
                del first

    def _settle(self) -> None:
        """Wait until no thread is at work: nobody may still be writing when `run` returns."""
        while True:
            idle: SimpleQueue[None] = SimpleQueue()
            try:
                for tasks in self._tasks:
                    tasks.put(partial(idle.put, None))
                for _ in self._tasks:
                    idle.get()
            except BaseException:
                # Ctrl-C once more.
                continue
            return


def free_cores() -> int:
    """How many threads can run at once, also for a caller that is itself tied to one core."""
    return len(_cores()) or hardware.cores()


def _serve(tasks: SimpleQueue[Task | None], cores: set[int]) -> None:
    if cores:
        _tie_to(cores)
    # In each thread: some BLAS libraries count threads for each caller.
    with one_blas_thread():
        while True:
            task = tasks.get()
            if task is None:
                return
            task()
            # It holds the threads, which may be let go while this thread waits.
            del task


def _walk(phases: Sequence[Phase], number: int, count: int, meeting: threading.Barrier) -> None:
    """Run the shards of one thread, meeting the others at the end of each round."""
    last = phases[-1] if phases else None
    for turn in phases:
        for shard in turn.shards[number::count]:
            for task in shard:
                task()
        if turn.join is not None or turn is not last:
            meeting.wait()


def _nothing() -> None:
    """The join of a round without one."""


class _Tied(threading.local):
    """Of a thread that is tied to one core: the cores that it may use when it is free again."""

    def __init__(self) -> None:
        self.cores: list[int] = []


_tied = _Tied()


def _cores() -> list[int]:
    """The cores that this thread may use; none where the system does not say."""
    return _tied.cores or sorted(_affinity())


def _affinity() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _tie_to(cores: set[int]) -> None:
    """Let the calling thread run on these cores only. A hint: a refusal changes no result."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setaffinity(0, cores)


def _after_fork() -> None:
    """Let the one thread of a child run where its parent's threads could."""
    if _tied.cores:
        _tie_to(set(_tied.cores))
        _tied.cores = []


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
