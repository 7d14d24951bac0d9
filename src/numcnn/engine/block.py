"""Context managers that release everything, whatever interrupts them."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Block(ABC):
    """A ``with`` block that leaves nothing behind.

    An exception such as Ctrl-C can come between any two steps, of the beginning and of the end. So
    `_start` may be left anywhere, and `_end` gives back whatever is there, once or twice.
    """

    def __enter__(self) -> Self:
        try:
            self._start()
            return self
        except BaseException:
            self.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what is held."""
        try:
            self._end()
        except BaseException:
            # What is done already is done again.
            self._end()
            raise

    @abstractmethod
    def _start(self) -> None:
        """Set up."""

    @abstractmethod
    def _end(self) -> None:
        """Give back, whatever `_start` or an earlier call has done."""
