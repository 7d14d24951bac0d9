"""Kill a training at many points, resume it, and see that the same comes of it, bit for bit.

    python -m tests.fuzz.kills --points 40 --seed 0

Three quarters of the points are places in the program (see `tests.fuzz.killed_run`), one quarter
moments of the clock. It prints what happened at each, and counts; the exit status is 1 if one run
did not come out as the uninterrupted one.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TRAIN = "train", "digits", "--recipe", "lenet5", "--epochs", "3", "--batch-size", "256", "--quiet"
TIMES = "seconds", "images_per_second"


def start(place: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=place,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def without_times(text: str) -> list[dict[str, Any]]:
    """JSON objects, one a line or one over all lines, without how long anything took."""
    lines = [text] if text.startswith("{\n") else text.splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if name not in TIMES}
        for line in lines
    ]


def content(run: Path) -> dict[str, object]:
    """All that a run's folder holds, as far as it must be the same each time."""
    found: dict[str, object] = {}
    for path in sorted(run.iterdir()):
        if path.suffix in (".json", ".jsonl"):
            found[path.name] = without_times(path.read_text("utf-8"))
        else:
            found[path.name] = path.read_bytes()
    return found


def killed_at(place: Path, point: int) -> bool:
    process = start(place, "tests.fuzz.killed_run", str(point), *TRAIN, "--out", "run")
    process.communicate(timeout=300)
    return process.returncode == -9


def killed_after(place: Path, seconds: float) -> bool:
    process = start(place, "numcnn", *TRAIN, "--out", "run")
    time.sleep(seconds)
    process.kill()
    process.communicate(timeout=300)
    return process.returncode == -9


def resumed(place: Path) -> str:
    """Do what a user would do; say what that was."""
    run = place / "run"
    if not (run / "settings.json").exists():
        how, words = "began again", (*TRAIN, "--out", "run")
    else:
        words = ("train", "--resume", "run", "--quiet")
        how = "went on" if (run / "checkpoint.safetensors").exists() else "began anew"
    process = start(place, "numcnn", *words)
    _, errors = process.communicate(timeout=300)
    if process.returncode == 2 and "this run is finished" in errors:
        return "was finished"
    if process.returncode or errors:
        return f"FAILED with status {process.returncode}: {errors.strip()}"
    return how


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "whole").mkdir()
        begun = time.monotonic()
        assert not killed_at(root / "whole", 0)
        duration = time.monotonic() - begun
        points = (root / "whole/points.txt").read_text().splitlines()
        expected = content(root / "whole/run")
        in_program = min(given.points - given.points // 4, len(points))
        chosen = sorted(rng.choice(len(points), in_program, replace=False) + 1)
        moments = rng.uniform(0, duration, given.points - in_program)
        print(f"{len(points)} points in a run of {duration:.1f} s; {dict(Counter(points))}")
        for number, where in enumerate([*chosen, *moments]):
            place = root / str(number)
            place.mkdir()
            if number < in_program:
                name = f"point {where}, {points[where - 1]}"
                is_killed = killed_at(place, int(where))
                assert is_killed, name
            else:
                name = f"after {where:.2f} s"
                is_killed = killed_after(place, float(where))
            left = sorted(path.name for path in place.glob("run/*"))
            how = resumed(place)
            is_same = (place / "run").is_dir() and content(place / "run") == expected
            print(
                f"{'killed' if is_killed else 'ended'} {name}: {how}, "
                f"{'the same' if is_same else 'NOT THE SAME'}; left were {', '.join(left) or '-'}",
                flush=True,
            )
            counts["killed"] += is_killed
            counts["the same"] += is_same
            counts[how] += 1
            shutil.rmtree(place)
    print(dict(counts))
    return 0 if counts["the same"] == given.points else 1


if __name__ == "__main__":
    sys.exit(main())
