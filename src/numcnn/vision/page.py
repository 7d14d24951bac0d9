"""The page: everything that is written in a picture, ready to be read."""

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.vision.frame import SIDE, normalize
from numcnn.vision.ink import Ink, find_ink
from numcnn.vision.picture import (
    MAX_BYTES,
    MAX_PIXELS,
    WORKING_SIZE,
    Box,
    Picture,
    Source,
    load_picture,
)
from numcnn.vision.region import Region
from numcnn.vision.segment import find_lines
from numcnn.vision.split import Score, best_split


@final
@dataclass(frozen=True, eq=False)
class Page:
    """What is written in a picture.

    Attributes:
        picture: The picture that was worked on.
        ink: Its ink.
        lines: The regions in reading order, line by line; empty if nothing is written.
    """

    picture: Picture
    ink: Ink
    lines: tuple[tuple[Region, ...], ...]

    @property
    def regions(self) -> tuple[Region, ...]:
        """All regions in reading order."""
        return tuple(region for line in self.lines for region in line)

    def box(self, region: Region) -> Box:
        """Return a region's ``(x, y, width, height)`` on the original picture."""
        return self.picture.to_original(region.box)

    def split(self, score: Score) -> "Page":
        """Cut regions apart where several digits touch, as far as a reader finds digits in them.

        Args:
            score: As for `best_split`.
        """
        lines = []
        for line in self.lines:
            height = float(np.median([region.height for region in line]))
            lines.append(
                tuple(digit for region in line for digit in best_split(region, score, height))
            )
        return replace(self, lines=tuple(lines))

    def images(self) -> NDArray[np.uint8]:
        """Return all regions in MNIST's frame, uint8 ``(regions, 28, 28)``, in reading order."""
        images = [normalize(region.ink) for region in self.regions]
        return np.stack(images) if images else np.zeros((0, SIDE, SIDE), np.uint8)


def find_digits(
    source: Source | NDArray[Any],
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    working_size: int = WORKING_SIZE,
) -> Page:
    """Find what is written in a picture, digits or not.

    Args:
        source: The picture, as `load_picture` takes it.
        max_bytes: As for `load_picture`.
        max_pixels: As for `load_picture`.
        working_size: As for `load_picture`.

    Raises:
        PictureError: The picture cannot be read.
    """
    picture = load_picture(
        source, max_bytes=max_bytes, max_pixels=max_pixels, working_size=working_size
    )
    ink = find_ink(picture.pixels)
    lines = tuple(tuple(line) for line in find_lines(ink.amount))
    return Page(picture, ink, lines)
