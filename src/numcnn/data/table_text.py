"""The text of a table: compression, encodings and separators.

What comes out is always the same: pieces of UTF-8 that each end with a line, lines that end with a
line feed, and the dialect that they are written in.
"""

import codecs
import contextlib
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast, final

from numcnn.data.decompressed import Stream, open_unpacked

_BLOCK = 1 << 20
_ZIP_MAGIC = b"PK\x03\x04"
_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_DELIMITERS = (b"\t", b";", b",", b"|")


@contextlib.contextmanager
def open_table(path: Path) -> Iterator[Iterator[bytes]]:
    """Open a table for reading: plain, gzipped, or the only table in a zip file.

    Which of them is seen from the first bytes, and not from the name.

    Args:
        path: The file.

    Yields:
        Pieces of UTF-8 text without a byte order mark, each of whole lines that end with a line
        feed. A piece may end within a line only where that line is longer than a megabyte.

    Raises:
        ValueError: The file is damaged, or a zip file of no or several tables; or, when pieces are
            read, they are not text.
        OSError: The file cannot be opened or read.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file")
    if not path.is_file():
        raise ValueError(f"{path}: not a file; give a CSV table")
    with path.open("rb") as file:
        is_zip = file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    with _open_zipped(path) if is_zip else open_unpacked(path) as stream:
        yield _whole_lines(_utf8(_blocks(stream), path))


@contextlib.contextmanager
def _open_zipped(path: Path) -> Iterator[Stream]:
    try:
        with zipfile.ZipFile(path) as archive:
            tables = [
                info
                for info in archive.infolist()
                if not info.is_dir()
                and info.filename.lower().endswith((".csv", ".tsv", ".txt"))
                and not info.filename.startswith("__MACOSX/")
            ]
            if len(tables) != 1:
                names = ", ".join(info.filename for info in tables[:5]) or "none"
                raise ValueError(
                    f"{path}: a zip file of {len(tables)} tables ({names}), and one is needed; "
                    "unpack it and give the table"
                )
            with archive.open(tables[0]) as stream:
                yield cast(BinaryIO, stream)
    # OSError: a place outside the file. RuntimeError: it takes a password, or a packing that Python
    # does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise ValueError(f"{path}: corrupt zip data ({error}); unpack it yourself") from error


def _blocks(stream: Stream) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def _utf8(blocks: Iterator[bytes], path: Path) -> Iterator[bytes]:
    first = next(blocks, b"")
    mark = next((mark for mark in _ENCODINGS if first.startswith(mark)), b"")
    first = first[len(mark) :]
    encoding = _ENCODINGS.get(mark, "utf-8")
    if encoding == "utf-8":
        for block in _chain(first, blocks):
            if b"\0" in block:
                raise ValueError(f"{path}: not a text file; give a CSV table")
            yield block
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in _chain(first, blocks):
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise ValueError(
            f"{path}: not a text file, though it begins as one; give a CSV table"
        ) from error


def _chain(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut between lines, and end every line with a line feed."""
    rest = b""
    for block in blocks:
        rest += block
        # A carriage return at the end may be half of a line's end.
        end = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, len(rest) - 1)) + 1
        # A line that does not end is wrong anyway: better now than when the memory is full.
        if end == 0 and len(rest) > _BLOCK:
            end = len(rest)
        if end:
            yield _line_feeds(rest[:end])
            rest = rest[end:]
    if rest:
        yield _line_feeds(rest if rest.endswith((b"\n", b"\r")) else rest + b"\n")


def _line_feeds(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


@final
@dataclass(frozen=True)
class Dialect:
    """How a table separates its cells.

    Attributes:
        delimiter: What stands between two cells; a space for any white space.
        decimal_comma: Whether 0,5 is a half, as where semicolons separate.
    """

    delimiter: Literal[",", ";", "\t", "|", " "]
    decimal_comma: bool = False

    @staticmethod
    def of(line: bytes) -> "Dialect":
        """Tell it from a table's first line."""
        bare = re.sub(rb'"[^"]*"', b"", line)
        best = max(_DELIMITERS, key=bare.count)
        if bare.count(best):
            delimiter: Literal[",", ";", "\t", "|", " "] = best.decode()  # type: ignore[assignment]
            return Dialect(delimiter, decimal_comma=delimiter == ";")
        return Dialect(" " if len(bare.split()) > 1 else ",")

    def plain(self, text: bytes) -> bytes | None:
        """Bring lines of numbers to commas and nothing else; None where a look is needed.

        Quotes, white space around cells and empty lines go.
        """
        if b'"' in text:
            if re.search(rb'[^\s,;|"]"[^\s,;|]|""', text):
                return None
            text = text.replace(b'"', b"")
        if self.delimiter == " ":
            text = b"\n".join(b",".join(line.split()) for line in text.split(b"\n"))
        else:
            if self.decimal_comma:
                text = text.replace(b",", b".")
            own = self.delimiter.encode()
            if b" " in text or (own != b"\t" and b"\t" in text):
                blank = rb"[ ]" if own == b"\t" else rb"[ \t]"
                # Between digits, white space is no ornament.
                if re.search(rb"[0-9.]" + blank + rb"+[0-9.]", text):
                    return None
                text = text.translate(None, b" " if own == b"\t" else b" \t")
            if own != b",":
                text = text.replace(own, b",")
        while b"\n\n" in text:
            text = text.replace(b"\n\n", b"\n")
        return text.removeprefix(b"\n")

    def number(self, cell: str) -> float:
        """Read a cell as a number.

        Raises:
            ValueError: It is none.
        """
        if "_" in cell:  # which Python's numbers may have
            raise ValueError
        return float(cell.replace(",", ".") if self.decimal_comma else cell)
