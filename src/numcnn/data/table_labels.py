"""The labels of a table: where they are if no name says so, and which classes they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.data.dataset import DIGITS, check_label_range

Cell = float | str
"""A cell of a table: a number where it is one, else its text."""

MOST_CLASSES = 1000
"""More different labels than these are no classes, but something else."""


@final
class RowError(ValueError):
    """What is wrong with a row.

    Attributes:
        row: Which one, counted from 0.
    """

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row


def tell_apart(columns: Sequence[list[Cell]]) -> tuple[int | None, list[int]]:
    """Tell which of a table's outer columns is the label, and which are pixels.

    Args:
        columns: The values of the first column and of the last, and of the second between them
            where there are two columns more than pixels.

    Returns:
        The label's place among them, or None if there is none; and the places of the pixels.

    Raises:
        ValueError: It cannot be told.
    """
    places = list(range(len(columns)))
    if _counts_on(columns[0]):
        places.pop(0)
        if len(places) == 1:
            return None, places
    elif len(columns) == 3:
        raise ValueError(
            "two columns more than pixels, and the first is no index; give the table a header "
            "such as label,pixel0,pixel1"
        )
    first, last = places
    for certain in (_is_text, _is_large, _is_black, _is_mostly_black):
        found = [certain(columns[place]) for place in places]
        if found[0] != found[1]:
            # Words are labels; large numbers and what is black are pixels.
            is_first = found[0] if certain is _is_text else found[1]
            return (first, [last]) if is_first else (last, [first])
    raise ValueError(
        "the label may be in the first column or in the last; give the table a header such as "
        "label,pixel0,pixel1"
    )


def _counts_on(values: list[Cell]) -> bool:
    """Whether a column numbers the rows; ten rows or fewer may be one of each digit."""
    if len(values) <= 10 or values[0] not in (0, 1):
        return False
    return all(value == row for row, value in enumerate(values, int(values[0])))


def _is_text(values: list[Cell]) -> bool:
    return any(isinstance(value, str) for value in values)


def _is_large(values: list[Cell]) -> bool:
    """Whether there are values that no usual label has; only asked where none is text."""
    return any(not isinstance(value, str) and (value > 99 or value % 1 != 0) for value in values)


def _is_black(values: list[Cell]) -> bool:
    """Whether a column is a corner of all images that nothing reaches."""
    return set(values) == {0.0}


def _is_mostly_black(values: list[Cell]) -> bool:
    """Whether a column is a corner that little reaches; no class is as frequent as that."""
    return len(values) >= 20 and values.count(0.0) > 0.8 * len(values)


def classes_of(
    labels: Sequence[Cell], classes: tuple[str, ...] | None, notes: list[str]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Turn labels into positions of classes.

    Args:
        labels: As they stand in the table.
        classes: The names of the classes, if they are known; see `numcnn.data.read_csv`.
        notes: Gets what a user should know.

    Returns:
        The positions, and the names of the classes.

    Raises:
        RowError: A label is missing, or no usual one.
        ValueError: A label is none of the classes, or there are too many different ones.
    """
    texts = [label for label in labels if isinstance(label, str)]
    if not texts:
        return _numbered(np.array(labels, np.float64), classes, notes)
    # Numbers among words are a slip, unless digits and letters are the classes.
    is_slip = len(texts) < len(labels) and any(len(label) > 1 for label in texts)
    for row, label in enumerate(labels):
        if label == "":
            raise RowError(row, "there is no label; fill it in, or remove the row")
        if is_slip and isinstance(label, str):
            raise RowError(row, f"label {label[:40]!r} is no number, as other labels are")
    names = [label if isinstance(label, str) else f"{label:g}" for label in labels]
    return _named(names, classes, notes)


def _numbered(
    values: NDArray[np.float64], classes: tuple[str, ...] | None, notes: list[str]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    wrong = np.flatnonzero(~((values % 1 == 0) & (values >= 0) & (values < 2**31)))
    if wrong.size:
        label = f"{values[wrong[0]]:g}"
        raise RowError(int(wrong[0]), f"label {label} is not a whole number of at least 0")
    labels = values.astype(np.int64)
    if classes is not None:
        check_label_range(labels, len(classes), "labels")
        return labels, classes
    distinct = np.unique(labels)
    if distinct[-1] > 9:
        return _named([str(label) for label in labels.tolist()], None, notes)
    if np.array_equal(distinct, np.arange(1, 10)):
        notes.append("labels go from 1 to 9; they are taken as these digits, and none is 0")
    return labels, DIGITS


def _named(
    labels: Sequence[str], classes: tuple[str, ...] | None, notes: list[str]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    numbers = sorted((name for name in set(labels) if name.isdecimal()), key=int)
    names = numbers + sorted(name for name in set(labels) if not name.isdecimal())
    if classes is None:
        if len(names) > MOST_CLASSES:
            raise ValueError(
                f"{len(names):,} different labels, and {MOST_CLASSES:,} are the most; is this the "
                "column of the labels?"
            )
        shown = ", ".join(names[:3]) + (f" ... {names[-1]}" if len(names) > 3 else "")
        begin = ", from 1 and not from 0" if names[0] == "1" else ""
        notes.append(f"{len(names):,} classes, called as their labels{begin}: {shown}")
        classes = tuple(names)
    elif missing := [name for name in names if name not in classes]:
        raise ValueError(
            f"label {missing[0][:40]!r} is none of the classes {', '.join(classes)[:200]}"
        )
    positions = {name: position for position, name in enumerate(classes)}
    return np.array([positions[label] for label in labels], np.int64), classes
