"""The history of a training: a record for each epoch, as JSON Lines."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, final

from numcnn.atomic_file import atomic_file
from numcnn.nn.validation import is_number, is_whole

_MOST = 1e300
"""No number of a training is larger; JSON also knows whole numbers that no float holds."""


@final
@dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    Attributes:
        epoch: Its number, from 1.
        loss: The mean loss over the epoch's training images, as the weights changed.
        accuracy: The share of them that was right, from 0 to 1.
        learning_rate: The rate of the epoch's last step.
        seconds: How long it took, with validation.
        images_per_second: Training images by the time that training alone took.
        validation_loss: The loss after the epoch on the validation images, if there are any.
        validation_accuracy: The share of them that was right.
    """

    epoch: int
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float
    images_per_second: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None

    def as_dict(self) -> dict[str, float]:
        """The values by name, without those that there are not."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@final
class History:
    """The records of a training's epochs, first to last.

    Attributes:
        records: One for each finished epoch.
        interrupted: Whether Ctrl-C ended the training before its time.
    """

    def __init__(self, records: Sequence[EpochRecord] = ()) -> None:
        self.records = list(records)
        self.interrupted = False

    def __len__(self) -> int:
        return len(self.records)

    @property
    def best(self) -> EpochRecord | None:
        """The epoch whose weights are the best known; None if there is none yet.

        With validation, the one with the highest validation accuracy; of these the one with the
        lowest validation loss, and of these the first. Without, nothing tells a good epoch from a
        bad one, and it is the last.
        """
        if not self.records:
            return None
        if self.records[-1].validation_accuracy is None:
            return self.records[-1]
        # Of equal ones, max takes the first.
        return max(self.records, key=_merit)

    @property
    def seconds(self) -> float:
        """How long all epochs took together."""
        return sum(record.seconds for record in self.records)

    @property
    def images_per_second(self) -> float:
        """The median over the epochs; 0 if there are none."""
        speeds = sorted(record.images_per_second for record in self.records)
        return speeds[len(speeds) // 2] if speeds else 0.0

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the records as JSON Lines."""
        lines = [json.dumps(record.as_dict()) + "\n" for record in self.records]
        with atomic_file(path) as temporary:
            temporary.write_text("".join(lines), encoding="utf-8")

    @staticmethod
    def from_rows(rows: Iterable[Any]) -> "History":
        """Make a history of what files hold, checked.

        Args:
            rows: For each epoch what `EpochRecord.as_dict` gave.

        Raises:
            ValueError: A row is not an epoch's record; the message says which, counted from 1.
        """
        records = []
        for number, row in enumerate(rows, 1):
            try:
                records.append(_record(row))
            except ValueError as error:
                raise ValueError(f"line {number}: not an epoch's record: {error}") from error
        return History(records)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> "History":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: A line is not a record; the message says which.
        """
        try:
            return History.from_rows(map(_parsed, Path(path).read_bytes().splitlines()))
        except ValueError as error:
            raise ValueError(f"{path}, {error}") from error


def _parsed(line: bytes) -> Any:
    """What a line says; None, which is no record, if it is not JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _record(row: Any) -> EpochRecord:
    """Check that a row is an epoch's record: all numbers there, finite and in their range."""
    if not isinstance(row, dict):
        raise ValueError("it is no JSON object")
    names = [field.name for field in fields(EpochRecord)]
    missing = [name for name in names[:-2] if name not in row]
    unknown = sorted(row.keys() - {*names})
    if missing or unknown:
        raise ValueError(f"missing are {missing}, unknown {unknown}")
    for name, value in row.items():
        # Only a loss of one's own may be negative.
        least = -_MOST if name.endswith("loss") else 0
        most = 1 if name.endswith("accuracy") else _MOST
        is_right = is_whole if name == "epoch" else is_number
        if not is_right(value, least, most):
            raise ValueError(f"{name} is {value!r}")
    return EpochRecord(**row)


def _merit(record: EpochRecord) -> tuple[float, float]:
    assert record.validation_accuracy is not None
    assert record.validation_loss is not None
    return record.validation_accuracy, -record.validation_loss
