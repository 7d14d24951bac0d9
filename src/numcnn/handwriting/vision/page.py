"""The page: everything that is written in a picture, ready to be read."""

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.deadline import check_deadline
from numcnn.handwriting.frame import SIDE
from numcnn.handwriting.vision.fill_holes import solid
from numcnn.handwriting.vision.ink import Ink, find_ink
from numcnn.handwriting.vision.merge import merge_broken_digits
from numcnn.handwriting.vision.mnist_frame import to_mnist_frame
from numcnn.handwriting.vision.paper import find_paper
from numcnn.handwriting.vision.picture import (
    MAX_BYTES,
    WORKING_SIZE,
    Box,
    Picture,
    Source,
    load_picture,
)
from numcnn.handwriting.vision.region import Region
from numcnn.handwriting.vision.region_score import Score
from numcnn.handwriting.vision.segment import find_lines_and_rest
from numcnn.handwriting.vision.split import Budget, best_split
from numcnn.picture_file import MAX_PIXELS

_A_LINE = 2  # of digits for sure make it probable that the others are digits
_SURE = -0.12  # the logarithm of a probability: nothing is cut or joined then


@final
@dataclass(frozen=True, eq=False)
class Page:
    """What is written in a picture.

    Attributes:
        picture: The picture that was worked on.
        sheet: Where the sheet is that is written on, ``(height, width)``; None if it is all.
        ink: Its ink.
        lines: The regions in reading order, line by line; empty if nothing is written.
        left_out: How many marks are not among the regions, because there are too many.
        not_divided: How many regions were not looked at for digits that touch, for the same reason.
    """

    picture: Picture
    sheet: NDArray[np.bool_] | None
    ink: Ink
    lines: tuple[tuple[Region, ...], ...]
    left_out: int = 0
    not_divided: int = 0

    @property
    def regions(self) -> tuple[Region, ...]:
        """All regions in reading order."""
        return tuple(region for line in self.lines for region in line)

    def box(self, region: Region) -> Box:
        """Return a region's ``(x, y, width, height)`` on the original picture."""
        return self.picture.to_original(region.box)

    def grouped(self, score: Score, budget: Budget | None = None) -> "Page":
        """Join the pieces of broken digits, and cut digits apart that touch, as a reader says.

        Args:
            score: Says what regions are.
            budget: How much may be tried to cut digits apart; as for one picture if None.
        """
        budget = budget or Budget()
        opinions = iter(score(self.regions) if self.regions else [])
        lines = []
        not_divided = 0
        for line in self.lines:
            height = float(np.median([region.height for region in line]))
            said = [next(opinions) for _ in line]
            regions, said = merge_broken_digits(line, said, score, height)
            sure = sum(opinion.digit > _SURE for opinion in said)
            digits: list[Region] = []
            for region, opinion in zip(regions, said, strict=True):
                check_deadline()
                if opinion.digit > _SURE:
                    digits.append(region)
                    continue
                split = best_split(
                    region, opinion, score, height, is_among_digits=sure >= _A_LINE, budget=budget
                )
                not_divided += split is None
                digits += split or [region]
            lines.append(tuple(digits))
        return replace(self, lines=tuple(lines), not_divided=not_divided)

    def inverted(self) -> "Page":
        """Find what is written if ink and paper are taken for each other."""
        return _page(self.picture, self.sheet, not self.ink.is_light)

    def uncropped(self) -> "Page":
        """Find what is written if all of the picture is taken for the sheet."""
        return _page(self.picture, None, None)

    def images(self) -> NDArray[np.uint8]:
        """Return all regions in MNIST's frame, uint8 ``(regions, 28, 28)``, in reading order."""
        images = [to_mnist_frame(region.ink) for region in self.regions]
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
    return _page(picture, find_paper(picture.pixels), None)


def _page(picture: Picture, sheet: NDArray[np.bool_] | None, is_light: bool | None) -> Page:
    ink = find_ink(picture.pixels, is_light, sheet)
    found, left_out = find_lines_and_rest(ink.amount, sheet)
    lines = tuple(tuple(solid(region, picture.pixels) for region in line) for line in found)
    return Page(picture, sheet, ink, lines, left_out)
