"""Writers, which draw the digits that a picture is composed of."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from numcnn.data import load, split_validation
from numcnn.handwriting.frame import cropped

Ink = np.ndarray
"""How much ink there is, 0 to 1, ``(height, width)``, without a margin."""


class Writer(Protocol):
    """Writes digits."""

    def write(self, rng: np.random.Generator, size: int, stroke: float) -> tuple[str, Ink]:
        """Write any digit, ``size`` pixels large.

        Args:
            rng: The random generator.
            size: Pixels of the longer side.
            stroke: By how many pixels its strokes are wider than usual, for a size of 160.

        Returns:
            What it is, and its ink.
        """


@dataclass
class MnistWriter:
    """Draws MNIST's digits anew, enlarged until they look like ink again.

    Attributes:
        images: uint8 ``(count, 28, 28)``.
        labels: ``(count,)``.
    """

    images: np.ndarray
    labels: np.ndarray

    def write(self, rng: np.random.Generator, size: int, stroke: float) -> tuple[str, Ink]:
        """Take any of the images, see `Writer`."""
        row = int(rng.integers(0, len(self.images)))
        return str(self.labels[row]), redraw(self.images[row], stroke, size)


def redraw(image: np.ndarray, stroke: float, size: int) -> Ink:
    """Draw a 28 x 28 digit anew with strokes wider by ``stroke`` pixels.

    The bilevel original is guessed from the gray values: interpolated, cut at a half, and its
    outline moved out or in by the distance transform.
    """
    tight = np.pad(cropped(image), 2)
    scale = size / (max(tight.shape) - 4)
    shape = round(tight.shape[1] * scale), round(tight.shape[0] * scale)
    large = np.asarray(
        Image.fromarray(tight.astype(np.float32)).resize(shape, Image.Resampling.BICUBIC)
    )
    large = ndimage.gaussian_filter(np.pad(large, 24), scale / 4)
    # Faint strokes of the original are strokes, too.
    inside = large > 0.4 * np.maximum(ndimage.maximum_filter(large, round(5 * scale)), 100)
    within, beyond = (ndimage.distance_transform_edt(part) for part in (inside, ~inside))
    move = stroke / 2
    ink = np.clip(within - beyond + move + 0.5, 0, 1)
    if move < 0:
        # Thinner, but no pen leaves gaps: the strokes' middle lines stay.
        middle = (within > 1) & (within >= ndimage.maximum_filter(within, 5) - 0.8)
        ink = np.maximum(ink, np.clip(2.8 - ndimage.distance_transform_edt(~middle), 0, 1))
    return cropped(ink)


# How digits are drawn, in several ways each: points as two digits, x from 0 to 4, y from 0 to 8.
# Strokes are parted by commas; ~ begins one that is a curve through its points.
_DIGITS: dict[str, tuple[str, ...]] = {
    "0": (
        "~20 01 04 07 28 47 44 41 20",
        "~30 11 03 06 18 38 46 43 31 10",
        "~31 10 02 05 17 28 37 44 42 31",
    ),
    "1": ("20 28", "03 20 28", "12 30 28", "12 20 28, 08 48", "~31 24 18"),
    "2": ("~02 10 30 42 34 08, 08 48", "~01 20 41 33 08 48", "~02 10 30 42 25 07 18 26 47 48"),
    "3": (
        "~01 10 30 42 33 24, ~24 35 47 28 07",
        "~00 20 41 23 45 38 07",
        "00 40 13, ~13 34 46 38 08",
    ),
    "4": ("30 05 45, 30 38", "00 04 44, 40 48", "31 05 45, 32 38", "~10 04 15 44, 31 38"),
    "5": (
        "40 00 03, ~03 23 45 47 28 07",
        "00 03, ~03 23 34 46 28 07, 00 40",
        "~40 10 03 33 46 28 07",
    ),
    "6": ("~30 13 05 17 28 46 34 14 05", "~40 21 04 07 28 46 35 15 06", "~20 02 06 28 46 24 05"),
    "7": ("00 40 18", "00 40 18, 14 44", "01 00 40 28", "~01 20 40 24 18", "00 40 28, 04 44"),
    "8": ("~41 20 01 12 24 45 37 28 07 05 24 42 41", "~20 01 12 24 33 41 20, ~24 06 18 37 45 24"),
    "9": (
        "~41 20 02 14 33 41, 41 38",
        "~41 20 02 14 33 41 43 37 18 07",
        "~40 11 03 24 41 40, 40 48",
    ),
}


@dataclass
class StrokeWriter:
    """Draws digits as on a drawing board: points, joined by a pen of one width."""

    wobble: float = 0.03

    def write(self, rng: np.random.Generator, size: int, stroke: float) -> tuple[str, Ink]:
        """Draw any digit, see `Writer`."""
        label = str(rng.integers(10))
        variants = _DIGITS[label]
        lines = _by_hand(variants[rng.integers(len(variants))], rng, self.wobble)
        width = max(2.0, (14 + stroke) * size / 160)
        return label, drawn(lines, size, width)


def drawn(lines: list[np.ndarray], size: int, width: float) -> Ink:
    """Draw lines through points ``(count, 2)``, ``size`` pixels large, with a round pen."""
    points = np.concatenate(lines)
    low, extent = points.min(axis=0), max(float(np.ptp(points, axis=0).max()), 1e-6)
    scale, fine = max(size - width, 4) / extent, 2
    margin = width / 2 + 2
    canvas = np.ceil(np.ptp(points, axis=0) * scale + 2 * margin).astype(int) * fine
    image = Image.new("L", (int(canvas[0]), int(canvas[1])))
    pen, radius = ImageDraw.Draw(image), width * fine / 2
    for line in lines:
        path = [tuple(p) for p in ((line - low) * scale + margin) * fine]
        pen.line(path, 255, max(1, round(width * fine)), joint="curve")
        for x, y in (path[0], path[-1]):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return cropped(np.asarray(image.reduce(fine)) / 255)


def _by_hand(text: str, rng: np.random.Generator, wobble: float) -> list[np.ndarray]:
    """Turn a description into lines of points, leaning, stretched and wobbling."""
    lean, stretch = np.tan(np.radians(rng.normal(6, 10))), np.exp(rng.normal(0, 0.12))
    lines = []
    for part in text.split(","):
        words = part.strip().lstrip("~").split()
        points = np.array([(int(word[0]), int(word[1])) for word in words], float)
        points += rng.normal(0, wobble * 8, points.shape)
        points = np.stack([stretch * points[:, 0] - lean * points[:, 1], points[:, 1]], axis=1)
        if part.strip().startswith("~"):
            order = min(3, len(points) - 1)
            points = ndimage.zoom(points, (10, 1), order=order, mode="nearest", grid_mode=False)
        lines.append(points)
    return lines


def load_writer(data_dir: str | None, part: str) -> MnistWriter:
    """Load MNIST's digits: "validation", which no training with seed 0 has seen, or "test"."""
    splits = load("mnist", data_dir=data_dir)
    dataset = splits.test if part == "test" else split_validation(splits.train, 0.1, 0)[1]
    assert dataset is not None
    assert dataset.labels is not None
    return MnistWriter(dataset.images[..., 0], dataset.labels)
