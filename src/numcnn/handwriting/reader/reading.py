"""What was found in a picture of handwriting, and what it was read as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.handwriting.class_names import DIGITS
from numcnn.handwriting.vision import Box


@final
@dataclass(frozen=True)
class Remark:
    """What is said of something in a picture that was not read.

    Attributes:
        box: ``(x, y, width, height)`` in pixels of the picture; all of it if that is what the
            remark is about.
        reason: Why it was not read, in a few words.
    """

    box: Box
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"box": list(self.box), "reason": self.reason}


@final
@dataclass(frozen=True)
class Separator:
    """A dot or dash between or behind digits, which is no part of the text.

    Attributes:
        box: ``(x, y, width, height)`` in pixels of the picture.
        symbol: "." for a dot, a comma or an apostrophe, "-" for a dash or two.
    """

    box: Box
    symbol: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"symbol": self.symbol, "box": list(self.box)}


@final
@dataclass(frozen=True)
class Finding:
    """Something that was found in a picture: a digit, or what was rejected.

    Attributes:
        box: ``(x, y, width, height)`` in pixels of the picture.
        class_probabilities: Of `numcnn.handwriting.class_names.CLASS_NAMES`, 12 numbers; together
            1.
        frame: What the network was shown, in MNIST's frame, uint8 ``(28, 28)``. Findings are
            compared without it.
        rejection: Why it was not read, in a few words; empty for a digit.
    """

    box: Box
    class_probabilities: tuple[float, ...]
    frame: NDArray[np.uint8] = field(compare=False, repr=False)
    rejection: str = ""

    @property
    def digit(self) -> int | None:
        """What it was read as, 0 to 9; None if it was rejected."""
        return None if self.rejection else int(np.argmax(self.probabilities))

    @property
    def confidence(self) -> float:
        """The probability of the most probable digit among the ten, 0 to 1."""
        return max(self.probabilities)

    @property
    def probabilities(self) -> tuple[float, ...]:
        """The probability of each digit from 0 to 9 among the ten; together 1."""
        digits = np.array(self.class_probabilities[: len(DIGITS)])
        # Of what is surely no digit, all of them are 0.
        return tuple((digits / (digits.sum() or 1)).tolist())

    @property
    def remark(self) -> Remark | None:
        """Why it was not read; None for a digit."""
        return Remark(self.box, self.rejection) if self.rejection else None

    def as_dict(self) -> dict[str, Any]:
        """Return a digit, or the remark of what was rejected, as JSON can hold it."""
        if self.remark is not None:
            return self.remark.as_dict()
        return {
            "digit": self.digit,
            "confidence": self.confidence,
            "probabilities": list(self.probabilities),
            "box": list(self.box),
        }


@final
@dataclass(frozen=True)
class Reading:
    """What is written in a picture.

    ``print`` shows the text, and below it what was not read and why.

    Attributes:
        name: What the picture is called in a message, such as its path.
        size: Its width and height in pixels.
        rows: Everything that was found, from top to bottom and from left to right; no row is
            empty, but there may be rows without a digit.
        notices: What is said of the picture as a whole, such as that it is blank.
        separators: Dots and dashes among the digits, where a line was read as a whole.
    """

    name: str
    size: tuple[int, int]
    rows: tuple[tuple[Finding, ...], ...]
    notices: tuple[str, ...] = ()
    separators: tuple[Separator, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was found, in reading order."""
        return tuple(finding for row in self.rows for finding in row)

    @property
    def digits(self) -> tuple[Finding, ...]:
        """The findings that are digits, in reading order."""
        return tuple(finding for line in self._lines() for finding in line)

    @property
    def text(self) -> str:
        """The digits of each row with a digit as a line; empty if nothing could be read."""
        return "\n".join(map(_text, self._lines()))

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What was not read and why: each rejected finding, then the picture as a whole."""
        rejected = [finding.remark for finding in self.findings if finding.remark is not None]
        return (*rejected, *(Remark((0, 0, *self.size), notice) for notice in self.notices))

    def as_dict(self) -> dict[str, Any]:
        """Return text, lines of digits, and what was rejected, as JSON can hold it."""
        lines = [
            {"text": _text(line), "digits": [digit.as_dict() for digit in line]}
            for line in self._lines()
        ]
        rejected = [remark.as_dict() for remark in self.remarks]
        separators = [each.as_dict() for each in self.separators]
        return {"text": self.text, "lines": lines, "separators": separators, "rejected": rejected}

    @property
    def notes(self) -> tuple[str, ...]:
        """The remarks as text: where, unless it is the picture as a whole, and why."""
        return tuple(
            remark.reason
            if remark.box == (0, 0, *self.size)
            else f"{_place(remark.box)}: {remark.reason}"
            for remark in self.remarks
        )

    def __str__(self) -> str:
        text = [self.text] if self.digits else []
        return "\n".join([*text, *(f"({note})" for note in self.notes)])

    def _lines(self) -> list[list[Finding]]:
        """The digits of each row that has any."""
        lines = ([each for each in row if not each.rejection] for row in self.rows)
        return [line for line in lines if line]


def _text(line: list[Finding]) -> str:
    return "".join(str(digit.digit) for digit in line)


def _place(box: Box) -> str:
    x, y, width, height = box
    return f"{width} x {height} pixels at {x}, {y}"
