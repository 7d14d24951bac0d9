"""The gate: a few pictures are worked on at a time, a few more wait, and the rest is sent away."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, final

from numcnn.web.problems import Problem
from numcnn.web.settings import Limits

Result = TypeVar("Result")

_REFUSAL = 0.2  # seconds until somebody is sent away


@final
class Gate:
    """Threads that compute, off the event loop, and the line of those who wait for one.

    Nothing here waits without end: whoever finds the line full is told so after a moment, and
    whoever waits too long is told so then. A computation cannot be stopped once it runs, so it
    keeps its place until it is done, even if its client has long gone.
    """

    def __init__(self, limits: Limits) -> None:
        """Take the limits."""
        self._limits = limits
        self._threads: ThreadPoolExecutor | None = None
        self.inside = 0

    @property
    def is_full(self) -> bool:
        """Whether whoever comes now is sent away."""
        return self.inside >= self._limits.at_once + self._limits.waiting

    async def run(self, work: Callable[[], Result]) -> Result:
        """Compute something on one of the threads.

        Raises:
            Problem: There is no place (429), or it took too long (503).
        """
        if self.is_full:
            # Many who are sent away at once come back at once, and leave no time for the others.
            await asyncio.sleep(_REFUSAL)
            raise Problem(429, "too many pictures at once; try again soon", {"Retry-After": "1"})
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._limits.at_once, "numcnn-web")
        self.inside += 1
        loop = asyncio.get_running_loop()
        future = self._threads.submit(work)
        future.add_done_callback(lambda _: self._left(loop))
        try:
            # At the end of the time, who still waits in line is cancelled and so taken out of it.
            return await asyncio.wait_for(asyncio.wrap_future(future), self._limits.seconds)
        except TimeoutError as error:
            raise Problem(
                503,
                f"not done within {self._limits.seconds:g} seconds; try again later",
                {"Retry-After": "5"},
            ) from error

    def close(self) -> None:
        """Let the threads end when what they do is done; `run` makes new ones."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def _left(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody counts any more
            loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self.inside -= 1
