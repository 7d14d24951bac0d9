"""The folder of a run: what its files are called, whether it is finished, and who works in it."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from numcnn.atomic_file import remove_abandoned
from numcnn.file_lock import try_lock

MODEL, SETTINGS, HISTORY = "model.safetensors", "settings.json", "history.jsonl"
METRICS, CHECKPOINT = "metrics.json", "checkpoint.safetensors"
CURVES, CONFUSION = "curves.png", "confusion.png"
MEMBER = "seed-"
"""How a member's folder begins in that of an ensemble."""

TABLE, NUMBERS, PICTURE = "comparison.md", "comparison.json", "comparison.png"
"""What a comparison writes beside its runs."""

FILES = (
    *(MODEL, SETTINGS, HISTORY, METRICS, CHECKPOINT, CURVES, CONFUSION),
    *(TABLE, NUMBERS, PICTURE),
)
"""All files that runs, ensembles and comparisons write into their own folder."""

_LOCK = ".lock"
_WINDOWS = os.name == "nt"
_SHARES = ("test_accuracy", "validation_accuracy")
_NUMBERS = ("seconds", "images_per_second")
_COUNTS = ("best_epoch", "epochs", "parameters", "multiply_adds")


@contextmanager
def occupied(folder: str | os.PathLike[str] | Callable[[], Path]) -> Iterator[Path]:
    """Keep a folder to this run until the block ends.

    The folder itself is locked meanwhile; on Windows and over NFS, the file ``.lock`` in it. A
    process that was killed leaves no lock. Folders that are made here and stay empty are removed
    again, so that a mistake leaves nothing behind. Temporary files that a killed run left are
    removed.

    Args:
        folder: Where a run writes. Missing folders are made. Or a function that proposes a folder
            that does not exist; it is asked again when another process was faster.

    Yields:
        The folder.

    Raises:
        ValueError: Another run is at work in it.
        OSError: The folder cannot be made or written.
    """
    place, made, descriptor = _take(folder)
    try:
        remove_abandoned(place / name for name in FILES)
        yield place
    finally:
        if _WINDOWS:  # which removes nothing that is open
            os.close(descriptor)
            (place / _LOCK).unlink(missing_ok=True)
        _remove_empty(made)
        if not _WINDOWS:
            os.close(descriptor)


def is_finished(folder: Path) -> bool:
    """Tell whether the run in a folder was trained to its end.

    Raises:
        ValueError: Its `metrics.json` is damaged.
        OSError: It cannot be read.
    """
    return (folder / METRICS).exists() and not is_interrupted(folder)


def is_interrupted(folder: Path) -> bool:
    """Tell whether the run in a folder, as far as it has results, is not at its end.

    Its checkpoint shows it, or its `metrics.json`, should the checkpoint be gone.

    Raises:
        ValueError: Its `metrics.json` is damaged.
        OSError: It cannot be read.
    """
    if (folder / CHECKPOINT).exists():
        return True
    return (folder / METRICS).exists() and bool(load_metrics(folder)["interrupted"])


def load_metrics(folder: Path, judged_by: str | None = None) -> dict[str, Any]:
    """Read and check what a run of one network wrote as `metrics.json`.

    Args:
        folder: The run's.
        judged_by: "test" or "validation", where the accuracy of that part is needed.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged, or of something else than a run of one network.
    """
    path = folder / METRICS
    try:
        metrics = json.loads(path.read_bytes())
        if not isinstance(metrics, dict):
            raise ValueError("it is no object")
        if not isinstance(metrics["interrupted"], bool):
            raise ValueError(f"interrupted is {metrics['interrupted']!r}")
        for name in _SHARES:
            value = metrics[name]
            if value is None and name != f"{judged_by}_accuracy":
                continue
            if not (_is_number(value) and value <= 1):
                raise ValueError(f"{name} is {value!r}")
        for name in ("test_loss", "validation_loss"):
            if metrics[name] is not None and not _is_number(metrics[name]):
                raise ValueError(f"{name} is {metrics[name]!r}")
        for name in _NUMBERS:
            if not _is_number(metrics[name]):
                raise ValueError(f"{name} is {metrics[name]!r}")
        for name in _COUNTS:
            if not (isinstance(metrics[name], int) and _is_number(metrics[name])):
                raise ValueError(f"{name} is {metrics[name]!r}")
        if not 1 <= metrics["best_epoch"] <= metrics["epochs"]:
            raise ValueError(f"best_epoch is {metrics['best_epoch']} of {metrics['epochs']}")
    except (KeyError, ValueError, RecursionError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise ValueError(
            f"{path}: not the metrics of a run ({reason}); remove {folder} to train it again"
        ) from error
    return metrics


def _is_number(value: object) -> bool:
    """Whether it is a finite number of at least 0, as all metrics are."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e300


def _make(folder: str | os.PathLike[str] | Callable[[], Path]) -> tuple[Path, list[Path]]:
    """Make the folder; return it, and what was made for it, the innermost first."""
    while True:
        place = Path(folder() if callable(folder) else folder)
        made = [path for path in (place, *place.parents) if not path.exists()]
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.mkdir(exist_ok=not callable(folder))
        except OSError:
            if callable(folder) and place.is_dir():
                continue  # another process was faster
            _remove_empty(made)
            raise
        return place, made


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # there is something in it
            folder.rmdir()


def _take(
    folder: str | os.PathLike[str] | Callable[[], Path],
) -> tuple[Path, list[Path], int]:
    """Make the folder and lock it; return it, what was made, and the open file with the lock."""
    while True:
        place, made = _make(folder)
        try:
            descriptor = _lock(place)
        except BaseException:
            _remove_empty(made)
            raise
        if descriptor is not None:
            return place, made, descriptor


def _lock(folder: Path) -> int | None:
    """Lock a folder; None if whoever had it before has removed it."""
    for path, flags in ((folder, os.O_RDONLY), (folder / _LOCK, os.O_CREAT | os.O_RDWR)):
        try:
            descriptor = os.open(path, flags, 0o666)
        except FileNotFoundError:
            return None
        except OSError:
            if path == folder:
                continue
            raise
        try:
            is_free = try_lock(descriptor)
            if is_free and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            is_free = True
        except OSError:
            os.close(descriptor)
            continue
        os.close(descriptor)
        if is_free:
            return None
        raise ValueError(
            f"{folder}: another training is at work in this folder; wait for its end, or choose "
            "another folder"
        )
    # A file system without locks: the run goes on without.
    return os.open(os.devnull, os.O_RDONLY)
