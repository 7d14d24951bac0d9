"""The progress bar of a download."""

from typing import final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn


@final
class DownloadBar:
    """A bar as pooch drives it, drawn by Rich on standard error; it appears with the first byte."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("downloading"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("download", total=None)
        self._total = 0

    @property
    def total(self) -> int:
        """How many bytes there are."""
        return self._total

    @total.setter
    def total(self, value: int) -> None:
        self._total = value
        self._progress.update(self._task, total=value, completed=0)

    def update(self, count: int) -> None:
        """Take note of more bytes."""
        self._progress.start()
        self._progress.update(self._task, advance=count)

    def reset(self) -> None:
        """Begin anew with the next file."""
        self._progress.reset(self._task)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
