"""Fill the holes of solid shapes of which only the outline was found.

`numcnn.handwriting.vision.background` estimates the paper's brightness from windows. A shape that
is wider than the window is taken for darker paper: only its outline is found as ink, and would be
read as a 0.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.deadline import check_deadline
from numcnn.handwriting.vision.region import CORE_INK, Region

# All set by hand; see tests/handwriting/vision/test_fill_holes.py.
# Share of the picture's shorter side: narrower shapes fit into the background's window.
_SMALLEST_SIDE: Final = 0.2
# Share of the region's box that its holes must cover: the loop of a digit may cover less.
_LEAST_HOLLOW: Final = 0.2
# Share of the difference in gray between outline and surroundings: holes whose gray differs more
# from the outline's hold paper.
_MOST_DIFFERENT: Final = 0.5


def fill_holes(region: Region, pixels: NDArray[np.uint8]) -> Region:
    """Fill a region's holes if the picture is as dark (or light) there as at the outline.

    Holes are background that is not connected to the border (`scipy.ndimage.binary_fill_holes`;
    P. Soille, "Morphological Image Analysis", 2nd edition, 2003, chapter 6). Outline, holes and
    surroundings are compared by their median gray.

    Args:
        region: A region of the picture.
        pixels: The picture, RGB, uint8 ``(height, width, 3)``.

    Returns:
        The region with its holes filled; the same object if it has no large holes, or there is
        paper in them.
    """
    if min(region.height, region.width) < _SMALLEST_SIDE * min(pixels.shape[:2]):
        return region
    check_deadline()
    outline = region.ink > CORE_INK
    filled = ndimage.binary_fill_holes(outline)
    holes = filled & ~outline
    if holes.sum() < _LEAST_HOLLOW * holes.size or filled.all():
        return region
    x, y, width, height = region.box
    gray = pixels[y : y + height, x : x + width].mean(axis=2)
    at_outline, in_holes, around = (
        float(np.median(gray[part])) for part in (outline, holes, ~filled)
    )
    if abs(in_holes - at_outline) > _MOST_DIFFERENT * abs(around - at_outline):
        return region
    return Region(x, y, np.where(holes, np.float32(1), region.ink))
