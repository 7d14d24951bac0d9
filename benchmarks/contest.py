"""A contest of speed: two processes work in turn, a fraction of a second each.

Ratios taken side by side in one run hold where absolute figures do not: the machine's slow moments
meet both sides.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.page import free_environment

TASKS = {"train": "training, 128", "infer": "inference, 256", "single": "one image"}


class Contestant:
    """A process that measures when it is asked."""

    def __init__(self, *side: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("contestants.py")), *side],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=free_environment(),
        )

    def measure(self, network: str, task: str, seconds: float) -> dict[str, float]:
        """Work for so long; return images a second, and the process's peak memory."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([network, task, seconds]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a contestant failed at {network}, {task}; see above")
        answer: dict[str, float] = json.loads(line)
        return answer

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass(frozen=True)
class Comparison:
    """One network and task.

    Attributes:
        ratio: The median over the pairs: numcnn's images a second over the other's.
        numcnn: Images a second, median.
        other: The same of the other side.
        format: Which of the others was the fastest, and is the other side.
        pairs: How many pairs.
        layers: Images a second by the layers' own code; None if that was not measured.
    """

    ratio: float
    numcnn: float
    other: float
    format: str
    pairs: int
    layers: float | None = None


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        warm_up: Seconds before, for each of the others.
        slice: Seconds of one side at a time.
        pairs: How many times both sides.
    """

    warm_up: float
    slice: float
    pairs: int


def compare(
    network: str, task: str, others: Sequence[tuple[str, Contestant]], effort: Effort
) -> Comparison:
    """Measure numcnn and the best of the others, in turn."""
    ours = Contestant("numcnn")
    try:
        # Twice: the first time is the warm-up.
        best = max(
            others,
            key=lambda other: max(
                other[1].measure(network, task, effort.warm_up)["images_per_second"]
                for _ in range(2)
            ),
        )
        ours.measure(network, task, effort.slice)
        pairs = []
        for _ in range(effort.pairs):
            a = ours.measure(network, task, effort.slice)["images_per_second"]
            b = best[1].measure(network, task, effort.slice)["images_per_second"]
            pairs.append((a, b))
    finally:
        ours.close()
    return Comparison(
        statistics.median(a / b for a, b in pairs),
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        best[0],
        len(pairs),
    )
