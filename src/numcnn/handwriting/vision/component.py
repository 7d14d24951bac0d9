"""Find the connected components of ink: pieces of ink that do not touch each other."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.deadline import check_deadline
from numcnn.handwriting.vision.picture import SINGLE_DIGIT_SIDE
from numcnn.handwriting.vision.region import CORE_INK, Region, trimmed
from numcnn.handwriting.vision.window import EIGHT_NEIGHBORS, maximum_filter

Map = NDArray[np.float32]

# Set by hand unless a measurement is named; see tests/handwriting/vision/test_component.py and
# test_bounds.py.
# Of 2,740 pictures of handwriting, those without noise have at most 154 components.
_MOST: Final = 300  # components; a picture with more is hardly handwriting, and pairs are costly
# Boxes of handwriting hardly overlap; those of rings in rings or of long slanting lines do.
_MOST_PIXELS: Final = 16_000_000  # in all components' boxes together: 64 MB of float32
# By how much a component grows over its soft edge.
_GROWTH_DIVISOR: Final = 400  # of the picture's longer side
_LEAST_GROWTH: Final = 2  # pixels
_MOST_GROWTH: Final = 16  # pixels: the broadest soft edge, in a picture of 6,400 pixels


def find_components(amount: Map) -> tuple[list[Region], int, int]:
    """Find the connected components of ink, those with the most ink.

    Connected-component labeling: A. Rosenfeld and J. L. Pfaltz, "Sequential operations in digital
    picture processing", 1966. Only ink above `CORE_INK` connects, since two soft edges that meet
    are not yet strokes that touch; then each soft edge is given to the component beside it.

    Args:
        amount: The amount of ink, 0 to 1, float32 ``(height, width)``.

    Returns:
        The components, the one with the most ink first; how many were left out because their boxes
        are too large together; and how many because there are too many components.
    """
    # In a small picture, strokes may be two pixels wide, and all of their ink is soft.
    core = CORE_INK if max(amount.shape) > SINGLE_DIGIT_SIDE else 0.0
    labels, count = ndimage.label(amount > core, EIGHT_NEIGHBORS)
    if count == 0:
        return [], 0, 0
    soft = amount > 0
    growth = max(_LEAST_GROWTH, round(max(amount.shape) / _GROWTH_DIVISOR))
    for _ in range(min(growth, _MOST_GROWTH)):
        check_deadline()
        grown = maximum_filter(labels, 3)
        reached = (labels == 0) & soft & (grown > 0)
        if not reached.any():
            break
        labels[reached] = grown[reached]
    if count > _MOST:
        masses = np.bincount(labels.ravel(), amount.ravel(), count + 1)
        masses[0] = 0
        chosen = np.sort(np.argsort(-masses, kind="stable")[:_MOST])
        renamed = np.zeros(count + 1, labels.dtype)
        renamed[chosen] = np.arange(1, _MOST + 1)
        labels = renamed[labels]
    places = list(enumerate(ndimage.find_objects(labels), 1))
    areas = {label: (y.stop - y.start) * (x.stop - x.start) for label, (y, x) in places}
    if sum(areas.values()) > _MOST_PIXELS:
        places.sort(key=lambda each: areas[each[0]])
    regions = []
    left = _MOST_PIXELS
    for label, place in places:
        check_deadline()
        left -= areas[label]
        if left < 0:
            break
        own = np.where(labels[place] == label, amount[place], np.float32(0))
        region = trimmed(place[1].start, place[0].start, own)
        if region is not None:
            regions.append(region)
    regions.sort(key=lambda region: -region.mass)
    return regions, len(places) - len(regions), max(0, count - _MOST)
