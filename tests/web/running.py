"""A server in a process of its own, as ``numcnn serve`` runs it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numcnn
from numcnn.web.settings import Settings

PROGRAM = """
import sys
from numcnn.web import Settings, serve
from numcnn.web.settings import Settings
serve(Settings.from_json(sys.argv[1]), port=0, workers=int(sys.argv[2]),
      tell=lambda text: print(text, flush=True))
"""


@dataclass
class Running:
    """A server that runs."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    def stop(self) -> int:
        """Ask it to end, and wait until it has."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def running(settings: Settings | None = None, workers: int = 1) -> Iterator[Running]:
    """Run a server on a free port; it has ended afterwards."""
    environment = {**os.environ, "PYTHONPATH": str(Path(numcnn.__file__).parent.parent)}
    words = [sys.executable, "-c", PROGRAM, (settings or Settings()).as_json(), str(workers)]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with (
            log.open("w") as errors,
            subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            ) as process,
        ):
            try:
                assert process.stdout is not None
                told = process.stdout.readline()
                assert told.startswith("numcnn reads at http://"), log.read_text()
                yield Running(process, told.split()[3], log)
            finally:
                if process.poll() is None:
                    process.terminate()
                    try:
                        process.wait(30)
                    except subprocess.TimeoutExpired:
                        process.kill()
