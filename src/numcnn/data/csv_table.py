"""Tables of images in CSV, one image a row, and Kaggle's submission format.

A row is an image, as in ``label,pixel0,pixel1,...,pixel783``, the pixels row by row; see
https://www.kaggle.com/competitions/digit-recognizer/data. People have such tables in many dialects;
they are read by what they mean (`numcnn.data.table_columns`, `numcnn.data.table_text`).

A table of 60,000 images has 47 million cells. The reader therefore turns a block of text at a time
into numbers with array operations; only when a block is not plain whole numbers does a slower way
go through its cells, which also says which one is wrong.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numcnn.atomic_file import atomic_file
from numcnn.data.dataset import DIGITS, Dataset, DataWarning
from numcnn.data.memory import machine_memory
from numcnn.data.table_columns import Columns, is_header, named_columns, unnamed_columns
from numcnn.data.table_labels import Cell, RowError, classes_of, tell_apart
from numcnn.data.table_text import Dialect, open_table

SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".csv.zip", ".zip")
"""What tables are called. What is in a file tells how it is packed, whatever its name."""

_MOST_DIGITS = 9
_LONGEST_CELL = 64
_COMMA, _NEWLINE, _ZERO = b",\n0"
# Empty lines, and the one in which Excel writes which delimiter it used.
_NOTHING = re.compile(rb"(?:[ \t]*\n|(?i:sep=.\n))*")


def read_csv(
    path: str | os.PathLike[str],
    classes: tuple[str, ...] | None = None,
    name: str | None = None,
) -> Dataset:
    """Read a table of gray images.

    The file may be gzipped or the only table in a zip file, in UTF-8 or UTF-16, separated by
    commas, semicolons, tabs, bars or white space, with quotes or without. The column of the labels
    is called label, class, target, digit or y; where it stands does not matter. Columns called
    index, id or nothing are left out. All others are pixels: their names hold their numbers
    (``pixel0``, ``pixel1`` and so on, from 0 or from 1) or their rows and columns (``1x1``,
    ``1x2``). A table without a header is square images, with the label in the first or the last
    column if there is one more; the values tell which. Pixels go from 0 to 255; fractions from 0
    to 1 are brought to that.

    What is not certain, though likely, is said in a `DataWarning`.

    Args:
        path: The file.
        classes: The names of the classes, at most 256; labels are names of these, or numbers from
            0 to ``len(classes) - 1``. Without it, labels of 0 to 9 are digits, and any others the
            names of their classes.
        name: The data set's name; the file's own without suffixes where it is left out.

    Returns:
        Images uint8 ``(count, height, width, 1)``, and their labels, or None if the table has
        none.

    Raises:
        ValueError: The file is empty or corrupt, columns are missing, cannot be told or make no
            image, rows differ in length, a cell is not a number from 0 to 255, or a label is out
            of range. The message names line and column.
        MemoryError: The images do not fit into the memory.
        OSError: The file cannot be opened or read.
    """
    path = Path(path)
    try:
        return _read(path, classes, name or path.name.split(".")[0])
    except MemoryError as error:
        raise MemoryError(f"{path}: not enough memory for its images; give fewer rows") from error


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


def _read(path: Path, classes: tuple[str, ...] | None, name: str) -> Dataset:
    with open_table(path) as pieces:
        table = _begin(pieces, path)
        table.read_lines(table.rest, table.first_line)
        for piece in pieces:
            table.read_lines(piece, table.next_line)
    if not table.pixels:
        raise ValueError(f"{path}: no rows after the header; it holds no image")
    notes: list[str] = []
    try:
        pixels, cells = table.parts(notes)
        labels, names = None, classes or DIGITS
        if cells is not None:
            labels, names = classes_of(cells, classes, notes)
    except RowError as error:
        line = _line_of(path, error.row + table.has_header)
        raise ValueError(f"{path}: line {line}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    images = _eight_bits(pixels, notes).reshape(-1, *table.columns.shape, 1)
    dataset = Dataset(images, labels, names, name)
    for note in notes:
        warnings.warn(f"{path}: {note}", DataWarning, stacklevel=4)
    return dataset


def _begin(pieces: Iterator[bytes], path: Path) -> _Table:
    """Read the first line that says something, and tell the columns."""
    line = 1
    for piece in pieces:
        found = _NOTHING.match(piece)
        assert found is not None
        line += piece.count(b"\n", 0, found.end())
        first, _, rest = piece[found.end() :].partition(b"\n")
        if not first:
            continue
        # np.savetxt puts its comment sign before a header.
        first = first.removeprefix(b"#")
        try:
            text = first.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: not a text file in UTF-8; give a CSV table") from error
        dialect = Dialect.of(first)
        cells = _cells(text, dialect, path, line)
        try:
            if is_header(cells):
                return _Table(path, dialect, named_columns(cells), True, rest, line + 1)
            columns = unnamed_columns(cells)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        return _Table(path, dialect, columns, False, first + b"\n" + rest, line)
    raise ValueError(f"{path}: the file is empty; get the file again")


def _line_of(path: Path, row: int) -> int:
    """The number of the line of a row, the header counted; empty lines are no rows."""
    line = 0
    with open_table(path) as pieces:
        for piece in pieces:
            skipped = _NOTHING.match(piece) if line == 0 else None
            line += piece.count(b"\n", 0, skipped.end()) if skipped else 0
            for text in piece[skipped.end() if skipped else 0 :].split(b"\n")[:-1]:
                line += 1
                row -= bool(text.strip(b" \t,;|"))
                if row < 0:
                    return line
    return line


def _cells(text: str, dialect: Dialect, path: Path, line: int) -> list[str]:
    try:
        rows = list(_rows(text, dialect))
    except csv.Error as error:
        raise ValueError(f"{path}: line {line}: {error}; give a CSV table") from error
    return [cell.strip() for _, row in rows for cell in row]


def _rows(text: str, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The rows of a text, each with how many lines were read to its end."""
    if dialect.delimiter == " ":
        text = "\n".join(" ".join(line.split()) for line in text.split("\n"))
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=dialect.delimiter, skipinitialspace=True
    )
    for row in reader:
        yield reader.line_num, row


@final
@dataclass
class _Table:
    """A table while it is read, block by block.

    Attributes:
        path: Where it comes from, for errors.
        dialect: How its cells are separated.
        columns: What they are.
        has_header: Whether the names are the table's own.
        rest: What of the first piece is to be read yet.
        first_line: The number of that text's first line.
        pixels: For each block ``(rows, pixels)``, uint8, or float32 where there are fractions.
        beside: The cells of the label's and the open columns, row by row.
    """

    path: Path
    dialect: Dialect
    columns: Columns
    has_header: bool
    rest: bytes
    first_line: int
    next_line: int = 0
    pixels: list[NDArray[np.uint8] | NDArray[np.float32]] = field(default_factory=list)
    beside: list[list[Cell]] = field(default_factory=list)
    _bytes: int = 0

    def __post_init__(self) -> None:
        label = self.columns.label
        self._beside = list(self.columns.open) if label is None else [label]
        self._width = len(self.columns.names)
        pixels = self.columns.pixels
        in_order = bool(pixels) and pixels == tuple(range(pixels[0], pixels[-1] + 1))
        # A slice takes no copy.
        self._pixels: slice | list[int] = (
            slice(pixels[0], pixels[-1] + 1) if in_order else list(pixels)
        )

    def read_lines(self, text: bytes, line: int) -> None:
        """Read whole lines, the first of which has the number ``line``."""
        self.next_line = line + text.count(b"\n")
        if not text or text.isspace():
            return
        if not text.endswith(b"\n"):
            raise ValueError(
                f"{self.path}: line {self.next_line}: more than a million characters; "
                f"{self._width} cells are expected"
            )
        plain = self.dialect.plain(text)
        values = None if plain is None else _whole_numbers(plain, self._width)
        if values is not None and values[:, self._pixels].max(initial=0) <= 255:
            self._keep(values[:, self._pixels].astype(np.uint8), values[:, self._beside].tolist())
            return
        if plain is not None and (numbers := _numbers(plain, self._width)) is not None:
            pixels = numbers[:, self._pixels]
            if pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= 255:
                self._keep(pixels.astype(np.float32), numbers[:, self._beside].tolist())
                return
        self._read_cells(text, line)

    def _keep(
        self, pixels: NDArray[np.uint8] | NDArray[np.float32], beside: list[list[Cell]]
    ) -> None:
        self._bytes += pixels.nbytes
        # What is read is laid together at the end.
        if 2 * self._bytes > machine_memory():
            raise MemoryError
        self.pixels.append(pixels)
        self.beside += beside

    def _read_cells(self, text: bytes, first_line: int) -> None:
        """Read cell by cell, and say which one is wrong, if one is."""
        pixels: list[NDArray[np.float32]] = []
        beside: list[list[Cell]] = []
        line = first_line
        try:
            for count, row in _rows(text.decode(), self.dialect):
                if any(row):
                    cells = [cell.strip() for cell in row]
                    self._require_width(cells, line)
                    pixels.append(self._row(cells, line))
                    beside.append([self._beside_cell(cells[k]) for k in self._beside])
                line = first_line + count
        except UnicodeDecodeError as error:
            line += text.count(b"\n", 0, error.start)
            raise ValueError(
                f"{self.path}: line {line}: not UTF-8; save the table in UTF-8"
            ) from error
        except csv.Error as error:
            raise ValueError(f"{self.path}: line {line}: {error}; give a CSV table") from error
        if pixels:
            self._keep(np.stack(pixels), beside)

    def _require_width(self, cells: list[str], line: int) -> None:
        if len(cells) != self._width:
            where = "in the header" if self.has_header else "in the first row"
            raise ValueError(
                f"{self.path}: line {line}: {self._width} cells expected as {where}, {len(cells)} "
                "found"
            )

    def _row(self, cells: list[str], line: int) -> NDArray[np.float32]:
        own = [cells[position] for position in self.columns.pixels]
        try:
            values = np.array([self.dialect.number(cell) for cell in own], np.float64)
        except ValueError:
            values = np.full(len(own), np.nan)
        if not ((values >= 0) & (values <= 255)).all():
            for position, cell in zip(self.columns.pixels, own, strict=True):
                self._require_pixel(cell, position, line)
        return values.astype(np.float32)

    def _require_pixel(self, cell: str, position: int, line: int) -> None:
        try:
            value = self.dialect.number(cell)
        except ValueError:
            value = -1
        if not 0 <= value <= 255:
            column = self.columns.names[position]
            raise ValueError(
                f"{self.path}: line {line}, column {column}: {cell[:40]!r} is not a number from 0 "
                "to 255"
            )

    def _beside_cell(self, cell: str) -> Cell:
        try:
            value = self.dialect.number(cell)
        except ValueError:
            return cell
        return value if math.isfinite(value) else cell

    def parts(self, notes: list[str]) -> tuple[NDArray[Any], list[Cell] | None]:
        """The pixels ``(rows, pixels)`` of all blocks, and the labels."""
        pixels: NDArray[Any] = np.concatenate(self.pixels)
        self.pixels.clear()
        if not self.columns.open:
            labels = [row[0] for row in self.beside] if self._beside else None
            return pixels, None if labels and set(labels) == {""} else labels
        columns = [list(column) for column in zip(*self.beside, strict=True)]
        label, kept = tell_apart(columns)
        for place in kept:
            position = self.columns.open[place]
            edge = self._edge(columns[place], position)
            # Before all other pixels, or after them.
            side = 0 if position < self.columns.open[-1] else pixels.shape[1]
            pixels = np.insert(pixels.astype(edge.dtype), side, edge, axis=1)
        if label is None:
            return pixels, None
        where = {0: "first", self._width - 1: "last"}.get(self.columns.open[label], "second")
        notes.append(f"no column is called label; the {where} is taken for it, by its values")
        return pixels, columns[label]

    def _edge(self, values: list[Cell], position: int) -> NDArray[np.float32]:
        """The pixels of an outer column."""
        for row, value in enumerate(values):
            if isinstance(value, str) or not 0 <= value <= 255:
                raise RowError(
                    row,
                    f"{self.columns.names[position]}: {str(value)[:40]!r} is not a number from 0 "
                    "to 255",
                )
        return np.array(values, np.float32)


def _whole_numbers(text: bytes, columns: int) -> NDArray[Any] | None:
    """Turn lines of whole numbers into an array ``(lines, columns)``; None if they are not."""
    characters = np.frombuffer(text, np.uint8)
    digits = characters - _ZERO  # wraps around below "0", so anything but a digit is above 9
    ends = np.flatnonzero(digits > 9)
    if not ends.size or ends.size % columns:
        return None
    separators = characters[ends].reshape(-1, columns)
    if (separators[:, :-1] != _COMMA).any() or (separators[:, -1] != _NEWLINE).any():
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > _MOST_DIGITS:
        return None
    longest = int(lengths.max())
    values: NDArray[Any] = digits[ends - 1].astype(np.uint16 if longest <= 4 else np.uint32)
    for place in range(1, longest):
        longer = np.flatnonzero(lengths > place)
        values[longer] += 10**place * digits[ends[longer] - 1 - place].astype(values.dtype)
    return values.reshape(-1, columns)


def _numbers(text: bytes, columns: int) -> NDArray[np.float64] | None:
    """Turn lines of any finite numbers into an array ``(lines, columns)``; None if they are not."""
    if b"_" in text or len(text) > _LONGEST_CELL * columns * (lines := text.count(b"\n")):
        return None
    separators = np.frombuffer(text, np.uint8)
    separators = separators[(separators == _COMMA) | (separators == _NEWLINE)]
    if separators.size != lines * columns or (separators[columns - 1 :: columns] != _NEWLINE).any():
        return None
    try:
        cells = text[:-1].replace(b"\n", b",").split(b",")
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None
    return values.reshape(-1, columns) if np.isfinite(values).all() else None


def _eight_bits(
    pixels: NDArray[np.uint8] | NDArray[np.float32], notes: list[str]
) -> NDArray[np.uint8]:
    largest = float(pixels.max())
    fractions = pixels.dtype != np.uint8 and bool((pixels % 1 != 0).any())
    values: NDArray[Any] = pixels
    if largest == 1 or (fractions and largest < 1):
        notes.append("pixels go from 0 to 1; they are read as 0 to 255")
        values = pixels * np.float32(255)
    elif fractions:
        notes.append("pixels have fractions; they are rounded to whole numbers from 0 to 255")
    if values.dtype != np.uint8:
        values = np.rint(values).astype(np.uint8)
    return np.ascontiguousarray(values)
