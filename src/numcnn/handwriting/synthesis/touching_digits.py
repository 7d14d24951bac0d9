"""Digits that touch, cut apart as the reader cuts them, for its network to learn from.

A reader that tries more cuts than there are digits needs a network that knows a digit with a bit of
its neighbor, a digit without a bit of its own, two in one frame, and what is left of a digit that
was cut in halves. All of them are made here as they are met: digits are written so that they touch,
and `numcnn.handwriting.vision` cuts them. Y. LeCun, L. Bottou, Y. Bengio and P. Haffner,
"Gradient-based learning applied to document recognition", 1998, section V-C.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from numcnn.data import Dataset
from numcnn.handwriting.class_names import CLASS_NAMES, OTHER, SEVERAL
from numcnn.handwriting.frame import BOX
from numcnn.handwriting.synthesis.framed_digits import check_framed_digits
from numcnn.handwriting.vision import Region, find_pieces, to_mnist_frame
from numcnn.handwriting.vision.region import trimmed
from numcnn.random_streams import STREAM_TOUCHING_DIGITS

Layers = NDArray[np.float32]
"""``(digits, height, width)``: the ink of each, 0 to 1, all on one sheet."""

_SIZE = 44  # pixels of a digit's height, about what cuts are looked for in
_LENGTHS, _HOW_OFTEN = (2, 3, 4), (0.6, 0.3, 0.1)
# Shares of a digit's ink, or of a piece's, that tell what a piece is.
_WHOLE, _BIT, _MOST, _HALF = 0.93, 0.1, 0.6, (0.25, 0.7)
_COVERED = 0.25  # of full ink: where a digit is
_NARROW = 0.38  # of its height: half a digit that may be taken for a 1
# Which digits' left or right parts are no digit: the right half of a 4 is a 1, that of an 8 a 3.
_NO_DIGIT_LEFT, _NO_DIGIT_RIGHT = (0, 6, 8), (0,)


def with_touching_digits(digits: Dataset, share: float, seed: int) -> Dataset:
    """Add what comes of cutting digits apart that touch.

    Args:
        digits: Labeled images of 28 x 28 pixels, light on dark, framed as in MNIST, of the classes
            "0" to "9", `OTHER` and `SEVERAL`; chains are written with the digits among them.
        share: How many images to add for each one there is.
        seed: The same seed adds the same.

    Returns:
        The images that were there, and after them the new ones: about two thirds are digits.

    Raises:
        ValueError: The images are of another size, digits or classes are missing, or ``share`` is
            negative.
    """
    known = check_framed_digits(digits, share, seed)
    if missing := set(CLASS_NAMES) - set(digits.classes):
        raise ValueError(f"{digits.name} has no class {min(missing)!r}; a reader's images have it")
    names = [digits.classes[label] for label in known]
    has_ink = digits.images.any(axis=(1, 2, 3))
    rows = np.flatnonzero(has_ink & np.array([name.isdigit() for name in names]))
    if not rows.size:
        raise ValueError(
            f"{digits.name} has no digits with ink among its images; chains are written with them"
        )
    pool = digits.images[rows, :, :, 0]
    values = np.array([int(names[row]) for row in rows])
    rng = np.random.default_rng([seed, STREAM_TOUCHING_DIGITS])
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    count = round(share * len(digits))
    while len(images) < count:
        for image, name in _cut(pool, values, rng):
            images.append(image)
            labels.append(digits.classes.index(name))
    if not images:
        return digits
    return Dataset(
        np.concatenate([digits.images, np.stack(images[:count])[..., np.newaxis]]),
        np.concatenate([known, np.array(labels[:count])]),
        digits.classes,
        digits.name,
    )


def _cut(
    pool: NDArray[np.uint8], values: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Write a chain, cut it, and give a few of the pieces, framed, with what they are."""
    rows = rng.integers(0, len(pool), rng.choice(_LENGTHS, p=_HOW_OFTEN))
    layers = written([pool[row] for row in rows], rng)
    region = trimmed(0, 0, layers.max(axis=0))
    if region is None:
        return
    found: dict[str, list[Region]] = {}
    for piece in find_pieces(region):
        name = what_is(piece, layers, values[rows])
        if name is not None:
            found.setdefault(name, []).append(piece)
    for name, pieces in found.items():
        # One of each, for a digit is found between several pairs of cuts, always much the same.
        yield to_mnist_frame(pieces[rng.integers(0, len(pieces))].ink), name


def written(digits: list[NDArray[np.uint8]], rng: np.random.Generator) -> Layers:
    """Write digits one after the other such that each touches the one before, or nearly so.

    Args:
        digits: Light on dark, uint8 ``(28, 28)`` each.
        rng: The random generator.
    """
    sheet = np.zeros((len(digits), 2 * _SIZE, (len(digits) + 1) * 2 * _SIZE), np.float32)
    end = np.full(2 * _SIZE, -1)  # the rightmost ink so far in each row
    left = 0
    for place, digit in enumerate(digits):
        ink = _enlarged(digit, rng.uniform(0.85, 1.1))
        height, width = ink.shape
        top = int(np.clip(_SIZE - height / 2 + rng.normal(0, 0.05 * _SIZE), 0, 2 * _SIZE - height))
        is_ink = ink > 0.5
        own = np.where(is_ink.any(axis=1), is_ink.argmax(axis=1), 10**6)
        if place:
            near = int((end[top : top + height] - own).max()) + 1
            left = max(left + 3, near + int(rng.integers(-5, 2)))
        left = min(left, sheet.shape[2] - width)
        sheet[place, top : top + height, left : left + width] = ink
        last = left + width - 1 - is_ink[:, ::-1].argmax(axis=1)
        rows = slice(top, top + height)
        end[rows] = np.maximum(end[rows], np.where(is_ink.any(axis=1), last, -1))
        # No digit slips above or below into the one before the last.
        end = np.maximum(end, left)
    return sheet


def what_is(piece: Region, layers: Layers, values: NDArray[np.int64]) -> str | None:
    """Say what a piece of a chain is: a digit's name, `OTHER`, `SEVERAL`, or None if unclear.

    Args:
        piece: Its place is that on the sheet.
        layers: The chain's digits.
        values: What they are, ``(digits,)``.
    """
    # Where two overlap, the ink is as much the one's as the other's, and neither needs it.
    covering = layers > _COVERED
    alone = np.where(covering & (covering.sum(axis=0) < 2), layers, 0)
    here = np.s_[:, piece.y : piece.y + piece.height, piece.x : piece.x + piece.width]
    inside = piece.ink > 0
    of_digit = np.where(inside, alone[here], 0).sum(axis=(1, 2)) / np.maximum(
        alone.sum(axis=(1, 2)), 1e-6
    )
    masses = np.where(inside, layers[here], 0)
    of_piece = masses.sum(axis=(1, 2)) / max(float(masses.max(axis=0).sum()), 1e-6)
    best = int(of_piece.argmax())
    if of_piece[best] >= 1 - _BIT:
        if of_digit[best] >= _WHOLE:
            return str(values[best])
        if _HALF[0] < of_digit[best] < _HALF[1] and piece.width > _NARROW * piece.height:
            columns = np.arange(layers.shape[2])
            middle = float(layers[best].sum(axis=0) @ columns / layers[best].sum())
            is_left = piece.x + piece.width / 2 < middle
            halved = _NO_DIGIT_LEFT if is_left else _NO_DIGIT_RIGHT
            return OTHER if values[best] in halved else None
        return None
    if (of_digit > _MOST).sum() >= 2:
        return SEVERAL
    return None


def _enlarged(digit: NDArray[np.uint8], scale: float) -> NDArray[np.float32]:
    """Cut off the margin and enlarge; the ink from 0 to 1."""
    own = trimmed(0, 0, digit.astype(np.float32) / np.float32(255))
    if own is None:
        return np.zeros((1, 1), np.float32)
    factor = scale * _SIZE / BOX
    size = max(1, round(own.width * factor)), max(1, round(own.height * factor))
    ink = Image.fromarray(own.ink).resize(size, Image.Resampling.BICUBIC)
    # Sharp again: MNIST's soft edges, enlarged, would be a blur.
    return np.clip((np.asarray(ink) - 0.5) * 2 + 0.5, 0, 1)
