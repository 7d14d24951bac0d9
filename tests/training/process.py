"""Starting the worker, and talking to it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60
"""Seconds after which a worker that says nothing is given up."""


class Worker:
    """A training in another process; see `tests.training.worker`."""

    def __init__(self, case: str, folder: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.training.worker", case, folder, *options],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise AssertionError(line + self.process.communicate(timeout=PATIENCE)[1])

    def kill(self, number: int) -> int:
        """Send a signal that ends it; return how it ended."""
        self.process.send_signal(number)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode

    def answer(self) -> dict[str, Any]:
        """Let it go on to its end; return what it printed."""
        out, errors = self.process.communicate("go\n", timeout=PATIENCE)
        assert self.process.returncode == 0, errors
        answer: dict[str, Any] = json.loads(out)
        return answer
