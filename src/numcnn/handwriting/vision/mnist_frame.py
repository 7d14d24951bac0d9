"""Normalization: any drawing brought into MNIST's frame, with strokes as wide as MNIST's.

The frame is that of `numcnn.handwriting.frame`. What MNIST did not need to do is to bring pens to
one width: see `STROKES`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from numcnn.deadline import check_deadline
from numcnn.handwriting.frame import BOX, SIDE, centered, cropped
from numcnn.handwriting.vision.window import maximum_filter

Map = NDArray[np.float32]

# The width of strokes that is left alone, in pixels of the 20 x 20 box. Measured by `stroke_width`
# on 2,000 of MNIST's training images, the middle 98% lie between 1.3 and 4.5 pixels, and the
# middle 90% between 1.5 and 3.7.
STROKES = (1.3, 4.6)
_THICKENED, _THINNED = 1.9, 3.8

_FINE = 6  # pixels of the resolution in which widths change, for one of MNIST's
_SOFT = 0.25  # of full ink: less is the blur at a stroke's edge and no part of its box


def to_mnist_frame(ink: Map) -> NDArray[np.uint8]:
    """Bring a digit into MNIST's frame.

    Args:
        ink: How much ink there is, 0 to 1, float32 ``(height, width)`` of any size.

    Returns:
        Light on dark, uint8 ``(28, 28)``: the longer side of the digit's box has 20 pixels, its
        center of mass lies in the middle. All 0 if there is no ink.
    """
    check_deadline()
    ink = _boxed(ink)
    if ink.size == 0:
        return np.zeros((SIDE, SIDE), np.uint8)
    longer = max(ink.shape)
    if longer > 2 * BOX:
        # Chalk in a shadow is pale all over.
        top = float(np.percentile(ink[ink > _SOFT / 2], 90)) if (ink > _SOFT / 2).any() else 1.0
        ink = np.minimum(ink / np.float32(np.clip(top, 0.2, 1)), 1)
    fine = _resized(ink, min(1.0, _FINE * BOX / longer) if longer > BOX else _FINE * BOX / longer)
    depth = _depth(fine > 0.5)
    width = _stroke_width(depth) * BOX / max(fine.shape)
    if not STROKES[0] <= width <= STROKES[1]:
        target = _THICKENED if width < STROKES[0] else _THINNED
        ink = _boxed(_with_strokes(fine, depth, width, target))
    return centered(_resized(ink, BOX / max(ink.shape)))


def stroke_width(ink: Map) -> float:
    """Estimate the mean width of a drawing's strokes in pixels.

    Across a stroke of width w, the distance to the nearer edge rises from 0 to w / 2 and falls
    again; its mean is w / 4. No skeleton is needed, and a blot or a crossing counts by its area.

    Args:
        ink: 0 to 1, float32 ``(height, width)``.

    Returns:
        The width; 0 if there is no ink.
    """
    return _stroke_width(_depth(ink > 0.5))


def _stroke_width(depth: NDArray[np.float64]) -> float:
    inside = depth > 0
    # The distance is to the nearest pixel's center, half a pixel beyond the edge.
    return 4 * (float(depth[inside].mean()) - 0.5) if inside.any() else 0.0


def _depth(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Measure each pixel's distance to the nearest one outside, with a margin of one pixel."""
    return ndimage.distance_transform_edt(_framed(inside, 1))


def _framed(values: NDArray[Any], margin: int) -> NDArray[Any]:
    """Put zeros around values. As `np.pad` does, which takes ten times as long."""
    framed = np.zeros([length + 2 * margin for length in values.shape], values.dtype)
    framed[margin : margin + values.shape[0], margin : margin + values.shape[1]] = values
    return framed


def _boxed(ink: Map) -> Map:
    """Cut off the margin, and around a large digit also the blur at its edge."""
    longer = max(ink.shape, default=0)
    threshold = np.clip((longer - 24) / 40, 0, 1) * _SOFT
    return cropped(ink, threshold)


def _resized(ink: Map, scale: float) -> Map:
    """Resize, smaller by averaging over areas, larger by interpolation."""
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    if size == ink.shape[::-1]:
        return ink
    how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return np.clip(np.asarray(Image.fromarray(ink).resize(size, how)), 0, 1)


def _with_strokes(ink: Map, depth: NDArray[np.float64], width: float, target: float) -> Map:
    """Redraw a digit with wider or narrower strokes.

    Widening by d pixels makes the box wider by as much, and the box becomes 20 pixels in the end:
    the strokes are (w + d) / (b + d) of it, which is solved for d.

    Args:
        ink: The digit, fine.
        depth: Its distances to the paper, as `_depth` measures them.
        width: Its strokes' width in pixels of the 20 x 20 box.
        target: The width that they get.
    """
    longer = max(ink.shape)
    wider = longer * (target - width) / (BOX - target)
    margin = max(0, round(wider / 2)) + 2
    if not depth.any():
        depth = _depth(ink > 0.5 * ink.max())
    depth = _framed(depth, margin - 1)
    inside = depth > 0
    # The edge lies half a pixel before the nearest pixel's center.
    if wider < 0:
        # What is thin already keeps a line.
        reach = maximum_filter(depth, 2 * round(-wider / 2) + 1)
        allowed = np.minimum(-wider / 2, 0.6 * reach)
        return np.where(inside, np.clip((depth - 0.5) - allowed + 0.5, 0, 1), 0).astype(np.float32)
    beyond = ndimage.distance_transform_edt(~inside)
    return np.where(inside, 1, np.clip((0.5 - beyond) + wider / 2 + 0.5, 0, 1)).astype(np.float32)
