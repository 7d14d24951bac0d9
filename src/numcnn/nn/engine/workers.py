"""Threads that go through a list of tasks in step.

Python runs one thread at a time, but NumPy lets go of the interpreter inside every product and
every long array operation, so two threads that only call NumPy keep two cores busy. What is cut
over the threads is fixed beforehand: a batch has *lanes*, and a thread runs whole lanes. Two
threads run two lanes side by side, one thread runs them in turn, and the numbers are the same.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from queue import SimpleQueue
from types import TracebackType
from typing import Self, final

Task = Callable[[], None]


@final
class Round:
    """One thing that all lanes do, each its part, before anybody goes on.

    Attributes:
        lanes: For each lane its tasks, in order.
        join: What one thread does after all lanes are through, before the next round.
    """

    def __init__(self, lanes: Sequence[Sequence[Task]], join: Task | None = None) -> None:
        self.lanes = lanes
        self.join = join


@final
class Workers:
    """A number of threads, the caller's included, that live as long as the ``with`` block.

    Where the system allows it, and if ``pinned``, each thread is tied to a core of its own: two
    threads that land on one core run in turn, and nothing else tells. For a moment's work, beside
    other threads, that would do more harm than good.

    >>> with Workers(2) as workers:
    ...     workers.run([Round([[lambda: print("a")], []]), Round([[], [lambda: print("b")]])])
    a
    b
    """

    def __init__(self, count: int, *, pinned: bool = True) -> None:
        self.count = count
        self._pinned = pinned
        self._tasks: list[SimpleQueue[Task | None]] = []
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._cores: set[int] = set()

    def __enter__(self) -> Self:
        cores = _cores() if self._pinned else []
        for number in range(1, self.count):
            tasks: SimpleQueue[Task | None] = SimpleQueue()
            thread = threading.Thread(
                target=self._serve,
                args=(tasks, cores[number] if number < len(cores) else None),
                name=f"numcnn worker {number}",
                daemon=True,
            )
            self._tasks.append(tasks)
            self._threads.append(thread)
            thread.start()
        if self._threads and len(cores) >= self.count:
            self._cores = set(cores)
            _tie_to({cores[0]})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for tasks in self._tasks:
            tasks.put(None)
        for thread in self._threads:
            thread.join()
        if self._cores:
            _tie_to(self._cores)
        self._tasks, self._threads, self._cores = [], [], set()

    def run(self, rounds: Sequence[Round]) -> None:
        """Go through the rounds.

        Raises:
            BaseException: What the first task that failed raised. The others stop at the end of
                the round at the latest, and the workers can be used again.
        """
        if not self._threads:
            for turn in rounds:
                for lane in turn.lanes:
                    for task in lane:
                        task()
                if turn.join is not None:
                    turn.join()
            return
        meeting = threading.Barrier(self.count)

        def go(number: int) -> Task:
            # In the caller's context: what numpy.errstate says there holds here.
            context = copy_context()
            return lambda: context.run(_walk, rounds, number, self.count, meeting)

        for number, tasks in enumerate(self._tasks, start=1):
            tasks.put(go(number))
        failures = [_outcome(go(0))]
        # Also if the caller was interrupted: nobody may still be writing when this returns.
        waiting = len(self._threads)
        while waiting:
            try:
                failures.append(self._done.get())
                waiting -= 1
            except KeyboardInterrupt as interrupt:
                meeting.abort()
                failures.append(interrupt)
        broken = [failure for failure in failures if failure is not None]
        for failure in broken:
            if not isinstance(failure, threading.BrokenBarrierError):
                raise failure
        if broken:
            raise broken[0]

    def _serve(self, tasks: SimpleQueue[Task | None], core: int | None) -> None:
        if core is not None:
            _tie_to({core})
        while (task := tasks.get()) is not None:
            self._done.put(_outcome(task))


def _walk(rounds: Sequence[Round], number: int, count: int, meeting: threading.Barrier) -> None:
    """Run the lanes of one thread, meeting the others at the end of each round."""
    last = rounds[-1] if rounds else None
    try:
        for turn in rounds:
            for lane in turn.lanes[number::count]:
                for task in lane:
                    task()
            if turn.join is not None:
                # Twice: nobody goes on before the joint task is done.
                if meeting.wait() == 0:
                    turn.join()
                meeting.wait()
            elif turn is not last:
                meeting.wait()
    except BaseException:
        meeting.abort()
        raise


def _outcome(task: Task) -> BaseException | None:
    try:
        task()
    except BaseException as error:
        return error
    return None


def _cores() -> list[int]:
    """The cores that this thread may use; none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _tie_to(cores: set[int]) -> None:
    """Let the calling thread run on these cores only. A hint: a refusal changes no result."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setaffinity(0, cores)
