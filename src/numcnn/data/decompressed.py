"""Reading a file that may be gzipped."""

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

Stream = BinaryIO | gzip.GzipFile
"""Bytes to read, one after another."""

_GZIP_MAGIC = b"\x1f\x8b"


@contextlib.contextmanager
def open_unpacked(path: Path) -> Iterator[Stream]:
    """Open a file for reading, through gzip if it is gzipped.

    That is seen from its first two bytes and not from its name: browsers and web servers like to
    unpack a file and leave it the name that it had.

    Args:
        path: The file.

    Yields:
        The unpacked stream, a `gzip.GzipFile` if the file is gzipped.

    Raises:
        ValueError: What was read within the block was corrupt. The checksum is compared when a
            read reaches the end.
        OSError: The file cannot be opened or read.
    """
    try:
        with path.open("rb") as raw:
            gzipped = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            raw.seek(0)
            if gzipped:
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield unpacked
            else:
                yield raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: corrupt gzip data ({error}); get the file again") from error
