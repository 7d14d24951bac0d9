"""A server in a process of its own, as ``numcnn serve`` runs it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numcnn
from numcnn.web import Limits

PROGRAM = """
import json, sys
from pathlib import Path
from numcnn.web import Limits, Settings, serve
exec(sys.argv[3])
collect = Path(sys.argv[4]) if sys.argv[4] else None
settings = Settings(collect=collect, limits=Limits(**json.loads(sys.argv[1])))
serve(settings, port=0, workers=int(sys.argv[2]),
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
def running(
    limits: Limits | None = None, workers: int = 1, before: str = "", collect: Path | None = None
) -> Iterator[Running]:
    """Run a server on a free port; it has ended afterwards.

    Args:
        limits: What one request may take; the usual limits if None.
        workers: How many processes.
        before: Python that the process runs before it serves.
        collect: Where it keeps pictures; None to keep none.
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(numcnn.__file__).parent.parent)}
    words = [
        sys.executable,
        "-c",
        PROGRAM,
        json.dumps(asdict(limits or Limits())),
        str(workers),
        before,
        str(collect or ""),
    ]
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
