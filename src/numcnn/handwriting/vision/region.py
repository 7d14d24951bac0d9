"""The region: one thing that is written, with its own ink and nothing of its neighbors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.handwriting.vision.picture import Box

Map = NDArray[np.float32]


@final
@dataclass(frozen=True, eq=False)
class Region:
    """A digit, or whatever else is written in one place.

    Attributes:
        x: The left edge, in pixels of the working picture.
        y: The upper edge.
        ink: How much ink there is, 0 to 1, float32 ``(height, width)``; every side has some.
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
        """``(x, y, width, height)`` on the working picture."""
        return self.x, self.y, self.width, self.height

    @property
    def mass(self) -> float:
        """The ink in pixels."""
        return float(self.ink.sum())


def trimmed(x: int, y: int, ink: Map) -> Region | None:
    """Make a region of a map's ink, without the empty margin; None if there is no ink."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if rows.size == 0:
        return None
    top, left = int(rows[0]), int(columns[0])
    own = np.ascontiguousarray(ink[top : rows[-1] + 1, left : columns[-1] + 1])
    return Region(x + left, y + top, own)


def join(regions: Sequence[Region]) -> Region:
    """Make one region of several.

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
