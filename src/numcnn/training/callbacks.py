"""Callbacks: what may watch a training, or end it."""

from dataclasses import dataclass, field
from typing import final

from numcnn.nn import Sequential
from numcnn.nn.validation import whole
from numcnn.training.history import EpochRecord, History


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
        accuracy: The share of them that was right, from 0 to 1.
        seconds: How long the epoch has been training.
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
    stop: str = field(default="")

    @property
    def images_per_second(self) -> float:
        """How fast this epoch trains."""
        return self.images / self.seconds if self.seconds else 0.0


class Callback:
    """Something that watches a training. Each method does nothing unless it is overridden."""

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
    """

    patience: int

    def __post_init__(self) -> None:
        whole("patience", self.patience)

    def train_begin(self, moment: Moment) -> None:
        """Ask before the first epoch too: a resumed training may have been at its end.

        Raises:
            ValueError: There is no validation data to judge by.
        """
        if not moment.validated:
            raise ValueError(
                "early stopping needs validation data; give some, or a validation_split"
            )
        self._judge(moment)

    def epoch_end(self, moment: Moment, record: EpochRecord) -> None:
        """Compare this epoch with the best one."""
        self._judge(moment)

    def _judge(self, moment: Moment) -> None:
        best = moment.history.best
        if best is not None and len(moment.history) - best.epoch >= self.patience:
            moment.stop = f"no better than epoch {best.epoch} for {self.patience} epochs"
