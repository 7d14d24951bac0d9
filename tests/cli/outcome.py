"""What came of a command, and what a folder holds before and after it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """The exit status of a command, and what it wrote."""

    status: int
    out: str
    err: str

    def error(self) -> str:
        """The one line that bad input gets, and nothing else."""
        assert self.status == 2, self
        assert self.out == "", self
        assert self.err.startswith("numcnn: "), self
        assert self.err.count("\n") == 1, self
        assert self.err.endswith("\n"), self
        return self.err

    def usage_error(self) -> str:
        """Click's words about a command line that cannot be understood."""
        assert self.status == 2, self
        assert self.out == "", self
        assert self.err.startswith("Usage: numcnn"), self
        *_, last = self.err.splitlines()
        assert last.startswith("Error: "), self
        return last


def run_python(*words: object, **environment: str) -> Outcome:
    """Run Python in a process of its own, in this process's current folder."""
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
        env={**os.environ, **environment},
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder: the files with their content, and the folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
