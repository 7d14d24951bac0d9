"""The errors of pictures that cannot be read, each in one line that says which and why."""

from typing import final

from numcnn.deadline import DeadlineExceeded


class PictureError(ValueError):
    """A picture cannot be read; the message is one line that says which and why.

    Attributes:
        reason: Why.
        name: What the picture is called, such as its path; empty where that is not known.
    """

    def __init__(self, reason: str, name: str = "") -> None:
        # Both arguments, so that it can be sent to another process.
        super().__init__(reason, name)
        self.reason, self.name = reason, name

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}" if self.name else self.reason


@final
class PictureTooLargeError(PictureError):
    """A picture has more bytes or pixels than are allowed."""


@final
class UnknownPictureError(PictureError):
    """Something is no picture, or one of a kind that is not known."""


class ErrorsInOneLine:
    """Within the block, whatever is wrong with a picture becomes a `PictureError` with its name.

    Damaged files make Pillow raise errors of many kinds: SyntaxError, struct.error, EOFError...
    """

    def __init__(self, name: str) -> None:
        """Take what the picture is called."""
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PictureError):
            raise type(error)(error.reason, self.name) from error.__cause__
        if isinstance(error, Exception) and not isinstance(error, MemoryError | DeadlineExceeded):
            raise PictureError(f"damaged or truncated ({one_line(error)})", self.name) from error


def one_line(text: object, length: int = 100) -> str:
    """A text for a message: printable, without line breaks, and not too long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= length else line[: length - 3] + "..."
