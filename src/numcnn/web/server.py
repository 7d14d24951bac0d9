"""The server: uvicorn, with a time limit on shutdown.

A process that is told to stop finishes the requests in progress, and has ended after
`SHUTDOWN_TIMEOUT` seconds, whatever its threads are doing.
"""

import contextlib
import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import HANDLED_SIGNALS

from numcnn.web.concurrency import THREAD_NAME_PREFIX
from numcnn.web.protocol import TimeoutProtocol
from numcnn.web.settings import Settings

SHUTDOWN_TIMEOUT = 24.0
"""Seconds from a signal until the process has ended, even if one of its threads hangs."""

_GRACEFUL_TIMEOUT = (
    22  # s: for the requests in progress; what is not done then is answered with 503
)
_log = logging.getLogger("numcnn.web")


@final
class Server(uvicorn.Server):
    """uvicorn that has shut down in time, whatever its threads are doing.

    Attributes:
        stopped_by: The signal that told it to stop, if it was one.
    """

    stopped_by: int | None = None

    def stop(self) -> None:
        """Finish the requests in progress and stop; may be called by any thread or signal handler.

        If that takes longer than `SHUTDOWN_TIMEOUT` seconds, the process ends with status 1.
        """
        self.should_exit = True
        # The last resort, if the whole process hangs: faulthandler's timer runs outside of Python.
        try:
            faulthandler.dump_traceback_later(SHUTDOWN_TIMEOUT, exit=True)
        except (AttributeError, OSError, RuntimeError, ValueError):  # there is no standard error
            null = os.open(os.devnull, os.O_WRONLY)
            faulthandler.dump_traceback_later(SHUTDOWN_TIMEOUT, exit=True, file=null)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; with the second signal, end the process at once."""
        if self.stopped_by is not None:
            os._exit(128 + sig)
        self.stopped_by = sig
        self.stop()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `signal_handlers`, which is entered earlier and left later."""
        yield


@contextlib.contextmanager
def signal_handlers(handlers: Mapping[int, Any]) -> Iterator[None]:
    """Install signal handlers until the block ends.

    Only the main thread receives signals; in another thread this does nothing.

    Args:
        handlers: A handler for each signal, as `signal.signal` takes it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(app: ASGIApp, listener: socket.socket, announce: Callable[[], None]) -> int | None:
    """Serve from this process until it is told to stop.

    Args:
        app: The application.
        listener: The socket that accepts connections.
        announce: Is called once connections and signals are handled.

    Returns:
        The signal that told it to stop, if it was one.

    Raises:
        OSError: The server did not start.
    """
    server = Server(uvicorn_config(app))
    with signal_handlers(dict.fromkeys(HANDLED_SIGNALS, server.handle_exit)):
        announce()
        try:
            server.run([listener])
        except SystemExit as error:  # raised by uvicorn, after it has logged the reason
            raise OSError("the server did not start; the log above says why") from error
        exit_if_threads_hang(128 + signal.SIGINT if server.stopped_by == signal.SIGINT else 0)
        faulthandler.cancel_dump_traceback_later()
    return server.stopped_by


def uvicorn_config(app: ASGIApp) -> uvicorn.Config:
    """Create uvicorn's configuration."""
    return uvicorn.Config(
        app,
        http=TimeoutProtocol,
        ws="none",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_config=None,
        log_level="warning",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_GRACEFUL_TIMEOUT,
    )


def exit_if_threads_hang(status: int) -> None:
    """End the process if a worker thread is still running, for which Python would wait.

    By now every client has its response.

    Args:
        status: The process's exit status in this case.
    """
    threads = [each for each in threading.enumerate() if each.name.startswith(THREAD_NAME_PREFIX)]
    for thread in threads:
        thread.join(0.5)
    if any(thread.is_alive() for thread in threads):
        _log.warning("a picture is still being read; the process ends without waiting for it")
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        os._exit(status)


def configure_process(settings: Settings) -> None:
    """Configure what a whole process shares: its log, and the timeouts of its connections."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    TimeoutProtocol.header_timeout = settings.limits.header_timeout
    TimeoutProtocol.response_timeout = settings.limits.body_timeout
