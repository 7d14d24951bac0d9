"""Damage the files of a run, and see that none is half believed.

    python -m tests.fuzz.run_files --mutants 3000 --seed 0

For each kind of file, every mutant must be refused by a ValueError that names the file, or come to
the same as the original. A mutant of a history, of metrics or of what a checkpoint tells of its
past, whose numbers are all possible, is one that a person could have written: that is counted
apart. Anything else is a failure, and the exit status is 1.
"""

import argparse
import json
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from numcnn.data.download import DownloadError
from numcnn.experiments.comparison import Comparison
from numcnn.experiments.comparison import _row as comparison_row
from numcnn.experiments.ensemble_run import _metrics as ensemble_metrics
from numcnn.experiments.run import train as train_run
from numcnn.experiments.run_folder import RunFolder
from numcnn.experiments.settings import RunSettings
from numcnn.model_files import read_arrays, write_arrays
from numcnn.training import History
from numcnn.training.checkpoint import checksum
from tests.cli.tables import write_table
from tests.fuzz.mutants import bytes_of, json_of, text_of
from tests.training.tasks import Crash, CrashAt, rows, saved, stripes, train

CASE = "averaged validation"
Result = tuple[str, str]
SAME, REFUSED, POSSIBLE = "the same", "refused", "another that is possible"


class Files:
    """A checkpoint, and the folder of an interrupted run and that of a finished one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.checkpoint = root / "whole.safetensors"
        with suppress(Crash):
            train(CASE, checkpoint=self.checkpoint, callbacks=[CrashAt(3)])
        self.trained = self.outcome(*train(CASE))
        write_table(root / "table.csv", stripes())
        self.settings = RunSettings(
            dataset=str(root / "table.csv"), recipe="lenet5", epochs=3, batch_size=16, patience=2
        )
        self.finished = root / "finished"
        train_run(self.settings, self.finished, progress="none")
        self.interrupted = root / "interrupted"
        with suppress(Crash):
            train_run(self.settings, self.interrupted, progress="none", callbacks=[CrashAt(2, 2)])

    def outcome(self, model: Any, history: History) -> tuple[bytes, Any]:
        return saved(model, self.root), rows(history)


def checkpoint(files: Files, rng: np.random.Generator) -> Result:
    mutant = files.root / "mutant.safetensors"
    kind = rng.integers(3)
    is_told_of_the_past = False
    if kind == 0:
        mutant.write_bytes(bytes_of(files.checkpoint.read_bytes(), rng))
    else:
        arrays, header = read_arrays(files.checkpoint, "checkpoint")
        if rng.random() < 0.7:
            changed = json_of(header, rng)
            past = {**header, **{name: changed.get(name) for name in ("history", "iterations")}}
            is_told_of_the_past = changed == past
            header = changed
        else:
            name = rng.choice(sorted(arrays))
            odd = arrays[name].copy()
            what = rng.integers(4)
            if what == 0:
                odd[rng.integers(odd.size)] = rng.choice([np.nan, np.inf, -np.inf])
            arrays[name] = [odd, odd[:-1], odd.astype(np.float64), odd[None]][what]
            if what == 0 and name.startswith("optimizer.") and np.isinf(odd).any():
                return REFUSED, ""  # an optimizer may have overflown
        try:
            if kind == 2:  # with the right checksum, as if numcnn had written it
                header = {**header, "checksum": checksum(arrays, header)}
            write_arrays(mutant, arrays, header)
        except (ValueError, OverflowError):
            return REFUSED, ""  # NaN, which it never writes
    try:
        outcome = files.outcome(*train(CASE, checkpoint=mutant, resume=True))
    except ValueError as error:
        return (REFUSED, "") if str(error).startswith(f"{mutant}: ") else ("FAILED", str(error))
    if outcome == files.trained:
        return SAME, ""
    if kind == 2 and is_told_of_the_past:
        return POSSIBLE, ""
    return "FAILED", f"a changed training: {kind}"


def settings(files: Files, rng: np.random.Generator) -> Result:
    place = files.root / "run"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(files.interrupted, place)
    path = place / "settings.json"
    mutate_json(path, rng, "settings")
    try:
        found = RunSettings.load(path)
    except ValueError as error:
        return (REFUSED, "") if str(error).startswith(f"{path}: ") else ("FAILED", str(error))
    try:
        train_run(found, place, resume=True, progress="none")
    except (ValueError, OSError):
        return REFUSED, ""
    model = (place / "model.safetensors").read_bytes()
    if model == (files.finished / "model.safetensors").read_bytes():
        return SAME, ""
    return "FAILED", f"a changed training: {found}"


def history(files: Files, rng: np.random.Generator) -> Result:
    path = files.root / "history.jsonl"
    content = (files.finished / path.name).read_bytes()
    if rng.random() < 0.5:
        path.write_bytes(bytes_of(content, rng))
    else:
        records = json_of([json.loads(line) for line in content.splitlines()], rng)
        path.write_bytes(b"\n".join(map(text_of, records)))
    try:
        found = History.load(path)
    except ValueError as error:
        return (REFUSED, "") if str(error).startswith(f"{path}, line ") else ("FAILED", str(error))
    return judged(found.records == History.load(files.finished / path.name).records)


def metrics(files: Files, rng: np.random.Generator) -> Result:
    place = files.root / "member"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(files.finished, place)
    path = place / "metrics.json"
    mutate_json(path, rng)
    try:
        finished = RunFolder(place).is_finished
        ensemble_metrics([RunFolder(place)], None)
        numbers = RunFolder(place).read_metrics("validation")
        row = comparison_row("lenet5", [numbers], "validation_accuracy")
        Comparison(place, "stripes", "validation", (row,)).markdown()
    except ValueError as error:
        return (REFUSED, "") if str(error).startswith(f"{path}: ") else ("FAILED", str(error))
    return judged(finished and numbers == RunFolder(files.finished).read_metrics())


def mutate_json(path: Path, rng: np.random.Generator, part: str = "") -> None:
    """Damage a file; as JSON, only in one part if one is named."""
    content = path.read_bytes()
    if rng.random() < 0.5:
        path.write_bytes(bytes_of(content, rng))
        return
    value = json.loads(content)
    value = {**value, part: json_of(value[part], rng)} if part else json_of(value, rng)
    path.write_bytes(text_of(value))


def judged(is_same: bool) -> Result:
    return (SAME if is_same else POSSIBLE), ""


KINDS: dict[str, Callable[[Files, np.random.Generator], Result]] = {
    "checkpoint": checkpoint,
    "settings": settings,
    "history": history,
    "metrics": metrics,
}


def no_download(*_: object, **__: object) -> None:
    raise DownloadError("no network here")


def attack(mutants: int, seed: int, kinds: Sequence[str] = tuple(KINDS)) -> dict[str, Counter[str]]:
    """What came of the mutants of each kind of file; failures are printed."""
    vars(sys.modules["numcnn.data.locate"])["download"] = no_download
    counts: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        for kind in kinds:
            judge, counts[kind] = KINDS[kind], Counter()
            for number in range(mutants):
                try:
                    result, why = judge(files, np.random.default_rng([seed, number]))
                except Exception:
                    result, why = "FAILED", traceback.format_exc()
                if result == "FAILED":
                    print(f"{kind}, mutant {number}: {why}", flush=True)
                counts[kind][result] += 1
            print(f"{kind}: {dict(counts[kind])}", flush=True)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}; all by default")
    given = parser.parse_args()
    counts = attack(given.mutants, given.seed, given.kinds or tuple(KINDS))
    return 1 if any(count["FAILED"] for count in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
