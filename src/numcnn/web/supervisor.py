"""The supervisor: several processes that serve, and one that looks after them.

A worker that dies, or that does not move any more, is replaced. When the supervisor dies, however
it does, the workers notice it by the pipe to it and end too.
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
from numcnn.web.server import ENDS, Server, configuration, handling, leave_threads, prepare
from numcnn.web.settings import Settings

_TICK = 0.2  # s: how often the supervisor looks
_BEAT = 1.0  # s: how often a worker says that it lives
_HUNG = 125  # looks, one after the other, without a word: a worker is taken for hung
_START = 1000  # looks: how much longer it may take to its first word, on a machine that is busy
_SOON = 10.0  # s: a worker that ends sooner is replaced after a pause, which doubles each time
_LONGEST_PAUSE = 30.0  # s
_spawn = multiprocessing.get_context("spawn")
_log = logging.getLogger("numcnn.web")


class _Worker:
    """A process that serves."""

    def __init__(self, settings: Settings, listener: socket.socket, failures: int) -> None:
        """Start it.

        Args:
            settings: How the application runs.
            listener: Where to accept connections.
            failures: How many before it ended soon, one after the other.
        """
        self._pipe, theirs = _spawn.Pipe(duplex=False)
        # A daemon, in Python's sense, is not waited for should the supervisor end by an error.
        self.process: SpawnProcess = _spawn.Process(
            target=_work, args=(settings, listener, theirs), daemon=True
        )
        with theirs:
            self.process.start()
        self._failures = failures
        self._started = time.monotonic()
        self._silent = -_START

    def look(self) -> bool:
        """Tell whether it runs and moves; one that is hung is killed."""
        # Looks are counted, not seconds: of those, any number may pass while all processes rest,
        # in a container that is paused.
        self._silent += 1
        with contextlib.suppress(EOFError, OSError):
            while self._pipe.poll():
                self._pipe.recv_bytes()
                self._silent = 0
        if self._silent > _HUNG and self.process.is_alive():
            _log.error("worker %d is hung and is killed", self.process.pid)
            self.process.kill()
            self.process.join()
        return self.process.is_alive()

    def bury(self) -> tuple[int, float]:
        """Clean up after its end.

        Returns:
            How many have ended soon, one after the other; and in how many seconds another may
            start.
        """
        pid, status = self.process.pid, self.process.exitcode
        is_soon = time.monotonic() - self._started < _SOON
        failures = self._failures + 1 if is_soon else 0
        pause = min(_LONGEST_PAUSE, 2.0**failures - 1)
        _log.error("worker %d ended (%s); another starts in %g s", pid, _told(status), pause)
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
        self._pipe.close()
        self.process.close()
        return failures, pause


@final
class Supervisor:
    """Keeps so many workers running."""

    def __init__(self, settings: Settings, listener: socket.socket, workers: int) -> None:
        """Take what `serve` was given."""
        self._settings, self._listener, self._number = settings, listener, workers
        self.signals: list[int] = []

    def handle_exit(self, number: int, frame: FrameType | None) -> None:
        """Remember a signal; `run` does what it asks for."""
        self.signals.append(number)

    def run(self) -> None:
        """Look after the workers until a signal asks to end, and then end them."""
        workers: dict[int, _Worker] = {}
        failures, due = [0] * self._number, [0.0] * self._number
        while not self.signals:
            for place in range(self._number):
                worker = workers.get(place)
                if worker is not None and not worker.look():
                    failures[place], pause = workers.pop(place).bury()
                    due[place] = time.monotonic() + pause
                if place not in workers and time.monotonic() >= due[place]:
                    try:
                        workers[place] = _Worker(self._settings, self._listener, failures[place])
                    except OSError as error:
                        _log.error("no worker can be started (%s)", error)
                        due[place] = time.monotonic() + _LONGEST_PAUSE
            time.sleep(_TICK)
        self._end([worker.process for worker in workers.values()])

    def _end(self, processes: list[SpawnProcess]) -> None:
        # Nobody accepts any more: who comes now is to be refused, not to wait.
        self._listener.close()
        for process in processes:
            process.terminate()
        ends = time.monotonic() + ENDS
        while len(self.signals) == 1 and time.monotonic() < ends:
            if not any(process.is_alive() for process in processes):
                return
            time.sleep(_TICK / 4)
        for process in processes:
            if process.is_alive():
                _log.warning("worker %d has not ended and is killed", process.pid)
                process.kill()
                process.join()


def _work(settings: Settings, listener: socket.socket, pipe: Connection) -> None:
    """Serve, as a worker."""
    # Ctrl-C in a terminal reaches all processes; the supervisor passes it on once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_beat, args=(pipe,), daemon=True).start()
    prepare(settings)
    server = Server(configuration(create_app(settings)))
    # A second one, such as from a service manager that asks all processes, cuts nothing short.
    others = set(HANDLED_SIGNALS) - {signal.SIGINT}
    handlers: dict[int, Any] = {each: lambda *_: server.end() for each in others}
    with handling(handlers):
        server.run([listener])
        leave_threads(0)
        faulthandler.cancel_dump_traceback_later()


def _beat(pipe: Connection) -> None:
    """Tell the supervisor that this worker lives; without one, end."""
    try:
        while True:
            pipe.send_bytes(b".")
            time.sleep(_BEAT)
    except OSError:
        _log.warning("the supervisor is gone; this worker ends too")
        os.kill(os.getpid(), signal.SIGTERM)


def _told(status: int | None) -> str:
    """Say how a process ended."""
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
    return f"exit status {status}"
