"""A lock on a folder, so that only one process works in it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from numcnn.file_lock import try_lock

Place = str | os.PathLike[str] | Callable[[], Path]
"""A folder, or a function that proposes one that does not exist yet."""

_LOCK = ".lock"
_WINDOWS = os.name == "nt"


@contextmanager
def locked_folder(folder: Place) -> Iterator[Path]:
    """Keep a folder to this process until the block ends.

    The folder itself is locked meanwhile; on Windows and over NFS, the file ``.lock`` in it. A
    process that was killed leaves no lock. Folders that are made here and stay empty are removed
    again, so that a mistake leaves nothing behind.

    Args:
        folder: The folder. Missing folders are made. A function that proposes one is asked again
            when another process was faster.

    Yields:
        The folder.

    Raises:
        ValueError: Another process has locked it.
        OSError: The folder cannot be made or written.
    """
    place, made, descriptor = _take(folder)
    try:
        yield place
    finally:
        if _WINDOWS:  # which removes nothing that is open
            os.close(descriptor)
            (place / _LOCK).unlink(missing_ok=True)
        _remove_empty(made)
        if not _WINDOWS:
            os.close(descriptor)


def _make(folder: Place) -> tuple[Path, list[Path]]:
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
    folder: Place,
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
