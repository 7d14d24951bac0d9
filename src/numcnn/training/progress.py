"""Progress of a training: a bar in a terminal, plain lines elsewhere."""

import math
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO, cast, final

from numcnn.text_stream import TextStream
from numcnn.training.callbacks import Callback, Moment
from numcnn.training.history import EpochRecord

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


def progress(kind: str = "auto", stream: TextIO | None = None) -> Callback | None:
    """Choose how to show a training.

    Args:
        kind: "bar" for a bar with time left (needs Rich), "lines" for a line an epoch, "none" for
            silence, "auto" for a bar if the stream is a terminal that can show one and Rich is
            installed, else lines.
        stream: Where to write; standard error if None, so that results can be piped. Whatever
            happens to it, the training goes on.

    Raises:
        ValueError: There is no such kind, or Rich is missing for "bar".
    """
    if kind not in ("bar", "lines", "none", "auto"):
        raise ValueError(f'progress is {kind!r}; choose "auto", "bar", "lines" or "none"')
    if kind == "none":
        return None
    shown = TextStream(sys.stderr if stream is None else stream, may_fail=False)
    if kind == "lines" or (kind == "auto" and not shown.isatty()):
        return ProgressLines(shown)
    try:
        from rich.console import Console
    except ModuleNotFoundError:
        if kind == "auto":
            return ProgressLines(shown)
        raise ValueError(
            'progress is "bar", which needs Rich: pip install "numcnn[app]", or choose "lines"'
        ) from None
    console = Console(file=cast(TextIO, shown))
    if kind == "auto" and console.is_dumb_terminal:
        return ProgressLines(shown)
    return ProgressBar(console)


def epoch_line(record: EpochRecord, epochs: int) -> str:
    """Put an epoch's record into one line."""
    line = f"epoch {record.epoch:>{len(str(epochs))}}/{epochs}  loss {record.loss:.4f}"
    if record.accuracy is not None:
        line += f"  accuracy {record.accuracy:7.2%}"
    if record.validation_loss is not None:
        line += f"  validation loss {record.validation_loss:.4f}"
    if record.validation_accuracy is not None:
        line += f"  accuracy {record.validation_accuracy:7.2%}"
    line += "".join(f"  {name} {value:.4g}" for name, value in record.metrics.items())
    return f"{line}  {record.images_per_second:,.0f} images/s"


@final
class ProgressLines(Callback):
    """A line an epoch, with the time left: for logs and files."""

    def __init__(self, stream: TextIO | TextStream) -> None:
        self._stream = stream
        self._start = 0.0
        self._done_before = 0

    def train_begin(self, moment: Moment) -> None:
        """Start the clock."""
        self._start = time.monotonic()
        self._done_before = len(moment.history)

    def epoch_end(self, moment: Moment, record: EpochRecord) -> None:
        """Write the line."""
        done = record.epoch - self._done_before
        left = (time.monotonic() - self._start) / done * (moment.epochs - record.epoch)
        minutes, seconds = divmod(round(left), 60)
        line = f"{epoch_line(record, moment.epochs)}  {minutes}:{seconds:02} left"
        print(line, file=self._stream, flush=True)


@final
class ProgressBar(Callback):
    """A bar over all batches with loss, accuracy, speed and time left; a line an epoch above it."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def train_begin(self, moment: Moment) -> None:
        """Show the bar."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("loss {task.fields[loss]:.4f}{task.fields[accuracy]}"),
            TextColumn("{task.fields[speed]:,.0f} images/s"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task(
            "training",
            total=moment.epochs * moment.batches,
            completed=len(moment.history) * moment.batches,
            epochs=moment.epochs,
            **self._fields(moment),
        )
        self._progress.start()

    def batch_end(self, moment: Moment) -> None:
        """Move the bar."""
        if self._progress is not None and self._task is not None:
            done = (moment.epoch - 1) * moment.batches + moment.batch
            self._progress.update(self._task, completed=done, **self._fields(moment))

    def epoch_end(self, moment: Moment, record: EpochRecord) -> None:
        """Write the epoch's line above the bar."""
        self._console.print(epoch_line(record, moment.epochs), highlight=False)

    def train_end(self, moment: Moment) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()

    def _fields(self, moment: Moment) -> dict[str, Any]:
        return {
            "epoch": moment.epoch,
            "loss": moment.loss,
            "accuracy": "" if math.isnan(moment.accuracy) else f"  accuracy {moment.accuracy:.2%}",
            "speed": moment.images_per_second,
        }
