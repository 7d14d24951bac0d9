"""Halves of digits, and several digits as one.

Where digits touch, a reader has to choose among cuts: a cut through a digit leaves halves, a
missing cut leaves two digits in one frame. To choose, the network must know both.
"""

import numpy as np
from numpy.typing import NDArray

from numcnn.handwriting.frame import cropped
from numcnn.handwriting.synthesis.pen import Image, fitted

Digits = NDArray[np.uint8]
"""``(count, 28, 28)``"""

# Which sides of which digits are none: the right half of a 4 is a 1, that of an 8 is a 3.
_LEFT_HALVES, _RIGHT_HALVES = (0, 6, 8), (0,)


def several(images: Digits, rng: np.random.Generator) -> Image:
    """Write two to five digits that touch or nearly so, as if they were one.

    Args:
        images: Digits to choose from.
        rng: The random generator.

    Returns:
        Light on dark in MNIST's frame, uint8 ``(28, 28)``.
    """
    count = int(rng.choice([2, 3, 4, 5], p=[0.7, 0.16, 0.08, 0.06]))
    canvas = np.zeros((56, 140), np.float32)
    end = 0
    for place, row in enumerate(rng.integers(0, len(images), count)):
        digit = _cropped(images[row])
        top = int(np.clip(12 + rng.normal(0, 2), 0, 24))
        left = 0
        if place:
            # As near as the outlines allow, then overlapping or apart by a few pixels.
            taken = canvas[top : top + digit.shape[0]] > 60
            reach = np.where(taken.any(axis=1), 140 - taken[:, ::-1].argmax(axis=1), 0)
            own = np.where((digit > 60).any(axis=1), (digit > 60).argmax(axis=1), 140)
            left = int(np.clip((reach - own).max() + rng.integers(-4, 2), end // 2, 112))
        spot = canvas[top : top + digit.shape[0], left : left + digit.shape[1]]
        np.maximum(spot, digit, out=spot)
        end = left + digit.shape[1]
    return fitted(canvas)


def part(images: Digits, labels: NDArray[np.int64], rng: np.random.Generator) -> Image:
    """Cut a digit and keep one side of it, such that it is no other digit.

    Args:
        images: Digits to choose from.
        labels: What they are, ``(count,)``.
        rng: The random generator.

    Returns:
        Light on dark in MNIST's frame, uint8 ``(28, 28)``.
    """
    is_left = bool(rng.random() < 0.7)
    halved = np.flatnonzero(np.isin(labels, _LEFT_HALVES if is_left else _RIGHT_HALVES))
    if not halved.size:
        return several(images, rng)
    digit = _cropped(images[halved[rng.integers(0, len(halved))]]).astype(np.float32)
    height, width = digit.shape
    slope = rng.normal(0, 0.12)
    border = width * rng.uniform(0.38, 0.62) + slope * (np.arange(height) - height / 2)
    kept = (np.arange(width) < border[:, None]) == is_left
    half = np.where(kept, digit, 0)
    return fitted(half if half.max() > 60 else digit[: height // 2])


def with_neighbor(images: Digits, rng: np.random.Generator) -> Image:
    """Write a digit with a large part of its neighbor still attached.

    Args:
        images: Digits to choose from.
        rng: The random generator.

    Returns:
        Light on dark in MNIST's frame, uint8 ``(28, 28)``.
    """
    first, second = (
        _cropped(images[i]).astype(np.float32) for i in rng.integers(0, len(images), 2)
    )
    kept = max(3, round(second.shape[1] * rng.uniform(0.4, 0.7)))
    if rng.random() < 0.5:
        left, right = first, second[:, :kept]
    else:
        left, right = second[:, -kept:], first
    canvas = np.zeros((40, 60), np.float32)
    for digit, x in ((left, 0), (right, max(0, left.shape[1] - int(rng.integers(0, 4))))):
        top = 6 + int(np.clip(rng.normal(0, 1.5), -4, 4))
        spot = canvas[top : top + digit.shape[0], x : x + digit.shape[1]]
        np.maximum(spot, digit, out=spot)
    return fitted(canvas)


def _cropped(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut off the margin; an image without ink stays as it is."""
    return cropped(image) if image.any() else image
