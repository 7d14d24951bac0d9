"""A file that is either whole or not there: written under a temporary name, then renamed.

Everything numcnn writes goes through here, so that a full disk, a signal or a crash leaves the
previous file as it was.
"""

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from numcnn.file_lock import try_lock

_WINDOWS = os.name == "nt"
_LONGEST_STEM = 40
"""Letters of the target's name in the temporary one: a file system may take no more than 255 bytes,
and a letter has up to 4."""


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; put it in ``path``'s place when the block succeeds.

    The temporary file stands in the same folder, because only a rename within one file system is
    atomic. Its content reaches the disk before the rename, so that after a power cut there is the
    old file or the new one, never half of one. When the block raises, the temporary file is
    removed and ``path`` is left alone. After a kill it stays; see `remove_abandoned`.

    Args:
        path: The file to write. Missing parent folders are made.

    Yields:
        The temporary path to write to. It has the suffix of ``path``.

    Raises:
        OSError: The folder cannot be made or written, or the disk is full.
        ValueError: ``path`` is a device or a pipe, which a rename would replace.
    """
    target = Path(path)
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise ValueError(f"{target}: not a regular file; give the name of a file to write")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary, descriptor = _create(target)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if _WINDOWS:  # which renames no open file
            os.close(descriptor)
        temporary.replace(target)
    except BaseException as error:
        if _WINDOWS:
            with suppress(OSError):
                os.close(descriptor)
        temporary.unlink(missing_ok=True)
        # A full disk's error knows no file, and the temporary one means nothing to anybody.
        if (
            isinstance(error, OSError)
            and error.errno is not None
            and error.filename in (None, str(temporary))
        ):
            error.filename, error.filename2 = str(target), None
        raise
    finally:
        if not _WINDOWS:
            os.close(descriptor)


def remove_abandoned(targets: Iterable[Path]) -> None:
    """Remove the temporary files that killed processes left of these files.

    Those that a living process is writing stay. What cannot be removed stays as well.

    Args:
        targets: The files that were to be written.
    """
    for target in targets:
        before, after = map(re.escape, _around(target))
        ours = re.compile(f"{before}[0-9a-f]{{16}}{after}")
        with suppress(OSError):
            for file in target.parent.iterdir():
                if ours.fullmatch(file.name):
                    _remove_if_abandoned(file)


def _around(target: Path) -> tuple[str, str]:
    """What stands before and after the random part of a temporary file's name."""
    return f".{target.stem[:_LONGEST_STEM]}-", target.suffix


def _create(target: Path) -> tuple[Path, int]:
    """Make a temporary file, open and locked for as long as it is being written."""
    before, after = _around(target)
    while True:
        temporary = target.with_name(f"{before}{secrets.token_hex(8)}{after}")
        try:
            # Unlike mkstemp, which makes private files, this one gets the user's usual permissions.
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except OSError as error:
            error.filename = str(target)
            raise
        if _WINDOWS:  # where an open file cannot be removed anyway
            return temporary, descriptor
        with suppress(OSError):  # no locks here: then nobody takes it for abandoned either
            if not try_lock(descriptor) or not temporary.exists():
                os.close(descriptor)
                continue
        return temporary, descriptor


def _remove_if_abandoned(file: Path) -> None:
    with suppress(OSError):
        if _WINDOWS:
            file.unlink()
            return
        descriptor = os.open(file, os.O_WRONLY)
        try:
            if try_lock(descriptor):
                file.unlink()
        finally:
            os.close(descriptor)
