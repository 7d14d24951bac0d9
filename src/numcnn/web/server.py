"""The server: uvicorn, with what it lacks for standing in the open.

A connection that sends no request, or only the beginning of one, or that does not take its answer,
is closed after a while: uvicorn alone would keep it for ever. A process that is asked to end
finishes what is in hand, and has ended after `ENDS` seconds, whatever runs.
"""

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import HANDLED_SIGNALS

from numcnn.web.app import create_app
from numcnn.web.concurrency import THREADS
from numcnn.web.metrics import FOLDER
from numcnn.web.settings import Limits, Settings

ENDS = 24.0
"""Seconds in which a process has ended after it was asked to, even if a thread of it hangs."""

_GRACE = 22  # s: for what is in hand at the end; what is not done then is told so
_log = logging.getLogger("numcnn.web")


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 that waits for a request's head and for its answer to be taken, but not for ever."""

    header_seconds = Limits.header_seconds
    answer_seconds = Limits.body_seconds

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start without a clock."""
        super().__init__(*args, **kwargs)
        self._clock: asyncio.TimerHandle | None = None
        self._untaken: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._start_clock()

    def on_message_begin(self) -> None:
        """Start the clock with the first byte of a further request."""
        if self._clock is None:
            self._start_clock()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop the clock."""
        self._stop_clock()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_clock()
        self._stop_waiting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to take what was sent."""
        super().pause_writing()
        self._stop_waiting()
        # To close it would be to wait until all is sent.
        self._untaken = self.loop.call_later(self.answer_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has taken it."""
        self._stop_waiting()
        super().resume_writing()

    def _stop_waiting(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def _start_clock(self) -> None:
        self._clock = self.loop.call_later(self.header_seconds, self._close)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _close(self) -> None:
        self._clock = None
        if not self.transport.is_closing():
            self.transport.close()


@final
class Server(uvicorn.Server):
    """uvicorn that has ended in time, whatever runs."""

    ended_by: int | None = None
    """The signal that asked it to end."""

    def end(self) -> None:
        """Finish what is in hand, and end; any thread may ask for that, and a signal's handler."""
        self.should_exit = True
        # The last resort, if this process hangs: its clock needs neither Python nor a free thread.
        try:
            faulthandler.dump_traceback_later(ENDS, exit=True)
        except (AttributeError, OSError, RuntimeError, ValueError):  # no standard error to write to
            null = os.open(os.devnull, os.O_WRONLY)
            faulthandler.dump_traceback_later(ENDS, exit=True, file=null)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End; at once if it was asked to before."""
        if self.ended_by is not None:
            os._exit(128 + sig)
        self.ended_by = sig
        self.end()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `handling`, which begins before and ends after."""
        yield


@contextlib.contextmanager
def handling(handlers: Mapping[int, Any]) -> Iterator[None]:
    """Let signals be handled as given; elsewhere than in the main thread, where none arrive, not.

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


def serve(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    *,
    is_browser_opened: bool = False,
    tell: Callable[[str], None] = print,
) -> None:
    """Run the application until the process is asked to end.

    SIGTERM and SIGINT let what is in hand finish, for at most `ENDS` seconds; a second one ends the
    process at once.

    Args:
        settings: How the application runs.
        host: The address to listen at.
        port: The port; 0 for one that is free.
        workers: How many processes.
        is_browser_opened: Whether to open the page in the user's browser.
        tell: Is given the page's address, once it can be reached.

    Raises:
        OSError: The port is taken, or there is no such address here.
        ValueError: The model is damaged, or for something else than digits.
        KeyboardInterrupt: SIGINT ended it.
    """
    # Made here even where other processes serve: what is wrong is to be known before they start.
    app = create_app(settings)
    listener = _listen(host, port)
    address = _address(host, listener)
    prepare(settings)

    def announce() -> None:
        with contextlib.suppress(OSError):  # nobody reads it
            tell(f"numcnn reads at {address} (Ctrl-C ends it)")
        if is_browser_opened:
            opening = threading.Timer(0.5, webbrowser.open, [address])
            opening.daemon = True
            opening.start()

    if workers > 1:
        del app
        signals = _supervised(settings, listener, workers, announce)
        if len(signals) > 1:
            os._exit(128 + signals[-1])
    else:
        ended_by = run(app, listener, announce)
        signals = [] if ended_by is None else [ended_by]
    if signal.SIGINT in signals:
        raise KeyboardInterrupt


def run(app: ASGIApp, listener: socket.socket, announce: Callable[[], None]) -> int | None:
    """Serve from this process until it is asked to end.

    Args:
        app: The application.
        listener: Where to accept connections.
        announce: Is called as soon as nothing that is asked, a signal included, gets lost.

    Returns:
        The signal that asked it to end, if it was one.

    Raises:
        OSError: It did not start.
    """
    server = Server(configuration(app))
    with handling(dict.fromkeys(HANDLED_SIGNALS, server.handle_exit)):
        announce()
        try:
            server.run([listener])
        except SystemExit as error:  # uvicorn's, after its log has said why
            raise OSError("the server did not start; the log above says why") from error
        leave_threads(128 + signal.SIGINT if server.ended_by == signal.SIGINT else 0)
        faulthandler.cancel_dump_traceback_later()
    return server.ended_by


def configuration(app: ASGIApp) -> uvicorn.Config:
    """Make uvicorn's settings."""
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_config=None,
        log_level="warning",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_GRACE,
    )


def leave_threads(status: int) -> None:
    """End the process if a thread still computes: everybody is answered, and Python would wait.

    Args:
        status: The process's exit status then.
    """
    threads = [each for each in threading.enumerate() if each.name.startswith(THREADS)]
    for thread in threads:
        thread.join(0.5)
    if any(thread.is_alive() for thread in threads):
        _log.warning("a picture is still worked on; the process ends without waiting for it")
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        os._exit(status)


def _supervised(
    settings: Settings, listener: socket.socket, workers: int, announce: Callable[[], None]
) -> list[int]:
    """Let other processes serve; return the signals that ended it."""
    from numcnn.web.supervisor import Supervisor

    with tempfile.TemporaryDirectory(prefix="numcnn-") as folder:
        os.environ[FOLDER] = folder
        supervisor = Supervisor(settings, listener, workers)
        with handling(dict.fromkeys(HANDLED_SIGNALS, supervisor.handle_exit)):
            announce()
            supervisor.run()
    return supervisor.signals


def prepare(settings: Settings) -> None:
    """Set what all of a process shares: how it logs, and how long it waits for a client."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    PatientProtocol.header_seconds = settings.limits.header_seconds
    PatientProtocol.answer_seconds = settings.limits.body_seconds


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OSError(
            f"cannot listen at {host}, port {port} ({reason}); give another --port, or 0 for one "
            "that is free"
        ) from error


def _address(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"
