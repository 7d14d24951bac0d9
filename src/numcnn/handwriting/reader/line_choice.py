"""Decides between two ways to read a line: digit by digit, or as a whole.

The reader cuts a line into digits and classifies each; `LineReader` reads it without cutting. Each
says how probable its answer is, and the two are compared here, row by row. The constants were
chosen on generated pictures whose digits no training has seen and on real pictures to develop on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from numcnn.deadline import check_deadline
from numcnn.handwriting.class_names import CLASS_NAMES, DIGITS, OTHER
from numcnn.handwriting.frame import SIDE
from numcnn.handwriting.reader.line_reader import LineReader, LineReading, LineSymbol
from numcnn.handwriting.reader.reading import Finding, Separator
from numcnn.handwriting.vision import Box, Page, Region, to_mnist_frame

Row = tuple[Finding, ...]
Gray = NDArray[np.float32]

_OTHER = CLASS_NAMES.index(OTHER)

MOST_ROWS: Final = 6
"""Rows of a page beyond which none is read as a whole: it is no note of a few numbers."""

LEAST_PROBABILITY: Final = 0.17
"""The probability of a whole line below which its digits do not count."""

LEAST_ALONE: Final = 0.8
"""The same where no digit was found by itself."""

LEAST_ALONE_IN_WHOLE: Final = 0.5
"""The same where the line is all of the picture, as with paper that is printed all over."""

LEAST_DIGITS: Final = 2
"""Fewer digits are no line: one by itself is told better, and from what is none, by itself."""

WEIGHT_OF_PART: Final = 0.5
"""How much the probability of a line counts that was found in a larger picture, and cut out.

Where the line is all of the picture, it decides: on patterned paper and with strokes that touch,
what is found digit by digit may be sure, and yet lack a digit.
"""

DISAGREEMENT: Final = 0.3
"""By how much less probable a row is, read digit by digit, if all of the picture says otherwise."""

REJECTED: Final = 0.3
"""What a rejected region among digits says of its row: by so much less probable is the rest."""

WHOLE_HEIGHT: Final = 0.6
"""The height of a row, as a share of the picture's, above which all of the picture is the line."""

_LEAST_WIDTH, _MOST_WIDTH = 1.1, 12.0  # of a picture that is one line, for each of its height
_MARGIN_ACROSS, _MARGIN_DOWN = 0.35, 0.15  # of a row's height: what is shown around it
_REACH = {".": 0.08, "-": 0.3}  # of a line's height: how far a separator reaches to either side
_FULL_INK = 2.5  # standard deviations of the gray values that full ink lies away from the paper
_LEAST_INK = 0.4  # of full ink: what belongs to a digit's box


@final
@dataclass(frozen=True)
class Chosen:
    """What is said of a picture.

    Attributes:
        rows: Digits and what was rejected, row by row.
        separators: Dots and dashes between the digits of rows that were read as a whole.
    """

    rows: tuple[Row, ...]
    separators: tuple[Separator, ...] = ()


def choose(page: Page, rows: tuple[Row, ...], reader: LineReader) -> Chosen:
    """Read what looks like a line as a whole as well, and take the more probable answer.

    Args:
        page: What was found in the picture.
        rows: What that was read as, row by row.
        reader: Reads whole lines.
    """
    if len(rows) > MOST_ROWS or page.left_out:
        return Chosen(rows)
    gray = page.picture.pixels.mean(axis=2, dtype=np.float32)
    everything: Box = (0, 0, gray.shape[1], gray.shape[0])
    if not rows:
        found = _read(page, gray, everything, reader, False) if _is_line(gray.shape) else None
        if found is None or not is_better(found[0], (), is_whole=True):
            return Chosen(rows)
        return Chosen((found[1],), found[2])
    if len(rows) > 1 and _is_one_line(page, gray.shape):
        # What lies above or below a line that fills the picture is no line of its own.
        found = _read(page, gray, everything, reader, False)
        if found is not None and is_better(found[0], sum(rows, ()), is_whole=True):
            return Chosen((found[1],), found[2])
    chosen: list[Row] = []
    separators: list[Separator] = []
    for row, regions in zip(rows, page.lines, strict=True):
        check_deadline()
        box = _box(gray, row, regions, is_only=len(rows) == 1)
        is_whole = box == everything
        # Where it cannot be better, a glance is enough: it says where separators stand.
        is_settled = not is_whole and row_probability(row) >= WEIGHT_OF_PART
        found = None if box is None else _read(page, gray, box, reader, is_settled)
        if found is not None and not is_settled and is_better(found[0], row, is_whole=is_whole):
            chosen.append(found[1])
            separators += found[2]
            continue
        agrees = found is not None and found[0].text == _text(row)
        if found is not None and is_whole and row_probability(row):
            own = found[0].probability if agrees else DISAGREEMENT * row_probability(row)
            row = rated(row, own)
        chosen.append(row)
        if found is not None and agrees:
            separators += found[2]
    return Chosen(tuple(chosen), tuple(separators))


def is_better(line: LineReading, row: Row, *, is_whole: bool) -> bool:
    """Tell whether a line that was read as a whole is to be preferred to its digits by themselves.

    Args:
        line: The line as a whole.
        row: The same, digit by digit; empty if nothing was found.
        is_whole: Whether the line is all of the picture.
    """
    by_itself = row_probability(row)
    alone = LEAST_ALONE_IN_WHOLE if is_whole else LEAST_ALONE
    least = LEAST_PROBABILITY if by_itself else alone
    if len(line.text) < LEAST_DIGITS or line.probability < least:
        return False
    if line.text == _text(row):
        # Boxes are more exact where there is one region a digit.
        return any(each.rejection for each in row)
    return is_whole or WEIGHT_OF_PART * line.probability > by_itself


def row_probability(row: Row) -> float:
    """How probable it is that all of a row is read right, digit by digit; 0 without a digit."""
    if all(each.rejection for each in row):
        return 0.0
    return math.prod(REJECTED if each.rejection else each.confidence for each in row)


def _text(row: Row) -> str:
    return "".join(str(each.digit) for each in row if not each.rejection)


def rated(row: Row, probability: float) -> Row:
    """Give a row's digits such confidences that together they are as probable as said."""
    digits = [each for each in row if not each.rejection]
    power = _power([each.confidence for each in digits], probability)
    sure = iter([_own(each.confidence, power, probability, len(digits)) for each in digits])
    return tuple(
        each
        if each.rejection or each.digit is None
        else replace(
            each,
            class_probabilities=_probabilities(each.class_probabilities, each.digit, next(sure)),
        )
        for each in row
    )


def _is_line(shape: tuple[int, ...]) -> bool:
    height, width = shape
    return _LEAST_WIDTH * height <= width <= _MOST_WIDTH * height


def _is_one_line(page: Page, shape: tuple[int, ...]) -> bool:
    """Tell whether one of several rows is as high as the picture of a single line would have it."""
    heights = [
        max(each.y + each.height for each in line) - min(each.y for each in line)
        for line in page.lines
    ]
    return max(heights) > WHOLE_HEIGHT * shape[0] and _is_line(shape)


def _box(gray: Gray, row: Row, regions: Sequence[Region], is_only: bool) -> Box | None:
    """The box of a line with what is around it; None if it is none to be read as a whole."""
    left, top = min(each.x for each in regions), min(each.y for each in regions)
    right = max(each.x + each.width for each in regions)
    bottom = max(each.y + each.height for each in regions)
    height = bottom - top
    is_single = len(row) == 1 and right - left < height
    if is_single and not row[0].rejection:
        return None
    if is_only and height > WHOLE_HEIGHT * gray.shape[0] and _is_line(gray.shape):
        return 0, 0, gray.shape[1], gray.shape[0]
    if is_single:
        return None
    across, down = round(_MARGIN_ACROSS * height), round(_MARGIN_DOWN * height)
    x, y = max(0, left - across), max(0, top - down)
    return x, y, min(gray.shape[1], right + across) - x, min(gray.shape[0], bottom + down) - y


def _read(
    page: Page, gray: Gray, box: Box, reader: LineReader, at_a_glance: bool
) -> tuple[LineReading, Row, tuple[Separator, ...]] | None:
    """Read a box as a line."""
    x, y, width, height = box
    line = gray[y : y + height, x : x + width]
    if min(line.shape) < 2:
        return None
    reading = reader.glance(line) if at_a_glance else reader.read(line)
    ink = _ink(line)
    said = [_among(each) for each in reading.symbols if each.is_digit]
    power = _power(said, reading.probability)
    findings, separators = [], []
    for symbol in reading.symbols:
        first = min(int(symbol.left * width), width - 1)
        last = max(first + 1, min(width, math.ceil(symbol.right * width)))
        if not symbol.is_digit:
            # Its neighbors are larger, and reach over it.
            middle, reach = (first + last) // 2, max(1, round(_REACH[symbol.symbol] * height))
            first, last = max(first, middle - reach), min(last, middle + reach)
        own = _trimmed(ink[:, first:last])
        place = page.picture.to_original((x + first + own[0], y + own[1], own[2], own[3]))
        if not symbol.is_digit:
            separators.append(Separator(place, symbol.symbol))
            continue
        cut = ink[own[1] : own[1] + own[3], first + own[0] : first + own[0] + own[2]]
        frame = to_mnist_frame(cut) if cut.any() else np.zeros((SIDE, SIDE), np.uint8)
        sure = _own(_among(symbol), power, reading.probability, len(said))
        classes = _probabilities(symbol.class_probabilities, int(symbol.symbol), sure)
        findings.append(Finding(place, classes, frame))
    return reading, tuple(findings), tuple(separators)


def _power(said: Sequence[float], probability: float) -> float | None:
    """To which power digits' probabilities make up a line's; None if all of them are 1."""
    total = sum(math.log(max(each, 1e-9)) for each in said)
    return math.log(max(probability, 1e-9)) / total if total < -1e-6 else None


def _own(said: float, power: float | None, probability: float, count: int) -> float:
    """A digit's probability, such that those of all digits make up the line's."""
    return float(probability ** (1 / count) if power is None else max(said, 1e-9) ** power)


def _among(symbol: LineSymbol) -> float:
    """A digit's probability among the ten."""
    among = symbol.class_probabilities[: len(DIGITS)]
    return among[int(symbol.symbol)] / max(sum(among), 1e-9)


def _probabilities(classes: Sequence[float], digit: int, sure: float) -> tuple[float, ...]:
    """The probabilities of all classes if that of a digit is to be another."""
    among = np.array(classes[: len(DIGITS)])
    among[digit] = 0
    total = float(among.sum())
    # It has been decided: no other digit is more probable than this one.
    rest = among / total * (1 - sure) if total > 0 else np.full(len(DIGITS), (1 - sure) / 9)
    rest = np.minimum(rest, 0.9 * sure)
    probabilities = np.zeros(len(CLASS_NAMES))
    probabilities[: len(DIGITS)] = rest
    probabilities[digit] = sure
    probabilities[_OTHER] = max(0.0, 1 - float(probabilities.sum()))
    return tuple((probabilities / probabilities.sum()).tolist())


def _ink(line: Gray) -> NDArray[np.float32]:
    """How much ink there is, 0 to 1, in gray values of a line: what is away from the paper's."""
    away = np.median(line) - line
    if np.mean(np.clip(away, -100, 100) ** 3) < 0:
        away = -away
    return np.clip(away / (_FULL_INK * (line.std() + 4)), 0, 1).astype(np.float32)


def _trimmed(ink: NDArray[np.float32]) -> Box:
    """The box around what is clearly ink; all of it if nothing is."""
    is_ink = ink > _LEAST_INK
    rows, columns = np.flatnonzero(is_ink.any(axis=1)), np.flatnonzero(is_ink.any(axis=0))
    if not rows.size:
        return 0, 0, ink.shape[1], ink.shape[0]
    return (
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0]) + 1,
        int(rows[-1] - rows[0]) + 1,
    )
