"""Median filter and grayscale morphology with a window that may be larger than the image.

Minimum and maximum filters are grayscale erosion and dilation with a flat rectangular structuring
element; opening and closing are made of them (J. Serra, "Image Analysis and Mathematical
Morphology", 1982; P. Soille, "Morphological Image Analysis", 2nd edition, 2003, chapters 3 and 4).

SciPy's median filter reads outside its input where its window is much larger than an axis (25 on
2 rows; seen in SciPy 1.17), which ends the process or makes the result depend on what lies in
memory. Its minimum and maximum filters are safe, but their time grows with the window, also where
the window is larger than the image. All filters of `numcnn.handwriting.vision` whose window depends
on the image are called here.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Size = int | Sequence[int]
Border = Literal["reflect", "nearest"]

EIGHT_NEIGHBORS: Final = np.ones((3, 3), bool)
"""The structuring element of 8-connectivity: a pixel and its neighbors, diagonal ones too."""


def median_filter(values: NDArray[Any], size: Size) -> NDArray[Any]:
    """Take the median over a window, with the image mirrored at its border.

    Args:
        values: Any shape.
        size: The window's odd side, or one for each axis; it may be larger than the image.

    Returns:
        The shape and type of ``values``.
    """
    reach = [side // 2 for side in _sides(size, values.ndim)]
    # Mirrored here, the window never leaves the array that SciPy is given.
    padded = np.pad(values, [(each, each) for each in reach], mode="symmetric")
    inside = tuple(
        slice(each, each + length) for each, length in zip(reach, values.shape, strict=True)
    )
    return ndimage.median_filter(padded, size)[inside]


def maximum_filter(values: NDArray[Any], size: Size) -> NDArray[Any]:
    """Take the maximum over a window (dilation), as `scipy.ndimage.maximum_filter` does."""
    return ndimage.maximum_filter(values, covering(size, values.shape))


def minimum_filter(values: NDArray[Any], size: Size, mode: Border = "reflect") -> NDArray[Any]:
    """Take the minimum over a window (erosion), as `scipy.ndimage.minimum_filter` does."""
    return ndimage.minimum_filter(values, covering(size, values.shape), mode=mode)


def grey_closing(values: NDArray[Any], size: Size) -> NDArray[Any]:
    """Fill what is darker than its surroundings and narrower than a window.

    Morphological closing, a dilation followed by an erosion, as `scipy.ndimage.grey_closing` does;
    see the sources above.
    """
    return ndimage.grey_closing(values, covering(size, values.shape))


def grey_opening(values: NDArray[Any], size: Size) -> NDArray[Any]:
    """Remove what is lighter than its surroundings and narrower than a window.

    Morphological opening, an erosion followed by a dilation, as `scipy.ndimage.grey_opening` does;
    see the sources above.
    """
    return ndimage.grey_opening(values, covering(size, values.shape))


def covering(size: Size, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the smallest window with the same minimum and maximum everywhere.

    A window that reaches as far as the axis is long covers all of the axis from any pixel, so its
    side is at most twice the axis's length and one more. What a mirrored or repeated border adds is
    the same values again. Even sides stay even, because they reach further to one side.

    Args:
        size: The window's side, or one for each axis.
        shape: The image's shape.

    Returns:
        A side for each axis.
    """
    return tuple(
        min(side, 2 * length + side % 2)
        for side, length in zip(_sides(size, len(shape)), shape, strict=True)
    )


def _sides(size: Size, axes: int) -> tuple[int, ...]:
    return (size,) * axes if isinstance(size, int) else tuple(size)
