"""Bring a digit into MNIST's frame, with strokes as wide as those of MNIST.

The frame is that of `numcnn.handwriting.frame`. MNIST's digits were all written with similar pens;
others are redrawn with wider or narrower strokes if theirs are outside `STROKES`.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from numcnn.deadline import check_deadline
from numcnn.handwriting.frame import BOX, SIDE, centered, cropped
from numcnn.handwriting.vision.region import CORE_INK
from numcnn.handwriting.vision.window import maximum_filter

Map = NDArray[np.float32]

STROKES: Final = (1.3, 4.6)
"""The narrowest and the widest strokes that are left alone, in pixels of the 20 x 20 box.

Measured by `stroke_width` on 2,000 of MNIST's training images: the middle 98% lie between 1.3 and
4.5 pixels, and the middle 90% between 1.5 and 3.7.
"""

# Set by hand; see tests/handwriting/vision/test_mnist_frame.py.
_THICKENED: Final = 1.9  # pixels of the 20 x 20 box: the width that narrower strokes get
_THINNED: Final = 3.8  # pixels of the 20 x 20 box: the width that wider strokes get
_FINE: Final = 6  # pixels, for one of the 20 x 20 box: the resolution in which widths change
_HALF_INK: Final = 0.5  # share of full ink: the outline of an antialiased stroke
# Pixels, longer side: above it, full ink is the digit's own darkest ink; chalk in a shadow is pale.
_LARGE: Final = 2 * BOX
_FULL_INK: Final = 90  # percentile of a large digit's ink that counts as full ink ...
_PALEST: Final = CORE_INK / 2  # share of full ink: ... among pixels with more than this
_LEAST_FULL_INK: Final = 0.2  # share of full ink: pale ink is made darker up to 5 times
# Pixels, longer side, between which the ink that is cropped as a soft edge rises from 0 to
# CORE_INK: of a small digit, the soft edge belongs to the box, as in MNIST.
_HARD_SIDE: Final = 24
_SOFT_SIDE: Final = 64
_MOST_THINNED: Final = 0.6  # share of half of a stroke's width: a thin part keeps a line


def to_mnist_frame(ink: Map) -> NDArray[np.uint8]:
    """Bring a digit into MNIST's frame.

    Args:
        ink: The amount of ink, 0 to 1, float32 ``(height, width)`` of any size.

    Returns:
        Light on dark, uint8 ``(28, 28)``: the longer side of the digit's bounding box has 20
        pixels, its center of mass lies in the middle. All 0 if there is no ink.
    """
    check_deadline()
    ink = _crop(ink)
    if ink.size == 0:
        return np.zeros((SIDE, SIDE), np.uint8)
    longer = max(ink.shape)
    if longer > _LARGE:
        inked = ink[ink > _PALEST]
        full = float(np.percentile(inked, _FULL_INK)) if inked.size else 1.0
        ink = np.minimum(ink / np.float32(np.clip(full, _LEAST_FULL_INK, 1)), 1)
    fine = _resized(ink, min(1.0, _FINE * BOX / longer) if longer > BOX else _FINE * BOX / longer)
    distance = _distance_to_edge(fine > _HALF_INK)
    width = _mean_width(distance) * BOX / max(fine.shape)
    if not STROKES[0] <= width <= STROKES[1]:
        target = _THICKENED if width < STROKES[0] else _THINNED
        ink = _crop(_with_stroke_width(fine, distance, width, target))
    return centered(_resized(ink, BOX / max(ink.shape)))


def stroke_width(ink: Map) -> float:
    """Estimate the mean width of a drawing's strokes in pixels.

    The distance transform (A. Rosenfeld and J. L. Pfaltz, "Sequential operations in digital picture
    processing", 1966) gives each pixel's distance to the nearest one outside. Across a stroke of
    width w, it rises from 0 to w / 2 and falls again, so its mean is w / 4. No skeleton is needed,
    and a blot or a crossing counts by its area.

    Args:
        ink: The amount of ink, 0 to 1, float32 ``(height, width)``.

    Returns:
        The width; 0 if there is no ink.
    """
    return _mean_width(_distance_to_edge(ink > _HALF_INK))


def _mean_width(distance: NDArray[np.float64]) -> float:
    """Compute the mean width of strokes, in pixels, from their pixels' distances to the edge."""
    inside = distance > 0
    # The distance is to the nearest pixel's center, half a pixel beyond the edge.
    return 4 * (float(distance[inside].mean()) - 0.5) if inside.any() else 0.0


def _distance_to_edge(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Measure each pixel's distance to the nearest one outside, with a margin of one pixel."""
    return ndimage.distance_transform_edt(_padded(inside, 1))


def _padded(values: NDArray[Any], margin: int) -> NDArray[Any]:
    """Put zeros around values. As `np.pad` does, which takes ten times as long."""
    padded = np.zeros([length + 2 * margin for length in values.shape], values.dtype)
    padded[margin : margin + values.shape[0], margin : margin + values.shape[1]] = values
    return padded


def _crop(ink: Map) -> Map:
    """Crop to the bounding box of the ink, of a large digit without the soft edge around it."""
    longer = max(ink.shape, default=0)
    softness = np.clip((longer - _HARD_SIDE) / (_SOFT_SIDE - _HARD_SIDE), 0, 1)
    return cropped(ink, softness * CORE_INK)


def _resized(ink: Map, scale: float) -> Map:
    """Resize: smaller by averaging over areas, larger by bicubic interpolation."""
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    if size == ink.shape[::-1]:
        return ink
    how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return np.clip(np.asarray(Image.fromarray(ink).resize(size, how)), 0, 1)


def _with_stroke_width(ink: Map, distance: NDArray[np.float64], width: float, target: float) -> Map:
    """Redraw a digit with wider or narrower strokes.

    Widening by d pixels makes the box wider by as much, and the box becomes 20 pixels in the end:
    the strokes are (w + d) / (b + d) of it, which is solved for d.

    Args:
        ink: The digit, 0 to 1, float32 ``(height, width)``, in the fine resolution.
        distance: Its distances to the edge, as `_distance_to_edge` measures them.
        width: Its strokes' width in pixels of the 20 x 20 box.
        target: The width that they get, in the same unit.

    Returns:
        The digit, 0 to 1, with a margin, float32.
    """
    longer = max(ink.shape)
    wider = longer * (target - width) / (BOX - target)
    # Room for the wider strokes, for their soft edge and for the paper beyond it.
    margin = max(0, round(wider / 2)) + 2
    if not distance.any():
        distance = _distance_to_edge(ink > _HALF_INK * ink.max())
    distance = _padded(distance, margin - 1)
    inside = distance > 0
    # The edge lies half a pixel before the nearest pixel's center.
    if wider < 0:
        half_width = maximum_filter(distance, 2 * round(-wider / 2) + 1)
        removed = np.minimum(-wider / 2, _MOST_THINNED * half_width)
        thinned = np.clip((distance - 0.5) - removed + 0.5, 0, 1)
        return np.where(inside, thinned, 0).astype(np.float32)
    beyond = ndimage.distance_transform_edt(~inside)
    thickened = np.clip((0.5 - beyond) + wider / 2 + 0.5, 0, 1)
    return np.where(inside, 1, thickened).astype(np.float32)
