"""Callbacks: what may watch a training, or end it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, final

from numcnn.nn import Optimizer, Sequential
from numcnn.nn.validation import number, whole
from numcnn.training.history import EpochRecord, History, check_mode, full_name


@final
@dataclass
class Moment:
    """Where a training is, as callbacks see it.

    Attributes:
        model: The network that learns.
        history: The finished epochs.
        epochs: How many there will be, unless a callback ends the training.
        batches: How many batches an epoch has.
        validated: Whether there are validation data.
        epoch: The number of the epoch at work, from 1.
        batch: How many of its batches are done.
        images: How many of its images are done.
        loss: The mean loss over these.
        accuracy: The share of them that was right, from 0 to 1; NaN for values.
        seconds: How long the epoch has been training.
        optimizer: What changes the weights.
        learning_rate: With which it did so last.
        stop: A callback sets this to a reason to end the training after this epoch.
    """

    model: Sequential
    history: History
    epochs: int
    batches: int
    validated: bool = False
    epoch: int = 1
    batch: int = 0
    images: int = 0
    loss: float = 0.0
    accuracy: float = 0.0
    seconds: float = 0.0
    optimizer: Optimizer | None = None
    learning_rate: float = 0.0
    stop: str = field(default="")

    @property
    def images_per_second(self) -> float:
        """How fast this epoch trains."""
        return self.images / self.seconds if self.seconds else 0.0


class Callback:
    """Something that watches a training. Each method does nothing unless it is overridden.

    ::

        class Rates(Callback):
            def batch_end(self, moment):
                print(moment.epoch, moment.batch, moment.learning_rate, moment.loss)

        fit(model, X, y, callbacks=Rates())
    """

    def train_begin(self, moment: Moment) -> None:
        """Called once, before the first epoch that is to be trained."""

    def batch_end(self, moment: Moment) -> None:
        """Called after each batch."""

    def epoch_end(self, moment: Moment, record: EpochRecord) -> None:
        """Called after each epoch, when validation is done. It may set ``moment.stop``."""

    def train_end(self, moment: Moment) -> None:
        """Called once at the end, also when the training ends by an error or by Ctrl-C."""


@final
@dataclass(frozen=True)
class EarlyStopping(Callback):
    """End the training when validation has not become better for some epochs.

    It looks at the history alone, so a resumed training stops where an uninterrupted one would.

    Attributes:
        patience: For how many epochs in a row nothing may get better.
        monitor: Which number of the history to look at, such as "validation_loss" (or "val_loss",
            or "loss"); if None, what chooses the best epoch (`History.best`).
        min_delta: By how much it has to get better to count; only with a ``monitor``.
        mode: "max" or "min" if larger or smaller is better; "auto" to know by the name.
    """

    patience: int
    monitor: str | None = None
    min_delta: float = 0.0
    mode: str = "auto"

    def __post_init__(self) -> None:
        whole("patience", self.patience)
        number("min_delta", self.min_delta, 0)
        check_mode(self.mode)
        if self.min_delta and self.monitor is None:
            raise ValueError(
                f"min_delta is {self.min_delta} and monitor is None; say of which number it is"
            )

    def train_begin(self, moment: Moment) -> None:
        """Ask before the first epoch too: a resumed training may have been at its end.

        Raises:
            ValueError: There is no validation data to judge by.
        """
        name = full_name(self.monitor or moment.history.monitor or "validation_loss")
        if name.startswith("validation_") and not moment.validated:
            raise ValueError(
                "early stopping needs validation data; give some, or a validation_split"
            )
        self._judge(moment)

    def epoch_end(self, moment: Moment, record: EpochRecord) -> None:
        """Compare this epoch with the best one."""
        self._judge(moment)

    def _judge(self, moment: Moment) -> None:
        if not moment.history.records:
            return
        best = self._best_epoch(moment.history)
        if len(moment.history) - best >= self.patience:
            moment.stop = f"no better than epoch {best} for {self.patience} epochs"

    def _best_epoch(self, history: History) -> int:
        """The number of the last epoch that was better than all before, by ``min_delta``."""
        if self.monitor is None:
            record = history.best
            assert record is not None
            return record.epoch
        best, epoch = -math.inf, 0
        for record, merit in zip(history, history.merits(self.monitor, self.mode), strict=True):
            if merit > best + self.min_delta or not epoch:
                best, epoch = merit, record.epoch
        return epoch


def as_callbacks(value: Any) -> list[Callback]:
    """Take callbacks; one alone does not need a list.

    Raises:
        ValueError: One of them is none.
    """
    given = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    for each in given:
        if not isinstance(each, Callback):
            shown = f"the class {each.__name__}" if isinstance(each, type) else repr(each)
            raise ValueError(
                f"callbacks holds {shown}; give Callback objects, such as EarlyStopping(3)"
            )
    return given
