"""The gate: a few pictures are worked on at a time, a few more wait, and the rest is sent away."""

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, final

from numcnn.handwriting.vision import DeadlineExceeded, deadline
from numcnn.web.errors import Problem
from numcnn.web.memory import trim
from numcnn.web.metrics import Metrics
from numcnn.web.places import Places
from numcnn.web.settings import Limits

Result = TypeVar("Result")

THREADS = "numcnn-web"
"""What the names of the threads that compute begin with."""

_TRIM = 2.0  # seconds from the end of some work until free memory is given back
_REFUSAL = 0.2  # seconds until somebody is sent away


@final
@dataclass(frozen=True, eq=False)
class _Job:
    work: Callable[[], Any]
    client: str | None
    ends: float  # by the monotonic clock
    answer: asyncio.Future[tuple[Any, BaseException | None]]

    def compute(self, seconds: float) -> Any:
        with deadline(min(seconds, max(0.0, self.ends - time.monotonic()))):
            return self.work()


@final
class _Lane:
    """Some threads' worth of work, and the line of what waits for it."""

    def __init__(self, at_once: int, share: float, seconds: float) -> None:
        self.working = Places(at_once, share)
        self.seconds = seconds
        self.line: list[_Job] = []


@final
class Gate:
    """Threads that compute, off the event loop, and the line of those who wait for one.

    Nothing here waits without end: whoever finds the line full is told so after a moment, and
    whoever waits or computes too long is told so then. A thread cannot be stopped from outside, so
    the work runs under a deadline that it keeps itself, and its place is taken until it is done.

    What a picture costs shows only on the way. So that slow ones do not hold up the others, what is
    not done after a moment stops and begins anew in a lane of its own. And one client gets only a
    share of each lane and of the line, so that there is room for others.
    """

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        """Take the limits, and what counts."""
        self._limits, self._metrics = limits, metrics
        self._threads: ThreadPoolExecutor | None = None
        self._trimming: asyncio.TimerHandle | None = None
        self._inside = Places(limits.at_once + limits.waiting, limits.share)
        self._quick = _Lane(limits.at_once, limits.share, limits.quick_seconds)
        self._slow = _Lane(limits.slow_at_once, limits.share, limits.seconds)

    @property
    def inside(self) -> int:
        """How many are worked on or wait."""
        return self._inside.taken

    @property
    def is_full(self) -> bool:
        """Whether everybody who comes now is sent away."""
        return self._inside.are_full

    async def run(self, work: Callable[[], Result], client: str | None = None) -> Result:
        """Compute something on one of the threads.

        Args:
            work: What to compute; it stops itself by `numcnn.handwriting.vision.check_deadline`.
            client: Whose it is; None for the server's own.

        Raises:
            Problem: There is no place (429), or it took too long (503).
        """
        if not self._inside.have(client):
            # Many who are sent away at once come back at once, and leave no time for the others.
            await asyncio.sleep(_REFUSAL)
            raise Problem(429, "too many pictures at once; try again soon", {"Retry-After": "1"})
        loop, seconds = asyncio.get_running_loop(), self._limits.seconds
        job = _Job(work, client, time.monotonic() + seconds, loop.create_future())
        self._inside.take(client)
        self._metrics.working.inc()
        self._quick.line.append(job)
        self._begin(loop)
        error: BaseException | None = None
        try:
            result: Result
            result, error = await asyncio.wait_for(job.answer, seconds)
            if error is not None:
                raise error
        except (TimeoutError, DeadlineExceeded) as late:
            self._metrics.deadlines.inc()
            raise Problem(
                503,
                f"not done within {seconds:g} seconds; try again later, or send a simpler picture",
                {"Retry-After": "5"},
            ) from late
        finally:
            for lane in (self._quick, self._slow):
                if job in lane.line:
                    lane.line.remove(job)
                    self._leave(job)
            # An error's traceback holds this frame, and these hold the error: a circle, with the
            # picture in it, until a garbage collection comes by.
            del work, job, error
        return result

    def close(self) -> None:
        """Let the threads end when what they do is done; `run` makes new ones."""
        if self._trimming is not None:
            self._trimming.cancel()
            self._trimming = None
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin what may: first come, first served, but nobody beyond his share."""
        for lane in (self._quick, self._slow):
            for job in tuple(lane.line):
                if lane.working.are_full:
                    break
                if lane.working.have(job.client):
                    lane.line.remove(job)
                    lane.working.take(job.client)
                    future = self._pool().submit(job.compute, lane.seconds)
                    future.add_done_callback(partial(self._done, loop, lane, job))

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:
            number = self._limits.at_once + self._limits.slow_at_once
            self._threads = ThreadPoolExecutor(number, THREADS)
        return self._threads

    def _done(
        self, loop: asyncio.AbstractEventLoop, lane: _Lane, job: _Job, done: Future[Any]
    ) -> None:
        """Bring an answer from its thread to the event loop."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(self._finish, loop, lane, job, done)

    def _finish(
        self, loop: asyncio.AbstractEventLoop, lane: _Lane, job: _Job, done: Future[Any]
    ) -> None:
        lane.working.leave(job.client)
        error = done.exception()
        is_late = job.answer.done()  # its time was over before
        if isinstance(error, DeadlineExceeded) and lane is self._quick and not is_late:
            self._slow.line.append(job)
        else:
            self._leave(job)
            _forget_work(error)
            if not is_late:
                job.answer.set_result((None if error else done.result(), error))
        self._begin(loop)
        if self._trimming is None:
            self._trimming = loop.call_later(_TRIM, self._trim)

    def _trim(self) -> None:
        self._trimming = None
        if self._threads is not None:
            self._threads.submit(trim)

    def _leave(self, job: _Job) -> None:
        self._inside.leave(job.client)
        self._metrics.working.dec()


def _forget_work(error: BaseException | None) -> None:
    """Let go of what the frames of an error's traceback hold: the picture, and its job."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
