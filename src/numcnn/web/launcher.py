"""What ``numcnn serve`` runs: a socket, and one process or several that answer on it."""

import contextlib
import os
import signal
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable

from uvicorn.server import HANDLED_SIGNALS

from numcnn.web.app import create_app
from numcnn.web.metrics import MULTIPROCESS_DIR
from numcnn.web.server import configure_process, run, signal_handlers
from numcnn.web.settings import Settings
from numcnn.web.supervisor import Supervisor


def serve(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    *,
    is_browser_opened: bool = False,
    tell: Callable[[str], None] = print,
) -> None:
    """Run the application until a signal tells the process to stop.

    After SIGTERM or SIGINT, the requests in progress are finished, for at most
    `numcnn.web.server.SHUTDOWN_TIMEOUT` seconds; a second signal ends the process at once.

    Args:
        settings: The settings of the application.
        host: The address to listen on.
        port: The port; 0 for one that is free.
        workers: How many processes answer requests.
        is_browser_opened: Whether to open the page in the user's browser.
        tell: Is called with the page's address as soon as the server accepts connections.

    Raises:
        OSError: The port is in use, or this machine has no such address.
        ValueError: The model file is damaged, or its model does not read digits.
        KeyboardInterrupt: SIGINT stopped it.
    """
    # Created here even if workers will serve, so that errors show before any of them starts.
    app = create_app(settings)
    listener = _listen(host, port)
    address = _address(host, listener)
    configure_process(settings)

    def announce() -> None:
        with contextlib.suppress(OSError):  # standard output is closed
            tell(f"numcnn reads at {address} (Ctrl-C ends it)")
        if is_browser_opened:
            opening = threading.Timer(0.5, webbrowser.open, [address])
            opening.daemon = True
            opening.start()

    if workers > 1:
        del app
        signals = _run_workers(settings, listener, workers, announce)
        if len(signals) > 1:
            os._exit(128 + signals[-1])
    else:
        stopped_by = run(app, listener, announce)
        signals = [] if stopped_by is None else [stopped_by]
    if signal.SIGINT in signals:
        raise KeyboardInterrupt


def _run_workers(
    settings: Settings, listener: socket.socket, workers: int, announce: Callable[[], None]
) -> list[int]:
    """Supervise worker processes that serve; return the signals that stopped it."""
    with tempfile.TemporaryDirectory(prefix="numcnn-") as folder:
        os.environ[MULTIPROCESS_DIR] = folder
        supervisor = Supervisor(settings, listener, workers)
        with signal_handlers(dict.fromkeys(HANDLED_SIGNALS, supervisor.handle_exit)):
            announce()
            supervisor.run()
    return supervisor.signals


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OSError(
            f"cannot listen on {host}, port {port} ({reason}); give another --port, or 0 for a "
            "free one"
        ) from error


def _address(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"
