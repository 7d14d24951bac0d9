"""Digits as they are written elsewhere: the crossed 7, the 1 with an upstroke.

MNIST was written in the United States, where the 1 is a bare stroke and the 7 has no bar. Much of
the world writes them otherwise, so strokes are added to some of MNIST's.
"""

import numpy as np
from numpy.typing import NDArray

from numcnn.data.dataset import Dataset
from numcnn.handwriting.synthesis.framed_digits import check_framed_digits
from numcnn.random_streams import STREAM_VARIANTS

Image = NDArray[np.uint8]


def with_variants(digits: Dataset, share: float, seed: int) -> Dataset:
    """Add crossed sevens, and ones with an upstroke or a foot.

    Args:
        digits: Labeled digits of 28 x 28 pixels, light on dark, framed as in MNIST; the classes'
            names are the digits.
        share: How many variants to add for each 1 and each 7.
        seed: The same seed adds the same.

    Raises:
        ValueError: The images are of another size or have no labels, or ``share`` is negative.
    """
    known = check_framed_digits(digits, share, seed)
    rng = np.random.default_rng([seed, STREAM_VARIANTS])
    images, labels = [digits.images], [known]
    for name, change in (("7", crossed), ("1", flagged)):
        if name not in digits.classes:
            continue
        label = digits.classes.index(name)
        originals = np.flatnonzero(known == label)
        chosen = rng.choice(originals, round(share * len(originals)))
        changed = [change(digits.images[place, :, :, 0], rng) for place in chosen]
        if changed:
            images.append(np.stack(changed)[..., np.newaxis])
            labels.append(np.full(len(changed), label, np.int64))
    return Dataset(np.concatenate(images), np.concatenate(labels), digits.classes, digits.name)


def crossed(seven: Image, rng: np.random.Generator) -> Image:
    """Put a bar across the stem of a 7.

    Args:
        seven: Light on dark, uint8 ``(28, 28)``.
        rng: The random generator.
    """
    rows, _ = np.nonzero(seven > 100)
    if not rows.size:
        return seven
    top, height = rows.min(), np.ptp(rows) + 1
    y = top + height * rng.uniform(0.42, 0.62)
    columns = np.flatnonzero(seven[round(y)] > 100)
    if not columns.size or np.ptp(columns) >= 10:  # more than the stem
        return seven
    x = columns.mean()
    reach, tilt = height * rng.uniform(0.16, 0.3), rng.normal(-0.08, 0.12)
    start = x - reach * rng.uniform(0.8, 1.2), y - tilt * reach
    end = x + reach * rng.uniform(0.8, 1.2), y + tilt * reach
    return _with_line(seven, start, end)


def flagged(one: Image, rng: np.random.Generator) -> Image:
    """Give a 1 an upstroke from the lower left to its top, and sometimes a foot.

    Args:
        one: Light on dark, uint8 ``(28, 28)``.
        rng: The random generator.
    """
    rows, columns = np.nonzero(one > 100)
    if not rows.size:
        return one
    top, bottom = rows.min(), rows.max()
    height = bottom - top + 1
    tip = float(columns[rows == top].mean()), float(top) + 0.8
    foot = float(columns[rows == bottom].mean()), float(bottom) - 0.5
    lean = np.arctan2(tip[0] - foot[0], foot[1] - tip[1])
    # A long upstroke runs more along the stem than a short one; some are as long as the stem.
    is_long = rng.random() < 0.5
    length = height * (rng.uniform(0.42, 1.0) if is_long else rng.uniform(0.2, 0.42))
    angle = np.radians(rng.uniform(15, 42) if is_long else rng.uniform(25, 55))
    # Where the stem itself leans as far, it would be a 7.
    if not -0.4 < lean < angle - 0.3 or np.ptp(columns) > 0.6 * height:
        return one
    end = tip[0] - length * np.sin(angle), tip[1] + length * np.cos(angle)
    image = _with_line(one, tip, end)
    if rng.random() < 0.3:
        reach = height * rng.uniform(0.12, 0.25)
        image = _with_line(image, (foot[0] - reach, foot[1]), (foot[0] + reach, foot[1]))
    return image


def _with_line(image: Image, start: tuple[float, float], end: tuple[float, float]) -> Image:
    """Draw a line from ``(x, y)`` to ``(x, y)``, as wide as the image's own strokes."""
    ink = image > 100
    # A stroke's area is its length times its width; the outline is twice its length.
    inner = ink[1:-1, 1:-1] & ink[:-2, 1:-1] & ink[2:, 1:-1] & ink[1:-1, :-2] & ink[1:-1, 2:]
    width = np.clip(2 * ink.sum() / max(1, ink.sum() - inner.sum()), 1.5, 4.5)
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    along = np.array([end[0] - start[0], end[1] - start[1]])
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / max(along @ along, 1e-9)
    share = np.clip(share, 0, 1)
    away = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
    line = np.clip(width / 2 - away + 0.5, 0, 1) * 255
    return np.maximum(image, np.rint(line).astype(np.uint8))
