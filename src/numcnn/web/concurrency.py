"""The concurrency limiter: a few pictures are computed at a time, some more wait in a queue.

All others are refused with 429.
"""

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
from numcnn.web.client_shares import ClientShares
from numcnn.web.errors import ProblemError
from numcnn.web.memory import trim
from numcnn.web.metrics import Metrics
from numcnn.web.settings import Limits

Result = TypeVar("Result")

THREAD_NAME_PREFIX = "numcnn-web"
"""How the names of the worker threads begin."""

_TRIM_DELAY = 2.0  # seconds from the end of a job until free memory is returned
_REFUSAL_DELAY = 0.2  # seconds before a request is refused


@final
@dataclass(frozen=True, eq=False)
class _Job:
    work: Callable[[], Any]
    client: str | None
    expires: float  # by time.monotonic()
    outcome: asyncio.Future[tuple[Any, BaseException | None]]

    def compute(self, seconds: float) -> Any:
        with deadline(min(seconds, max(0.0, self.expires - time.monotonic()))):
            return self.work()


@final
class _Queue:
    """The jobs that wait, and the quota of those that run."""

    def __init__(self, max_running: int, client_share: float, seconds: float) -> None:
        self.running = ClientShares(max_running, client_share)
        self.seconds = seconds
        self.waiting: list[_Job] = []


@final
class ConcurrencyLimiter:
    """A thread pool with a bounded queue, timeouts, and a fair share for each client.

    Nothing waits without limit: if the queue is full, a request is refused after a moment, and if
    waiting or computing takes too long, it is answered with an error. A thread cannot be stopped
    from outside. So the work runs under a deadline that it checks itself, and counts as running
    until it has ended.

    How much time a picture takes is not known in advance. So that slow ones do not delay the
    others, a computation that is not done after a moment stops, and starts again from a queue for
    slow ones. One client gets only a share of each queue and of the threads, so that others are
    served, too.
    """

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        """Start empty; threads are created when they are needed."""
        self._limits, self._metrics = limits, metrics
        self._executor: ThreadPoolExecutor | None = None
        self._trim_timer: asyncio.TimerHandle | None = None
        share = limits.max_client_share
        self._admitted = ClientShares(limits.max_concurrency + limits.max_queued, share)
        self._fast = _Queue(limits.max_concurrency, share, limits.fast_timeout)
        self._slow = _Queue(limits.max_slow_concurrency, share, limits.request_timeout)

    @property
    def in_progress(self) -> int:
        """How many jobs run or wait."""
        return self._admitted.used

    @property
    def is_full(self) -> bool:
        """Whether every new job is refused."""
        return self._admitted.is_exhausted

    async def run(self, work: Callable[[], Result], client: str | None = None) -> Result:
        """Run a function on one of the threads.

        Args:
            work: The function. It stops by itself, by calling
                `numcnn.handwriting.vision.check_deadline` as it goes on.
            client: The client's address, for its share; None for the server's own work.

        Returns:
            What the function returned.

        Raises:
            ProblemError: The queue is full (429), or it took too long (503).
        """
        if not self._admitted.allows(client):
            # Clients that are refused tend to retry at once, which would leave no time for others.
            await asyncio.sleep(_REFUSAL_DELAY)
            raise ProblemError(
                429, "too many pictures at once; try again soon", {"Retry-After": "1"}
            )
        loop, seconds = asyncio.get_running_loop(), self._limits.request_timeout
        job = _Job(work, client, time.monotonic() + seconds, loop.create_future())
        self._admitted.acquire(client)
        self._metrics.in_progress.inc()
        self._fast.waiting.append(job)
        self._start_jobs(loop)
        error: BaseException | None = None
        try:
            result: Result
            result, error = await asyncio.wait_for(job.outcome, seconds)
            if error is not None:
                raise error
        except (TimeoutError, DeadlineExceeded) as late:
            self._metrics.timeouts.inc()
            raise ProblemError(
                503,
                f"not done within {seconds:g} seconds; try again later, or send a simpler picture",
                {"Retry-After": "5"},
            ) from late
        finally:
            for queue in (self._fast, self._slow):
                if job in queue.waiting:
                    queue.waiting.remove(job)
                    self._release(job)
            # An error's traceback refers to this frame, and these variables to the error: a cycle,
            # which would keep the picture in memory until the garbage collector runs.
            del work, job, error
        return result

    def close(self) -> None:
        """Let the threads end when their jobs are done; a later `run` creates new ones."""
        if self._trim_timer is not None:
            self._trim_timer.cancel()
            self._trim_timer = None
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    def _start_jobs(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the jobs that may run: in their order, except for clients beyond their share."""
        for queue in (self._fast, self._slow):
            for job in tuple(queue.waiting):
                if queue.running.is_exhausted:
                    break
                if queue.running.allows(job.client):
                    queue.waiting.remove(job)
                    queue.running.acquire(job.client)
                    future = self._threads().submit(job.compute, queue.seconds)
                    future.add_done_callback(partial(self._job_done, loop, queue, job))

    def _threads(self) -> ThreadPoolExecutor:
        if self._executor is None:
            number = self._limits.max_concurrency + self._limits.max_slow_concurrency
            self._executor = ThreadPoolExecutor(number, THREAD_NAME_PREFIX)
        return self._executor

    def _job_done(
        self, loop: asyncio.AbstractEventLoop, queue: _Queue, job: _Job, done: Future[Any]
    ) -> None:
        """Pass an outcome from its thread to the event loop."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self._finish, loop, queue, job, done)

    def _finish(
        self, loop: asyncio.AbstractEventLoop, queue: _Queue, job: _Job, done: Future[Any]
    ) -> None:
        queue.running.release(job.client)
        error = done.exception()
        has_expired = job.outcome.done()
        if isinstance(error, DeadlineExceeded) and queue is self._fast and not has_expired:
            self._slow.waiting.append(job)
        else:
            self._release(job)
            _clear_frames(error)
            if not has_expired:
                job.outcome.set_result((None if error else done.result(), error))
        self._start_jobs(loop)
        if self._trim_timer is None:
            self._trim_timer = loop.call_later(_TRIM_DELAY, self._trim)

    def _trim(self) -> None:
        self._trim_timer = None
        if self._executor is not None:
            self._executor.submit(trim)

    def _release(self, job: _Job) -> None:
        self._admitted.release(job.client)
        self._metrics.in_progress.dec()


def _clear_frames(error: BaseException | None) -> None:
    """Drop the local variables in an error's traceback, which refer to the picture and its job."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
