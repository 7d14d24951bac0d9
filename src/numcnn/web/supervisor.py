"""The supervisor: a process that starts several worker processes, and replaces those that fail.

A worker that dies or stops responding is replaced. If the supervisor dies, even by SIGKILL, the
workers notice that their pipe to it is broken, and stop, too.
"""

import contextlib
import faulthandler
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any, final

from prometheus_client.multiprocess import mark_process_dead
from uvicorn.server import HANDLED_SIGNALS

from numcnn.web.app import create_app
from numcnn.web.server import (
    SHUTDOWN_TIMEOUT,
    Server,
    configure_process,
    exit_if_threads_hang,
    signal_handlers,
    uvicorn_config,
)
from numcnn.web.settings import Settings

_POLL_INTERVAL = 0.2  # s: how often the supervisor checks the workers
_HEARTBEAT_INTERVAL = 1.0  # s: how often a worker reports that it is alive
_MAX_MISSED_POLLS = 125  # checks in a row without a heartbeat until a worker counts as hung
_STARTUP_POLLS = 1000  # checks more until the first heartbeat, for a machine that is busy
_EARLY_EXIT = 10.0  # s: a worker that ends sooner is replaced after a pause, doubled each time
_MAX_PAUSE = 30.0  # s
_spawn = multiprocessing.get_context("spawn")
_log = logging.getLogger("numcnn.web")


class _Worker:
    """A worker process, as the supervisor sees it."""

    def __init__(self, settings: Settings, listener: socket.socket, early_exits: int) -> None:
        """Start the process.

        Args:
            settings: The settings of the application.
            listener: The socket that accepts connections.
            early_exits: How many workers before it ended early, one after the other.
        """
        self._pipe, theirs = _spawn.Pipe(duplex=False)
        # Python does not wait for a daemon process if the supervisor ends with an error.
        self.process: SpawnProcess = _spawn.Process(
            target=_work, args=(settings, listener, theirs), daemon=True
        )
        with theirs:
            self.process.start()
        self._early_exits = early_exits
        self._started = time.monotonic()
        self._missed_polls = -_STARTUP_POLLS

    def poll(self) -> bool:
        """Return whether the process is alive and responds; one that hangs is killed."""
        # Checks are counted and not seconds, which also pass while a container is paused and
        # neither the supervisor nor its workers run.
        self._missed_polls += 1
        with contextlib.suppress(EOFError, OSError):
            while self._pipe.poll():
                self._pipe.recv_bytes()
                self._missed_polls = 0
        if self._missed_polls > _MAX_MISSED_POLLS and self.process.is_alive():
            _log.error("worker %d is hung and is killed", self.process.pid)
            self.process.kill()
            self.process.join()
        return self.process.is_alive()

    def clean_up(self) -> tuple[int, float]:
        """Free what belongs to a process that has ended.

        Returns:
            How many workers have ended early, one after the other; and the seconds until the next
            one may start.
        """
        pid, status = self.process.pid, self.process.exitcode
        is_early = time.monotonic() - self._started < _EARLY_EXIT
        early_exits = self._early_exits + 1 if is_early else 0
        pause = min(_MAX_PAUSE, 2.0**early_exits - 1)
        _log.error("worker %d ended (%s); another starts in %g s", pid, _describe(status), pause)
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
        self._pipe.close()
        self.process.close()
        return early_exits, pause


@final
class Supervisor:
    """Keeps a number of worker processes running."""

    def __init__(self, settings: Settings, listener: socket.socket, workers: int) -> None:
        """Take the arguments of `serve`; `run` starts the workers."""
        self._settings, self._listener, self._workers = settings, listener, workers
        self.signals: list[int] = []

    def handle_exit(self, number: int, frame: FrameType | None) -> None:
        """Record a signal; `run` acts on it."""
        self.signals.append(number)

    def run(self) -> None:
        """Start workers and replace those that fail until there is a signal; then stop them all."""
        workers: dict[int, _Worker] = {}
        early_exits, due = [0] * self._workers, [0.0] * self._workers
        while not self.signals:
            for slot in range(self._workers):
                worker = workers.get(slot)
                if worker is not None and not worker.poll():
                    early_exits[slot], pause = workers.pop(slot).clean_up()
                    due[slot] = time.monotonic() + pause
                if slot not in workers and time.monotonic() >= due[slot]:
                    try:
                        workers[slot] = _Worker(self._settings, self._listener, early_exits[slot])
                    except OSError as error:
                        _log.error("no worker can be started (%s)", error)
                        due[slot] = time.monotonic() + _MAX_PAUSE
            time.sleep(_POLL_INTERVAL)
        self._stop([worker.process for worker in workers.values()])

    def _stop(self, processes: list[SpawnProcess]) -> None:
        # Nobody accepts connections any more: new ones should be refused instead of waiting.
        self._listener.close()
        for process in processes:
            process.terminate()
        expires = time.monotonic() + SHUTDOWN_TIMEOUT
        while len(self.signals) == 1 and time.monotonic() < expires:
            if not any(process.is_alive() for process in processes):
                return
            time.sleep(_POLL_INTERVAL / 4)
        for process in processes:
            if process.is_alive():
                _log.warning("worker %d has not ended and is killed", process.pid)
                process.kill()
                process.join()


def _work(settings: Settings, listener: socket.socket, pipe: Connection) -> None:
    """Serve; this is what a worker process runs."""
    # Ctrl-C in a terminal reaches all processes; the supervisor passes it on once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_send_heartbeats, args=(pipe,), daemon=True).start()
    configure_process(settings)
    server = Server(uvicorn_config(create_app(settings)))
    # Unlike in a single process, a second signal does not end it at once: a service manager may
    # send SIGTERM to all processes, in addition to the supervisor's.
    others = set(HANDLED_SIGNALS) - {signal.SIGINT}
    handlers: dict[int, Any] = {each: lambda *_: server.stop() for each in others}
    with signal_handlers(handlers):
        server.run([listener])
        exit_if_threads_hang(0)
        faulthandler.cancel_dump_traceback_later()


def _send_heartbeats(pipe: Connection) -> None:
    """Report to the supervisor that this worker is alive; stop if the supervisor is gone."""
    try:
        while True:
            pipe.send_bytes(b".")
            time.sleep(_HEARTBEAT_INTERVAL)
    except OSError:
        _log.warning("the supervisor is gone; this worker stops, too")
        os.kill(os.getpid(), signal.SIGTERM)


def _describe(status: int | None) -> str:
    """Describe how a process ended."""
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
    return f"exit status {status}"
