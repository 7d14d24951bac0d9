"""Bilinear sampling of images: what all geometric augmentations end in."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from numcnn.augmentation.base import FloatImages

Fill = float | Literal["edge"]
"""What lies outside an image: a gray level, or the nearest pixel of its edge."""


def sample_bilinear(
    images: FloatImages, rows: NDArray[np.float32], columns: NDArray[np.float32], fill: Fill
) -> FloatImages:
    """Read images at any positions, interpolating linearly along both axes.

    With ``y = i + u`` and ``x = j + v``, where ``i`` and ``j`` are whole and ``u`` and ``v`` below
    1, the value at ``(y, x)`` is ``(1-u) [(1-v) p(i,j) + v p(i,j+1)] + u [(1-v) p(i+1,j) +
    v p(i+1,j+1)]``.

    Args:
        images: float32 ``(count, height, width, channels)``.
        rows: float32 ``(count, new_height, new_width)``: where to read, in pixels; 0 is the
            middle of the first row. May be overwritten.
        columns: The same for the columns.
        fill: What to read outside the image. Beyond the outermost pixels' middles a gray level
            fades in over one pixel.

    Returns:
        float32 ``(count, new_height, new_width, channels)``.
    """
    count, height, width, channels = images.shape
    # A border saves every question of whether a neighbor exists: positions are held within it,
    # and whatever is farther out reads the same as the border. It is one pixel wide before the
    # image and two after it, because the last position, too, has a next pixel. The channels come
    # first so that each is one long array, which NumPy reads much faster than triples.
    bordered = np.empty((channels, count, height + 3, width + 3), np.float32)
    bordered[:, :, 1:-2, 1:-2] = np.moveaxis(images, 3, 0)
    outside = (0, -2, -1)
    if fill == "edge":
        bordered[:, :, outside, 1:-2] = bordered[:, :, (1, -3, -3), 1:-2]
        bordered[:, :, :, outside] = bordered[:, :, :, (1, -3, -3)]
    else:
        bordered[:, :, outside] = fill
        bordered[:, :, :, outside] = fill
    rows += 1
    columns += 1
    np.clip(rows, 0, height + 1, out=rows)
    np.clip(columns, 0, width + 1, out=columns)
    top, left = np.floor(rows), np.floor(columns)
    rows -= top
    columns -= left
    u, v = rows, columns
    stride = width + 3
    # Within an image int32 is enough, and faster; the place in the whole batch needs more.
    corner = (top.astype(np.int32) * stride + left.astype(np.int32)).astype(np.intp)
    corner += np.arange(count)[:, np.newaxis, np.newaxis] * ((height + 3) * stride)
    result = np.empty((*rows.shape, channels), np.float32)
    for channel, plane in enumerate(bordered.reshape(channels, -1)):
        upper = _between(plane, corner, v)
        lower = _between(plane[stride:], corner, v)
        lower -= upper
        lower *= u
        np.add(upper, lower, out=result[..., channel])
    return result


def _between(
    plane: NDArray[np.float32], corner: NDArray[np.intp], v: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Interpolate between each position's pixel and the one to its right."""
    # All positions are inside: of the three modes, "wrap" is only the fastest.
    left = np.take(plane, corner, mode="wrap")
    right = np.take(plane[1:], corner, mode="wrap")
    right -= left
    right *= v
    right += left
    return right
