"""The server: uvicorn, with what it lacks for standing in the open.

A connection that sends no request, or only the beginning of one, is closed after a while: uvicorn
alone would keep it for ever. What is in hand when the process is asked to end is finished.
"""

import asyncio
import logging
import os
import signal
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from numcnn.web.metrics import FOLDER
from numcnn.web.settings import Settings

_SETTINGS = "NUMCNN_SERVE"
_GRACE = 25  # seconds: for what is in hand at the end, and for another process to start


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 that waits for a request's head, but not for ever."""

    header_seconds = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start without a clock."""
        super().__init__(*args, **kwargs)
        self._clock: asyncio.TimerHandle | None = None

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
        """Stop the clock."""
        self._stop_clock()
        super().connection_lost(exc)

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
    """
    from numcnn.web.app import create_app

    # Made here even where other processes serve: what is wrong is to be known before they start.
    app: ASGIApp | str = create_app(settings)
    listener = _listen(host, port)
    address = _address(host, listener)
    _prepare(settings)
    os.environ[_SETTINGS] = settings.as_json()
    with tempfile.TemporaryDirectory(prefix="numcnn-") as folder:
        if workers > 1:
            os.environ[FOLDER] = folder
            app = "numcnn.web.server:app_of_worker"
        config = uvicorn.Config(
            app,
            factory=workers > 1,
            workers=workers,
            http=PatientProtocol,
            ws="none",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            log_config=None,
            log_level="warning",
            timeout_keep_alive=15,
            timeout_graceful_shutdown=_GRACE,
            timeout_worker_healthcheck=_GRACE,
        )
        tell(f"numcnn reads at {address} (Ctrl-C ends it)")
        if threading.current_thread() is threading.main_thread():
            # uvicorn finishes what is in hand and then sends itself the signal once more: this
            # function is to return all the same, and its folder to be removed.
            signal.signal(signal.SIGTERM, lambda *_: None)
        if is_browser_opened:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        if workers > 1:
            Multiprocess(config, sockets=[listener]).run()
        else:
            uvicorn.Server(config).run(sockets=[listener])


def app_of_worker() -> ASGIApp:
    """Make the application in a process that `serve` has started."""
    from numcnn.web.app import create_app

    settings = Settings.from_json(os.environ[_SETTINGS])
    _prepare(settings)
    return create_app(settings)


def _prepare(settings: Settings) -> None:
    """Set what all of a process shares: how it logs, and how long it waits for a head."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    PatientProtocol.header_seconds = settings.limits.header_seconds


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
