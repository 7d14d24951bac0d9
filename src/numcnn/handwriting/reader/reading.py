"""The reading: what is written in a picture, as far as it could be read."""

from dataclasses import dataclass
from typing import Any, final

from numcnn.handwriting.vision import Box


@final
@dataclass(frozen=True)
class Digit:
    """One digit.

    Attributes:
        digit: 0 to 9.
        confidence: How probable it is that this is right, 0 to 1: its probability.
        probabilities: Of each digit from 0 to 9; together 1.
        box: ``(x, y, width, height)`` in pixels of the picture.
    """

    digit: int
    confidence: float
    probabilities: tuple[float, ...]
    box: Box

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return {
            "digit": self.digit,
            "confidence": self.confidence,
            "probabilities": list(self.probabilities),
            "box": list(self.box),
        }


@final
@dataclass(frozen=True)
class Rejected:
    """Something in a picture that was not read.

    Attributes:
        box: ``(x, y, width, height)`` in pixels of the picture; all of it if that is blank.
        reason: Why, in a few words.
    """

    box: Box
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return {"box": list(self.box), "reason": self.reason}


@final
@dataclass(frozen=True)
class Line:
    """Digits next to each other, from left to right; at least one."""

    digits: tuple[Digit, ...]

    @property
    def text(self) -> str:
        """The digits as text."""
        return "".join(str(digit.digit) for digit in self.digits)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return {"text": self.text, "digits": [digit.as_dict() for digit in self.digits]}


@final
@dataclass(frozen=True)
class Reading:
    """What is written in a picture.

    ``print`` shows the text, and below it what was rejected and why.

    Attributes:
        name: What the picture is called in a message, such as its path.
        size: Its width and height in pixels.
        lines: The lines that hold digits, from top to bottom.
        rejected: What is no digit, or could not be told; for a blank picture one entry as large
            as the picture.
    """

    name: str
    size: tuple[int, int]
    lines: tuple[Line, ...]
    rejected: tuple[Rejected, ...]

    @property
    def text(self) -> str:
        """The text, a line each; empty if nothing could be read."""
        return "\n".join(line.text for line in self.lines)

    @property
    def digits(self) -> tuple[Digit, ...]:
        """All digits in reading order."""
        return tuple(digit for line in self.lines for digit in line.digits)

    def as_dict(self) -> dict[str, Any]:
        """Return text, lines and what was rejected as JSON can hold it."""
        return {
            "text": self.text,
            "lines": [line.as_dict() for line in self.lines],
            "rejected": [rejected.as_dict() for rejected in self.rejected],
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """For everything that was rejected a line that says where and why."""
        return tuple(
            rejected.reason
            if rejected.box == (0, 0, *self.size)
            else f"{_at(rejected.box)}: {rejected.reason}"
            for rejected in self.rejected
        )

    def __str__(self) -> str:
        text = [self.text] if self.lines else []
        return "\n".join([*text, *(f"({note})" for note in self.notes)])


def _at(box: Box) -> str:
    x, y, width, height = box
    return f"{width} x {height} pixels at {x}, {y}"
