"""Kaggle's Digit Recognizer: images as the rows of a table, and the answers that it asks for.

A row is an image: ``label,pixel0,pixel1,...,pixel783``, the pixels row by row; the test table has
no ``label``. See https://www.kaggle.com/competitions/digit-recognizer/data.

Such a table of 42,000 images has 33 million cells. The reader therefore turns a block of text at a
time into numbers with array operations; only when a block is not as it should be does a slow loop
go through its cells to say which one is wrong.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numcnn.atomic_file import atomic_file
from numcnn.data.dataset import DIGITS, Dataset, check_label_range
from numcnn.data.unpacked import Stream, open_unpacked

_BLOCK = 1 << 20
_COMMA, _NEWLINE, _ZERO = b",\n0"
_MOST_DIGITS = 3


def read_csv(
    path: str | os.PathLike[str], classes: tuple[str, ...] = DIGITS, name: str | None = None
) -> Dataset:
    """Read a table of square gray images, gzipped or not.

    Args:
        path: The file: a header and then a row for each image.
        classes: The names of the classes, at most 256; labels go from 0 to ``len(classes) - 1``.
        name: The data set's name; the file's own without suffixes where it is left out.

    Returns:
        Images uint8 ``(count, side, side, 1)``, and their labels, or None if the table has no
        column ``label``.

    Raises:
        ValueError: The file is empty or corrupt, columns are missing, rows differ in length, a
            cell is not a whole number from 0 to 255, a label is out of range, or the images are
            not square. The message names line and column.
        OSError: The file cannot be opened or read.
    """
    path = Path(path)
    with open_unpacked(path) as file:
        columns = _read_header(file, path)
        labeled = columns[0] == "label"
        side = _side(len(columns) - labeled, path)
        parts = []
        line = 2
        for block in _blocks_of_lines(file, longest_line=len(columns) * (_MOST_DIGITS + 1) + 1):
            part = _parse(block, len(columns))
            if part is None:
                _explain(block, columns, line, path)
            parts.append(part)
            line += len(part)
    if not parts:
        raise ValueError(f"{path}: no rows after the header; it holds no image")
    table = np.concatenate(parts)
    labels = None
    if labeled:
        check_label_range(table[:, 0], len(classes), path)
        labels = table[:, 0].astype(np.int64)
    images = np.ascontiguousarray(table[:, int(labeled) :]).reshape(-1, side, side, 1)
    return Dataset(images, labels, classes, name or path.name.split(".")[0])


def write_submission(path: str | os.PathLike[str], labels: ArrayLike) -> None:
    """Write predicted labels in the format that Kaggle's Digit Recognizer accepts.

    Args:
        path: The CSV file to write, wholly or not at all.
        labels: Integers ``(count,)``, in the order of the test table's rows. The first gets
            ``ImageId`` 1.

    Raises:
        ValueError: The labels are not a list of integers of at least 0.
        OSError: The file cannot be written.
    """
    values = np.asarray(labels)
    if values.ndim != 1 or values.dtype.kind not in "iu" or (values < 0).any():
        raise ValueError(
            f"labels have shape {values.shape} and type {values.dtype}; give a list of integers "
            "of at least 0"
        )
    rows = [f"{number},{label}\n" for number, label in enumerate(values.tolist(), start=1)]
    with atomic_file(path) as temporary:
        temporary.write_text("ImageId,Label\n" + "".join(rows), encoding="ascii", newline="\n")


def _read_header(file: Stream, path: Path) -> list[str]:
    line = file.readline(_BLOCK)
    if not line:
        raise ValueError(f"{path}: the file is empty; get the file again")
    try:
        # Excel puts a byte order mark before the first column's name.
        columns = [cell.strip().strip('"') for cell in line.decode("utf-8-sig").split(",")]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a text file; give a CSV table") from error
    pixels = columns[1:] if columns[0] == "label" else columns
    for number, column in enumerate(pixels):
        if column != f"pixel{number}":
            raise ValueError(
                f"{path}: column pixel{number} is missing from the header; in its place is "
                f"{column[:40]!r}. The columns are label (if known), pixel0, pixel1 and so on"
            )
    return columns


def _side(pixels: int, path: Path) -> int:
    side = math.isqrt(pixels)
    if pixels == 0 or side * side != pixels:
        raise ValueError(
            f"{path}: {pixels} pixel columns make no square image (28 x 28 has 784); are columns "
            "missing?"
        )
    return side


def _blocks_of_lines(file: Stream, longest_line: int) -> Iterator[bytes]:
    """Yield the rest of the file in pieces that each end with a line."""
    rest = b""
    while block := file.read(_BLOCK):
        rest += block
        end = rest.rfind(b"\n") + 1
        # A piece without any end of line is wrong anyway: better now than when the memory is full.
        if end == 0 and len(rest) > longest_line:
            break
        if end:
            yield rest[:end].replace(b"\r\n", b"\n")
            rest = rest[end:]
    if rest:
        yield (rest + b"\n").replace(b"\r\n", b"\n")


def _parse(block: bytes, columns: int) -> NDArray[np.uint8] | None:
    """Turn lines of numbers into an array ``(lines, columns)``; None if anything is wrong."""
    text = np.frombuffer(block, np.uint8)
    digits = text - _ZERO  # wraps around below "0", so anything but a digit is above 9
    ends = np.flatnonzero(digits > 9)
    if ends.size % columns:
        return None
    separators = text[ends].reshape(-1, columns)
    if (separators[:, :-1] != _COMMA).any() or (separators[:, -1] != _NEWLINE).any():
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > _MOST_DIGITS:
        return None
    values = digits[ends - 1].astype(np.uint16)
    for place in range(1, _MOST_DIGITS):
        longer = np.flatnonzero(lengths > place)
        values[longer] += 10**place * digits[ends[longer] - 1 - place].astype(np.uint16)
    if values.max() > 255:
        return None
    return values.astype(np.uint8).reshape(-1, columns)


def _explain(block: bytes, columns: list[str], first_line: int, path: Path) -> NoReturn:
    """Find the first cell that `_parse` did not accept."""
    for number, line in enumerate(block.split(b"\n")[:-1], start=first_line):
        cells = line.split(b",")
        if len(cells) != len(columns):
            found = "none" if line == b"" else len(cells)
            raise ValueError(
                f"{path}: line {number}: {len(columns)} cells expected as in the header, {found} "
                "found"
            )
        for column, cell in zip(columns, cells, strict=True):
            if not (cell.isdigit() and len(cell) <= _MOST_DIGITS and int(cell) <= 255):
                shown = cell[:40].decode("utf-8", "replace")
                raise ValueError(
                    f"{path}: line {number}, column {column}: {shown!r} is not a whole number "
                    "from 0 to 255"
                )
    raise AssertionError("the fast and the slow reader disagree about a block")
