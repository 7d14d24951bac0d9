"""Lines of running numbers on all kinds of paper, composed of single digits.

Amounts as people write them: digits of one hand and size, close, touching or overlapping, on a base
line that is not quite straight, with dots, commas and dashes among them, between strokes, letters
and signs that are none of them; on cheques' patterned paper, ruled and squared paper, in shadow;
cut out with too much or too little around them.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from numcnn.data.dataset import Dataset
from numcnn.handwriting.line_frame import HEIGHT, WIDTH, line_frame
from numcnn.handwriting.synthesis.european_digits import with_european_digits
from numcnn.handwriting.synthesis.letters import letter
from numcnn.random_streams import STREAM_LINES

SYMBOLS = (*"0123456789", ".", "-")
"""What a line is spelled with: digits, dot (also comma and apostrophe), dash (also two of them)."""

DOT, DASH = SYMBOLS.index("."), SYMBOLS.index("-")

LONGEST = 16
"""Symbols of a line."""

Gray = NDArray[np.float32]
Rng = np.random.Generator

_SIDE = 48  # pixels: the height of the canvas
_MARGIN = 24  # pixels above and below, for what sticks out
_COUNTS = (0.05, 0.07, 0.09, 0.17, 0.24, 0.22, 0.11, 0.05)  # of 0 to 7 digits


@final
@dataclass(frozen=True, eq=False)
class Lines:
    """Lines in the frame, and what they say.

    Attributes:
        images: uint8 ``(count, 32, 192, 1)``, see `line_frame`.
        targets: int64 ``(count, LONGEST)``: places in `SYMBOLS`, filled up with -1.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.int64]


def compose_lines(digits: Dataset, count: int, seed: int) -> Lines:
    """Compose lines of a data set's digits.

    Args:
        digits: Labeled digits of 28 x 28 pixels, light on dark, as MNIST's; to a quarter of them
            as many digits of European hands are added.
        count: How many lines.
        seed: The same seed composes the same.

    Raises:
        ValueError: The images are of another size or have no labels, or a digit is missing.
    """
    hands = with_european_digits(digits, 0.25, seed)
    assert hands.labels is not None
    images = [_trimmed(image) for image in hands.images[..., 0]]
    by_digit = [
        np.flatnonzero(hands.labels == hands.classes.index(str(digit))) for digit in range(10)
    ]
    signs_rng = np.random.default_rng([seed, STREAM_LINES, 0])
    signs = [_trimmed(letter(signs_rng)) for _ in range(2000)]
    frames = np.zeros((count, HEIGHT, WIDTH, 1), np.uint8)
    targets = np.full((count, LONGEST), -1, np.int64)
    for place in range(count):
        rng = np.random.default_rng([seed, STREAM_LINES, 1, place])
        gray, said = _Line(images, by_digit, signs, rng).composed()
        frames[place, :, :, 0] = line_frame(gray)[0]
        targets[place, : len(said)] = said
    return Lines(frames, targets)


@final
class _Line:
    """A line that is being written."""

    def __init__(
        self,
        digits: list[NDArray[np.uint8]],
        by_digit: list[NDArray[np.intp]],
        signs: list[NDArray[np.uint8]],
        rng: Rng,
    ) -> None:
        self._digits, self._by_digit, self._signs, self._rng = digits, by_digit, signs, rng
        self._size = float(rng.uniform(0.38, 0.95) * _SIDE)  # of a digit
        self._gap = float(rng.normal(0.06, 0.09)) * self._size
        self._slant = float(rng.normal(0.08, 0.16))
        self._stretch = float(np.exp(rng.normal(0.05, 0.18)))
        self._drift = float(rng.normal(0, 0.02))  # of the base line, pixels down for each across
        self._base = _MARGIN + (_SIDE + self._size) / 2 + float(rng.normal(0, 2.5))
        self._pen = max(1.0, self._size * float(rng.uniform(0.05, 0.12)))
        self._ink = np.zeros((_SIDE + 2 * _MARGIN, 640), np.float32)
        self._x = float(rng.integers(1, 16))
        self._said: list[int] = []

    def composed(self) -> tuple[Gray, list[int]]:
        """Write all of it, on paper."""
        rng = self._rng
        if rng.random() < 0.12:
            self._sign()
        elif rng.random() < 0.15:
            self._dash()
        count = int(rng.choice(len(_COUNTS), p=_COUNTS))
        if not count:
            for _ in range(int(rng.integers(0, 6))):
                self._sign()
        values = self._values(count)
        for place, value in enumerate(values):
            self._digit(value)
            left = count - 1 - place
            if left and (rng.random() < (0.5 if left == 3 else 0.06)):
                self._dot()
        if count and rng.random() < 0.3:
            self._dot()
        if count and rng.random() < 0.22:
            self._dash()
        if rng.random() < 0.06:
            self._sign()
        width = int(min(self._x + rng.integers(1, 18), self._ink.shape[1]))
        ink = self._ink[:, : max(width, 24)]
        ink = ink[_MARGIN + int(rng.integers(-5, 6)) :][:_SIDE]
        return _on_paper(ink, rng), self._said[:LONGEST]

    def _values(self, count: int) -> list[int]:
        """Digits as amounts have them: equal neighbors, and zeros at the end, come often."""
        rng = self._rng
        values = rng.integers(0, 10, count).tolist()
        for place in range(1, count):
            if rng.random() < 0.15:
                values[place] = values[place - 1]
        zeros = int(rng.choice([0, 1, 2, 3, 4], p=[0.66, 0.08, 0.08, 0.14, 0.04]))
        for place in range(max(1, count - zeros), count):
            values[place] = 0
        return values

    def _digit(self, value: int) -> None:
        rng = self._rng
        places = self._by_digit[value]
        own = self._digits[places[rng.integers(len(places))]]
        height = float(np.clip(self._size * rng.normal(1, 0.1), 8, 62))
        if value == 0 and rng.random() < 0.15:
            height *= rng.uniform(0.55, 0.9)
        self._said.append(value)
        self._put(own, height, float(rng.normal(0, 0.04)) * self._size)
        self._x += max(-0.16 * self._size, self._gap + float(rng.normal(0, 0.06)) * self._size)

    def _put(self, own: NDArray[np.uint8], height: float, down: float) -> None:
        """Draw an image on the base line, and go on behind it."""
        rng = self._rng
        # A stem is not made broader, only higher.
        is_narrow = own.shape[1] < 0.35 * own.shape[0]
        stretch = 1.0 if is_narrow else self._stretch * float(np.exp(rng.normal(0, 0.08)))
        tall = max(6, round(height))
        wide = max(3, round(own.shape[1] * height / own.shape[0] * stretch))
        slant = self._slant + float(rng.normal(0, 0.05))
        reach = round(abs(slant) * tall)
        image = Image.fromarray(own).resize((wide, tall), Image.Resampling.BILINEAR)
        shift = -slant * tall if slant > 0 else 0.0
        image = image.transform(
            (wide + reach, tall),
            Image.Transform.AFFINE,
            (1, slant, shift, 0, 1, 0),
            Image.Resampling.BILINEAR,
        )
        drawn = np.asarray(image, np.float32) / 255
        kept = np.flatnonzero(drawn.max(axis=0) > 0.2)
        if kept.size:
            drawn = drawn[:, kept[0] : kept[-1] + 1]
        x = max(0, round(self._x))
        y = round(self._base + self._drift * x + down) - drawn.shape[0]
        y = min(max(y, 0), self._ink.shape[0] - drawn.shape[0])
        drawn = drawn[:, : max(0, self._ink.shape[1] - x)]
        here = self._ink[y : y + drawn.shape[0], x : x + drawn.shape[1]]
        np.maximum(here, drawn, out=here)
        self._x = x + drawn.shape[1]

    def _sign(self) -> None:
        """A letter or sign that is no part of a number."""
        rng = self._rng
        own = self._signs[rng.integers(len(self._signs))]
        self._put(own, self._size * float(rng.uniform(0.6, 1.1)), 0.0)
        self._x += float(rng.uniform(0.05, 0.3)) * self._size

    def _dot(self) -> None:
        """A dot, a comma, or an apostrophe."""
        rng, pen = self._rng, self._pen
        radius = pen * float(rng.uniform(0.5, 0.95))
        high = float(rng.random() < 0.12) * 0.75 * self._size
        x, y = self._x + radius + 1, self._base + self._drift * self._x - high - radius / 2
        if rng.random() < 0.7:
            self._stroke(x, y, x + 0.01, y, radius)
        else:
            long = pen * float(rng.uniform(1.5, 3.5))
            self._stroke(x, y, x - 0.4 * long, y + long, radius * 0.7)
        self._said.append(DOT)
        self._x = x + radius + float(rng.uniform(0.0, 0.14)) * self._size

    def _dash(self) -> None:
        """A dash, or two; straight or wavy."""
        rng = self._rng
        long = float(rng.uniform(0.2, 0.9)) * self._size
        x = self._x + float(rng.uniform(0.03, 0.2)) * self._size
        y = self._base - self._size * float(rng.uniform(0.2, 0.6))
        tilt, radius = float(rng.normal(0, 0.08)), self._pen * float(rng.uniform(0.4, 0.7))
        bend = float(rng.normal(0, 0.08)) * long if rng.random() < 0.3 else 0.0
        for line in range(2 if rng.random() < 0.3 else 1):
            down = y + line * self._size * 0.2
            self._stroke(x, down, x + long / 2, down + tilt * long / 2 + bend, radius)
            self._stroke(x + long / 2, down + tilt * long / 2 + bend, x + long, down, radius)
        self._said.append(DASH)
        self._x = x + long + float(rng.uniform(0.05, 0.25)) * self._size

    def _stroke(self, x: float, y: float, end_x: float, end_y: float, radius: float) -> None:
        """Draw a round-ended stroke."""
        low, high = min(x, end_x) - radius - 2, max(x, end_x) + radius + 2
        left, right = max(0, int(low)), min(self._ink.shape[1], int(high) + 1)
        if right <= left:
            return
        rows, columns = np.mgrid[: self._ink.shape[0], left:right].astype(np.float32)
        along_x, along_y = end_x - x, end_y - y
        share = ((columns - x) * along_x + (rows - y) * along_y) / (along_x**2 + along_y**2 + 1e-9)
        share = np.clip(share, 0, 1)
        away = np.hypot(columns - x - share * along_x, rows - y - share * along_y)
        here = self._ink[:, left:right]
        np.maximum(here, np.clip(radius - away + 0.5, 0, 1), out=here)


def _trimmed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = np.nonzero(image > 60)
    if not rows.size:
        return image
    return image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def _on_paper(ink: Gray, rng: Rng) -> Gray:
    """Lay ink, 0 to 1, on paper; gray values from 0 to 255."""
    height, width = ink.shape
    if rng.random() < 0.6:
        # Small pictures are blurred, and their strokes as thick as they come.
        radius = float(rng.uniform(0.3, 1.4))
        blurred = Image.fromarray(ink * 255).convert("L").filter(ImageFilter.GaussianBlur(radius))
        ink = np.asarray(blurred, np.float32) / np.float32(255) * np.float32(rng.uniform(1.0, 1.5))
    ink = np.clip(ink * float(rng.uniform(0.9, 1.8)), 0, 1)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    paper = np.full((height, width), rng.uniform(110, 245), np.float32)
    depth = float(rng.uniform(3, 26))
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.3, 0.3, 0.25, 0.15]))):
        paper -= depth * _pattern(x, y, rng)
    paper += rng.normal(0, float(rng.uniform(0, 8)), (height, width)).astype(np.float32)
    # A shadow, or light from a side.
    paper += (x - width / 2) * float(rng.normal(0, 0.08)) + (y - height / 2) * float(
        rng.normal(0, 0.15)
    )
    _rule(paper, rng)
    strength = float(rng.uniform(40, 150))
    gray = np.asarray(np.where(ink > 0, paper - ink * strength, paper), np.float32)
    if rng.random() < 0.1:
        gray = 255 - gray
    return np.clip(gray, 0, 255).astype(np.float32)


def _pattern(x: Gray, y: Gray, rng: Rng) -> Gray:
    """Fine wavy lines or a screen, as printed on cheques; 0 to 1."""
    if rng.random() < 0.2:
        period = float(rng.uniform(2.2, 5))
        screen = np.sin(2 * np.pi * x / period) * np.sin(2 * np.pi * y / period)
        return (screen > 0.3).astype(np.float32)
    period, turn = float(rng.uniform(2.5, 9)), float(rng.normal(np.pi / 2, 0.5))
    bend = float(rng.uniform(0, 3.5)) * np.sin(
        2 * np.pi * x / float(rng.uniform(25, 130)) + float(rng.uniform(0, 6.3))
    )
    across = x * np.cos(turn) + (y + bend) * np.sin(turn)
    wave = np.sin(2 * np.pi * across / period + float(rng.uniform(0, 6.3)))
    sharp = float(rng.uniform(1, 4))
    return np.clip(wave * sharp - float(rng.uniform(0, sharp * 0.8)), 0, 1).astype(np.float32)


def _rule(paper: Gray, rng: Rng) -> None:
    """Draw ruled lines, squares or a margin."""
    height, width = paper.shape
    dark = float(rng.uniform(20, 110))
    kind = rng.random()
    if kind < 0.35:
        for _ in range(int(rng.integers(1, 3))):
            edge = int(rng.integers(0, 7))
            row = edge if rng.random() < 0.3 else height - 1 - edge
            thick = int(rng.integers(1, 3))
            slope = float(rng.normal(0, 0.01))
            rows = np.clip(row + slope * np.arange(width), 0, height - 1).astype(int)
            for line in range(thick):
                paper[np.minimum(rows + line, height - 1), np.arange(width)] -= dark
    elif kind < 0.42:
        period = int(rng.integers(9, 26))
        paper[int(rng.integers(0, period)) :: period] -= dark / 2
        paper[:, int(rng.integers(0, period)) :: period] -= dark / 2
    if rng.random() < 0.1:
        column = int(rng.integers(0, 8))
        column = column if rng.random() < 0.7 else width - 1 - column
        paper[:, column : column + int(rng.integers(1, 3))] -= dark
