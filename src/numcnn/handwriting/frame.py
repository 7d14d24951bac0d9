"""MNIST's frame: a digit in a box of 20 x 20 pixels, its center of mass amid 28 x 28.

MNIST's homepage tells it: "The original black and white (bilevel) images from NIST were size
normalized to fit in a 20x20 pixel box while preserving their aspect ratio. The resulting images
contain grey levels as a result of the anti-aliasing technique used by the normalization algorithm.
the images were centered in a 28x28 image by computing the center of mass of the pixels, and
translating the image so as to position this point at the center of the 28x28 field." Measured on
the training images: the box's longer side has 20 pixels in 99.9% of them, and the center of mass,
in pixel indices, lies between 13.5 and 14.5, spread evenly. So the shift was rounded to whole
pixels, towards index 14.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 28
"""Height and width of the frame, in pixels."""

BOX: Final = 20
"""The longer side of the box around the ink, in pixels."""

CENTER: Final = 14
"""The index of the row and of the column where the center of mass lies, as nearly as possible."""


def centered(ink: NDArray[np.floating], full: float = 1.0) -> NDArray[np.uint8]:
    """Put a drawing into the frame, its center of mass in the middle.

    Args:
        ink: How much ink there is, ``(height, width)`` of at most 20 pixels each.
        full: The value of full ink.

    Returns:
        Light on dark, uint8 ``(28, 28)``. The shift is one of whole pixels, and no more than the
        frame allows.
    """
    total = float(ink.sum())
    place = []
    for axis, length in enumerate(ink.shape):
        along = ink.sum(axis=1 - axis)
        mean = float((along * np.arange(length)).sum()) / total if total > 0 else (length - 1) / 2
        start = min(max(int(np.floor(CENTER - mean + 0.5)), 0), SIDE - length)
        place.append(slice(start, start + length))
    frame = np.zeros((SIDE, SIDE), np.uint8)
    frame[place[0], place[1]] = np.rint(ink * (255 / full))
    return frame


def cropped(ink: NDArray[Any], threshold: float = 0.0) -> NDArray[Any]:
    """Cut off the margin: rows and columns at the edges without a value above a threshold.

    Args:
        ink: ``(height, width)``.
        threshold: In the unit of the ink.

    Returns:
        A view of the rest, ``(rows, columns)``; ``(0, 0)`` if no value is above the threshold.
    """
    inside = ink > threshold
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return ink[:0, :0]
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
