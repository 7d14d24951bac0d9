"""The window: SciPy's filters with a window that may be larger than the picture.

SciPy's median filter reads outside its input where its window is much larger than an axis (25 on
2 rows; seen in SciPy 1.17), which ends the process or makes the answer depend on what lies in
memory. Minimum and maximum are safe, but their time grows with a window of which nothing beyond the
picture counts. All filters of `numcnn.handwriting.vision` whose window depends on the picture are
called here.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Size = int | Sequence[int]
Border = Literal["reflect", "nearest"]


def median_filter(values: NDArray[Any], size: Size) -> NDArray[Any]:
    """Take the median over a window, with the picture mirrored at its border.

    Args:
        values: Any shape.
        size: The window's odd side, or one for each axis; it may be larger than the picture.

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
    """Take the maximum over a window; the answer of `scipy.ndimage.maximum_filter`."""
    return ndimage.maximum_filter(values, covering(size, values.shape))


def minimum_filter(values: NDArray[Any], size: Size, mode: Border = "reflect") -> NDArray[Any]:
    """Take the minimum over a window; the answer of `scipy.ndimage.minimum_filter`."""
    return ndimage.minimum_filter(values, covering(size, values.shape), mode=mode)


def grey_closing(values: NDArray[Any], size: Size) -> NDArray[Any]:
    """Fill what is darker and narrower than a window; `scipy.ndimage.grey_closing`'s answer."""
    return ndimage.grey_closing(values, covering(size, values.shape))


def grey_opening(values: NDArray[Any], size: Size) -> NDArray[Any]:
    """Remove what is lighter and narrower than a window; `scipy.ndimage.grey_opening`'s answer."""
    return ndimage.grey_opening(values, covering(size, values.shape))


def covering(size: Size, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the smallest window with the same minimum and maximum everywhere.

    From any place, a window that reaches as far as the axis is long covers all of it; what a
    border that is mirrored or repeated adds is the same values again. Even windows stay even, for
    they reach further to one side.
    """
    return tuple(
        min(side, 2 * length + side % 2)
        for side, length in zip(_sides(size, len(shape)), shape, strict=True)
    )


def _sides(size: Size, axes: int) -> tuple[int, ...]:
    return (size,) * axes if isinstance(size, int) else tuple(size)
