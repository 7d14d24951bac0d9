"""Text streams that accept any character, whatever they are connected to.

Standard output and standard error may be None (pythonw), closed, an object with nothing but
``write`` (notebooks, loggers), or of an encoding that lacks letters. What is told there must not
cost what was computed.
"""

from typing import Any, final


@final
class TextStream:
    r"""Writes to another stream what that one can take.

    Letters that its encoding lacks are written as escapes, such as ``\u732b``.

    Attributes:
        encoding: That of the other stream; UTF-8 if it does not say.
        errors: How letters are treated that it lacks.
    """

    errors = "backslashreplace"

    def __init__(self, stream: Any, *, may_fail: bool = True) -> None:
        """Stand before a stream.

        Args:
            stream: The other stream; None for nowhere.
            may_fail: Whether an error of the other stream is raised, such as that of a full disk.
                If not, nothing more is written after it.
        """
        self._stream = stream
        self._may_fail = may_fail
        self.encoding = _encoding(stream)

    def write(self, text: str) -> int:
        """Write a text; return its length."""
        shown = text.encode(self.encoding, self.errors).decode(self.encoding)
        self._call("write", shown)
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        self._call("flush")

    def isatty(self) -> bool:
        """Tell whether a terminal shows it."""
        try:
            return bool(self._stream.isatty())
        except (AttributeError, ValueError, OSError):
            return False

    def fileno(self) -> int:
        """Return the number of the file behind it.

        Raises:
            OSError: There is none.
        """
        try:
            return int(self._stream.fileno())
        except (AttributeError, ValueError) as error:
            raise OSError("there is no file behind this stream") from error

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    @property
    def closed(self) -> bool:
        """It takes everything, so it is never closed."""
        return False

    def _call(self, name: str, *values: str) -> None:
        method = getattr(self._stream, name, None)
        if method is None or getattr(self._stream, "closed", False) is True:
            return
        try:
            method(*values)
        except Exception:
            if self._may_fail:
                raise
            self._stream = None


def _encoding(stream: Any) -> str:
    encoding: Any = getattr(stream, "encoding", None)
    try:
        "".encode(encoding)
    except (LookupError, TypeError):
        return "utf-8"
    return str(encoding)
