"""Find everything that is written in a picture, as regions that a network can classify."""

from dataclasses import dataclass, replace
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from numcnn.deadline import check_deadline
from numcnn.handwriting.frame import SIDE
from numcnn.handwriting.vision.fill_holes import fill_holes
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

# Set by hand; see tests/handwriting/vision/test_page.py.
_SURE: Final = -0.12  # natural logarithm of the probability above which a digit is never split
_SURE_DIGITS_OF_A_LINE: Final = 2  # with as many in a line, the others are probably digits, too


@final
@dataclass(frozen=True, eq=False)
class Page:
    """What is written in a picture.

    Attributes:
        picture: The working picture.
        paper_mask: Where there is paper, bool ``(height, width)``; None if it is everywhere.
        ink: The picture's ink.
        lines: The regions in reading order, line by line; empty if nothing is written.
        left_out: How many components are not among the regions, because there are too many.
        not_divided: How many regions were not searched for digits that touch, for the same reason.
    """

    picture: Picture
    paper_mask: NDArray[np.bool_] | None
    ink: Ink
    lines: tuple[tuple[Region, ...], ...]
    left_out: int = 0
    not_divided: int = 0

    @property
    def regions(self) -> tuple[Region, ...]:
        """All regions in reading order."""
        return tuple(region for line in self.lines for region in line)

    def box(self, region: Region) -> Box:
        """Return a region's box ``(x, y, width, height)``, in pixels of the original picture."""
        return self.picture.to_original(region.box)

    def grouped(self, score: Score, budget: Budget | None = None) -> "Page":
        """Merge the pieces of broken digits, and split digits that touch, by a classifier's scores.

        Args:
            score: Scores regions.
            budget: How much may be tried to split digits; as for one picture if None.

        Returns:
            The page with other regions. Those that are surely one digit are the same.
        """
        budget = budget or Budget()
        scores = iter(score(self.regions) if self.regions else [])
        lines = []
        not_divided = 0
        for line in self.lines:
            height = float(np.median([region.height for region in line]))
            regions, line_scores = merge_broken_digits(
                line, [next(scores) for _ in line], score, height
            )
            sure = sum(each.digit > _SURE for each in line_scores)
            is_among_digits = sure >= _SURE_DIGITS_OF_A_LINE
            digits: list[Region] = []
            for region, region_score in zip(regions, line_scores, strict=True):
                check_deadline()
                if region_score.digit > _SURE:
                    digits.append(region)
                    continue
                split = best_split(
                    region,
                    region_score,
                    score,
                    height,
                    is_among_digits=is_among_digits,
                    budget=budget,
                )
                not_divided += split is None
                digits += split or [region]
            lines.append(tuple(digits))
        return replace(self, lines=tuple(lines), not_divided=not_divided)

    def inverted(self) -> "Page":
        """Find what is written if the ink is taken for the paper and the paper for the ink."""
        return _page(self.picture, self.paper_mask, not self.ink.is_light)

    def uncropped(self) -> "Page":
        """Find what is written if all of the picture is taken for paper."""
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
    """Find what is written in a picture, digits or anything else.

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


def _page(picture: Picture, paper_mask: NDArray[np.bool_] | None, is_light: bool | None) -> Page:
    ink = find_ink(picture.pixels, is_light, paper_mask)
    found, left_out = find_lines_and_rest(ink.amount, paper_mask)
    lines = tuple(tuple(fill_holes(region, picture.pixels) for region in line) for line in found)
    return Page(picture, paper_mask, ink, lines, left_out)
