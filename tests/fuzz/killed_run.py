"""The command line, killed at one of the points where a run can be cut off.

    python -m tests.fuzz.killed_run POINT ARGUMENT...

The points are counted from 1 as the program comes by: each batch, and each step of writing a file,
also one in the middle of its bytes. At number POINT the process gets SIGKILL. If POINT is 0, it
runs to its end and writes the points' names to the file ``points.txt``, a line each.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numcnn.cli import main
from numcnn.engine import TrainingEngine

passed: list[str] = []


def passing(name: str, last: int) -> None:
    passed.append(name)
    if len(passed) == last:
        os.kill(os.getpid(), signal.SIGKILL)


def hooked(owner: Any, name: str, last: int, *, also_after: bool) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def call(*values: Any, **named: Any) -> Any:
        passing(f"before {name}", last)
        result = original(*values, **named)
        if also_after:
            passing(f"after {name}", last)
        return result

    setattr(owner, name, call)


def written_in_two_halves(name: str, last: int) -> None:
    original: Callable[..., Any] = getattr(Path, name)

    def call(path: Path, content: Any, **named: Any) -> Any:
        original(path, content[: len(content) // 2], **named)
        passing(f"in the middle of {name}", last)
        return original(path, content, **named)

    setattr(Path, name, call)


if __name__ == "__main__":
    last = int(sys.argv[1])
    hooked(TrainingEngine, "backward", last, also_after=False)
    hooked(os, "fsync", last, also_after=False)
    for name in ("replace", "unlink", "mkdir"):
        hooked(Path, name, last, also_after=True)
    for name in ("write_bytes", "write_text"):
        written_in_two_halves(name, last)
    try:
        main(sys.argv[2:])
    finally:
        if last == 0:
            with Path("points.txt").open("w") as file:
                file.write("\n".join(passed))
