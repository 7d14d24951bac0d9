"""A region of a picture: one connected or merged piece of ink, without its neighbors' ink."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from numcnn.handwriting.vision.picture import Box

Map = NDArray[np.float32]

CORE_INK: Final = 0.25
"""The share of full ink up to which a pixel belongs to the soft (antialiased) edge of a stroke.

Set by hand; see ``tests/handwriting/vision/test_segment.py``.
"""


@final
@dataclass(frozen=True, eq=False)
class Region:
    """A digit, or anything else that is written in one place.

    Attributes:
        x: The left edge, in pixels of the working picture.
        y: The upper edge, in pixels of the working picture.
        ink: The amount of ink, 0 to 1, float32 ``(height, width)``; the first and the last row
            and column have some.
    """

    x: int
    y: int
    ink: Map

    @property
    def height(self) -> int:
        """The height in pixels of the working picture."""
        return self.ink.shape[0]

    @property
    def width(self) -> int:
        """The width in pixels of the working picture."""
        return self.ink.shape[1]

    @property
    def box(self) -> Box:
        """The bounding box ``(x, y, width, height)`` in pixels of the working picture."""
        return self.x, self.y, self.width, self.height

    @property
    def mass(self) -> float:
        """The sum of the ink: the area in pixels if all of it were full ink."""
        return float(self.ink.sum())


def trimmed(x: int, y: int, ink: Map) -> Region | None:
    """Make a region of an array of ink, without empty rows and columns at its edges.

    Args:
        x: Where the array's first column is, in pixels of the working picture.
        y: Where the array's first row is, in pixels of the working picture.
        ink: The amount of ink, 0 to 1, float32 ``(height, width)``.

    Returns:
        The region; None if there is no ink.
    """
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if rows.size == 0:
        return None
    top, left = int(rows[0]), int(columns[0])
    own = np.ascontiguousarray(ink[top : rows[-1] + 1, left : columns[-1] + 1])
    return Region(x + left, y + top, own)


def join(regions: Sequence[Region]) -> Region:
    """Make one region of several; where they overlap, the larger amount of ink is kept.

    Raises:
        ValueError: There is no region.
    """
    if not regions:
        raise ValueError("regions is empty; give at least one")
    if len(regions) == 1:
        return regions[0]
    x, y = min(region.x for region in regions), min(region.y for region in regions)
    right = max(region.x + region.width for region in regions)
    bottom = max(region.y + region.height for region in regions)
    ink = np.zeros((bottom - y, right - x), np.float32)
    for region in regions:
        place = ink[
            region.y - y : region.y - y + region.height, region.x - x : region.x - x + region.width
        ]
        np.maximum(place, region.ink, out=place)
    return Region(x, y, ink)


def typical_height(regions: Sequence[Region]) -> float:
    """Return the median height of regions, weighted by their ink.

    Half of the ink is in regions of at most this height. Specks, however many, have hardly any ink
    and do not change it.

    Returns:
        The height in pixels; 0 if there is no region.
    """
    if not regions:
        return 0.0
    ordered = sorted(regions, key=lambda region: region.height)
    masses = np.cumsum([region.mass for region in ordered])
    return float(ordered[int(np.searchsorted(masses, masses[-1] / 2))].height)
