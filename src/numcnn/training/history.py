"""The history of a training: a record for each epoch, as JSON Lines."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn, final

from numcnn.atomic_file import atomic_file
from numcnn.nn.habits import no_attribute
from numcnn.nn.validation import is_number, is_whole

_VALIDATION = "validation_"

_HABITS = {
    "epoch": "take [record.epoch for record in history]",
    "epochs": "take len(history), or iterate over it",
    "history": 'take values("loss"), values("validation_loss") and so on, or iterate over it',
}

_MOST = 1e300
"""No number of a training is larger; JSON also knows whole numbers that no float holds."""


@final
@dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    Attributes:
        epoch: Its number, from 1.
        loss: The mean loss over the epoch's training images, as the weights changed.
        accuracy: The share of them that was right, from 0 to 1; None for values.
        learning_rate: The rate of the epoch's last step.
        seconds: How long it took, with validation.
        images_per_second: Training images by the time that training alone took.
        validation_loss: The loss after the epoch on the validation images, if there are any.
        validation_accuracy: The share of them that was right.
        metrics: What else was measured on them, by name.
    """

    epoch: int
    loss: float
    accuracy: float | None
    learning_rate: float
    seconds: float
    images_per_second: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, float]:
        """The values by name, without those that there are not; metrics as ``validation_NAME``."""
        values = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name != "metrics"
        }
        values |= {f"validation_{name}": value for name, value in self.metrics.items()}
        return {name: value for name, value in values.items() if value is not None}


@final
class History:
    """The records of a training's epochs, first to last. Indexed and iterated, it gives these.

    Attributes:
        records: One for each finished epoch.
        interrupted: Whether Ctrl-C ended the training before its time.
        monitor: By which number the best epoch is chosen; see `best`.
        mode: "max" or "min" if larger or smaller is better; "auto" to know by the name.
    """

    def __init__(
        self,
        records: Sequence[EpochRecord] = (),
        monitor: str | None = None,
        mode: str = "auto",
    ) -> None:
        check_mode(mode)
        self.records = list(records)
        self.interrupted = False
        self.monitor = None if monitor is None else full_name(monitor)
        self.mode = mode

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[EpochRecord]:
        return iter(self.records)

    def __getitem__(self, epoch: int) -> EpochRecord:
        return self.records[epoch]

    def __repr__(self) -> str:
        if not self.records:
            return "<History of no epochs>"
        last = ", ".join(
            f"{name} {value:.4g}"
            for name, value in self.records[-1].as_dict().items()
            if name.endswith("accuracy") or "loss" in name
        )
        stopped = ", interrupted" if self.interrupted else ""
        return f"<History of {len(self)} epochs{stopped}: {last}>"

    def _repr_html_(self) -> str:
        """A table of all epochs, for a notebook."""
        rows = [record.as_dict() for record in self.records]
        names = list(dict.fromkeys(name for row in rows for name in row))
        head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in names)
        body = "".join(
            "<tr>"
            + "".join(f"<td>{row[name]:.4g}</td>" if name in row else "<td></td>" for name in names)
            + "</tr>"
            for row in rows
        )
        return f"<table><tr>{head}</tr>{body}</table>"

    def __getattr__(self, name: str) -> NoReturn:
        raise no_attribute("History", name, _HABITS)

    def values(self, name: str) -> list[float]:
        """One number of each epoch, such as ``values("validation_loss")``.

        Raises:
            ValueError: There is none of that name in an epoch.
        """
        wanted = full_name(name)
        rows = [record.as_dict() for record in self.records]
        if rows and any(wanted not in row for row in rows):
            raise ValueError(f"monitor {name!r} is not measured; there are {', '.join(rows[0])}")
        return [row[wanted] for row in rows]

    def merits(self, name: str, mode: str) -> list[float]:
        """One number of each epoch as `values` gives it, with its sign turned if less is better."""
        sign = 1 if _is_larger_better(full_name(name), mode) else -1
        return [sign * value for value in self.values(name)]

    @property
    def best(self) -> EpochRecord | None:
        """The epoch whose weights are the best known; None if there is none yet.

        With validation, the one with the highest validation accuracy; of these the one with the
        lowest validation loss (values have that alone), and of these the first. Without, nothing
        tells a good epoch from a bad one, and it is the last. If there is a `monitor`, it decides,
        and of equal ones it is the first.
        """
        if not self.records:
            return None
        if self.monitor is not None:
            merits = self.merits(self.monitor, self.mode)
            return self.records[merits.index(max(merits))]
        if self.records[-1].validation_loss is None:
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
    names = [each.name for each in fields(EpochRecord) if each.name != "metrics"]
    optional = {"accuracy", "validation_loss", "validation_accuracy"}
    missing = [name for name in names if name not in row and name not in optional]
    extra = row.keys() - {*names}
    unknown = sorted(name for name in extra if not str(name).startswith(_VALIDATION))
    if missing or unknown:
        raise ValueError(f"missing are {missing}, unknown {unknown}")
    for name, value in row.items():
        # Only a loss or a metric of one's own may be negative.
        least = -_MOST if name.endswith("loss") or name in extra else 0
        most = 1 if name.endswith("accuracy") and name not in extra else _MOST
        is_right = is_whole if name == "epoch" else is_number
        if not is_right(value, least, most):
            raise ValueError(f"{name} is {value!r}")
    known = {name: value for name, value in row.items() if name not in extra}
    metrics = {name.removeprefix(_VALIDATION): row[name] for name in row if name in extra}
    return EpochRecord(**{"accuracy": None, **known}, metrics=metrics)


def full_name(monitor: str) -> str:
    """The name in a history of what is called ``val_loss`` elsewhere."""
    return _VALIDATION + monitor[4:] if monitor.startswith("val_") else monitor


def check_mode(mode: str) -> None:
    """Refuse what does not say whether more or less is better.

    Raises:
        ValueError: It is none of "max", "min" and "auto".
    """
    if mode not in ("auto", "max", "min"):
        raise ValueError(f'mode is {mode!r}; give "max", "min" or "auto"')


def _is_larger_better(name: str, mode: str) -> bool:
    if mode != "auto":
        return mode == "max"
    return not any(part in name for part in ("loss", "error", "mae", "mse"))


def _merit(record: EpochRecord) -> tuple[float, float]:
    assert record.validation_loss is not None
    return record.validation_accuracy or 0.0, -record.validation_loss
