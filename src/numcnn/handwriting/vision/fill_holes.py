"""The solid: what is as dark inside as at its outline, and was taken for an outline alone.

The paper's light is estimated from windows (`numcnn.handwriting.vision.ink`), and what is broader
than these is taken for darker paper: only its outline is ink then, and would be read as a 0.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.deadline import check_deadline
from numcnn.handwriting.vision.region import Region

_BROAD = 0.2  # of the picture's shorter side: narrower things fit into the windows
_HOLLOW = 0.2  # of its box: a digit's loop may be smaller
_CORE = 0.25  # of full ink
_ALIKE = 0.5  # of the difference between outline and surroundings


def solid(region: Region, pixels: NDArray[np.uint8]) -> Region:
    """Fill a region's holes if the picture is as dark (or light) there as at its outline.

    Args:
        region: A region of the picture.
        pixels: The picture, RGB, uint8 ``(height, width, 3)``.

    Returns:
        The region with the holes filled; the same region if there are none, or paper in them.
    """
    if min(region.height, region.width) < _BROAD * min(pixels.shape[:2]):
        return region
    check_deadline()
    inside = region.ink > _CORE
    filled = ndimage.binary_fill_holes(inside)
    holes = filled & ~inside
    if holes.sum() < _HOLLOW * holes.size or filled.all():
        return region
    x, y, width, height = region.box
    gray = pixels[y : y + height, x : x + width].mean(axis=2)
    outline, within, beyond = (float(np.median(gray[part])) for part in (inside, holes, ~filled))
    if abs(within - outline) > _ALIKE * abs(beyond - outline):
        return region
    return Region(x, y, np.where(holes, np.float32(1), region.ink))
