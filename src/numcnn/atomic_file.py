"""A file that is either whole or not there: written under a temporary name, then renamed.

Everything numcnn writes goes through here, so that a full disk, a signal or a crash leaves the
previous file as it was.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; put it in ``path``'s place when the block succeeds.

    The temporary file stands in the same folder, because only a rename within one file system is
    atomic. Its content reaches the disk before the rename, so that after a power cut there is the
    old file or the new one, never half of one. When the block raises, the temporary file is
    removed and ``path`` is left alone.

    Args:
        path: The file to write. Missing parent folders are made.

    Yields:
        The temporary path to write to. It has the suffix of ``path``.

    Raises:
        OSError: The folder cannot be made or written, or the disk is full.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}-{secrets.token_hex(8)}{target.suffix}")
    # Unlike mkstemp, which makes private files, this one gets the user's usual permissions.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        # A full disk's error knows no file.
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = str(target)
        raise
