"""Output paths: never an input, and missing folders are made."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path


def require_no_input(option: str, outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """See that no output is one of the inputs, whatever links lead there.

    Args:
        option: What names the outputs, for the error.
        outputs: Files to be written.
        inputs: Files that are read, and folders, which stand for all files in them.

    Raises:
        ValueError: One is.
    """
    there = [path for path in outputs if path.exists()]
    if not there:
        return
    for read in _files(inputs):
        for written in there:
            if _is_same(written, read):
                name = "it" if str(written) == str(read) else str(read)
                raise ValueError(
                    f"{option} would write {written}, and {name} is read as input; "
                    "choose another name"
                )


def make_folder(folder: Path) -> Path:
    """Make a folder with its parents, and see that it can be written.

    Raises:
        OSError: It cannot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return folder


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (file for file in path.rglob("*") if file.is_file())
        else:
            yield path


def _is_same(one: Path, other: Path) -> bool:
    # Also hard links, and names that differ in capitals where the file system ignores them.
    with suppress(OSError):
        return one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)
