"""Segment ink into regions, one for each digit, and sort them into lines of writing.

Connected ink is a component. A component may be a digit, a piece of one (`...vision.merge`),
several that touch (`...vision.split`), or none: a speck, a frame, an underline, a bit of what lies
beside the paper. Those are dropped here.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from numcnn.handwriting.vision.component import find_components
from numcnn.handwriting.vision.merge import merge_near_pieces
from numcnn.handwriting.vision.picture import SINGLE_DIGIT_SIDE
from numcnn.handwriting.vision.region import Region, typical_height
from numcnn.handwriting.vision.window import minimum_filter

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

# All set by hand; see tests/handwriting/vision/test_segment.py. "Size" is the longer side of a
# region's box; "height" is the typical height, see `typical_height`.
_SMALLEST_PIECE: Final = 0.13  # share of the height: the size of a piece of a digit
_SMALLEST_DIGIT: Final = 0.25  # share of the height: the size of a digit
# Share of the height: the size of a mark inside another region's box. It is kept as a part of what
# it lies in, such as a face's eye, so that this is not read as a 0.
_SMALLEST_INSIDE: Final = 0.07
_SMALLEST_SIZE: Final = 8  # pixels: the size of anything that is kept
_SMALLEST_SIZE_OF_SINGLE_DIGIT: Final = (
    2  # pixels: the same in a picture of one digit that fills it
)
# Share of the size that touches the picture's border: more is seen of something beside the paper.
_MOST_CONTACT: Final = 0.6
_EDGE_MARGIN: Final = 0.012  # share of the picture's longer side: nobody writes as near to an edge
_LEAST_EDGE_MARGIN: Final = 2  # pixels: the same in a small picture
_LONG: Final = 1.8  # share of the height: the size of an underline or a frame
_LOW: Final = 0.45  # share of the height: the shorter side of an underline
_HOLLOW: Final = 0.03  # share of its box that a frame's ink covers
_MOST_OFFSET: Final = 0.65  # share of the higher one's height: between neighbors in one line


def find_lines(amount: Map, paper_mask: Mask | None = None) -> list[list[Region]]:
    """Find what is written, line by line from top to bottom, each from left to right.

    Args:
        amount: The amount of ink, 0 to 1, float32 ``(height, width)``.
        paper_mask: Where there is paper, bool ``(height, width)``; everywhere if None.

    Returns:
        The regions of each line; no line is empty.
    """
    return find_lines_and_rest(amount, paper_mask)[0]


def find_lines_and_rest(
    amount: Map, paper_mask: Mask | None = None
) -> tuple[list[list[Region]], int]:
    """Find what is written, as `find_lines` does, and count what was left out.

    Args:
        amount: As for `find_lines`.
        paper_mask: As for `find_lines`.

    Returns:
        The regions of each line, and how many components were left out because there are too many.
    """
    is_single = max(amount.shape) <= SINGLE_DIGIT_SIDE
    components, too_large, too_many = find_components(amount)
    regions = components
    if not is_single:
        regions = [region for region in regions if not _is_at_border(region, amount.shape)]
        if paper_mask is not None:
            regions = _without_paper_edge(regions, paper_mask)
    smallest = _SMALLEST_SIZE_OF_SINGLE_DIGIT if is_single else _SMALLEST_SIZE
    regions = _without_specks(regions, _SMALLEST_PIECE, smallest)
    # Components beyond those with the most ink are only specks if the last of these is one.
    rest = too_large + (too_many if components and components[-1] in regions else 0)
    regions = merge_near_pieces(regions)
    if not is_single:
        regions = _without_specks(regions, _SMALLEST_DIGIT, _SMALLEST_SIZE)
        regions = _without_frames(regions)
    return _sorted_into_lines(regions), rest


def _without_specks(regions: list[Region], share: float, smallest: float) -> list[Region]:
    """Drop small regions, but not those inside another region's box unless they are tiny.

    Args:
        regions: The regions.
        share: The size of the smallest one to keep, as a share of the typical height.
        smallest: The same in pixels; the larger of the two counts.
    """
    typical = typical_height(regions)
    least = max(share * typical, smallest)
    least_inside = max(_SMALLEST_INSIDE * typical, smallest / 2)
    large = [region for region in regions if max(region.height, region.width) >= least]
    return [
        region
        for region in regions
        if (size := max(region.height, region.width)) >= least
        or (size >= least_inside and any(_is_inside(region, other) for other in large))
    ]


def _is_inside(small: Region, large: Region) -> bool:
    """Tell whether a region's box lies in another's."""
    return (
        large.x <= small.x
        and large.y <= small.y
        and small.x + small.width <= large.x + large.width
        and small.y + small.height <= large.y + large.height
    )


def _is_at_border(region: Region, shape: tuple[int, ...]) -> bool:
    """Tell whether a region lies along the picture's border: it is a part of something else then.

    A digit may reach the border, or be cut by it, but does not lie along it. scikit-image's
    `skimage.segmentation.clear_border` drops whatever touches the border.
    """
    contacts = (
        (region.x == 0, region.ink[:, 0]),
        (region.x + region.width == shape[1], region.ink[:, -1]),
        (region.y == 0, region.ink[0]),
        (region.y + region.height == shape[0], region.ink[-1]),
    )
    touching = max(np.count_nonzero(side) if at else 0 for at, side in contacts)
    return bool(touching > _MOST_CONTACT * max(region.height, region.width))


def _without_paper_edge(regions: list[Region], paper_mask: Mask) -> list[Region]:
    """Drop what lies along the paper's edge: the edge's own shadow, or a bit of the desk."""
    margin = max(_LEAST_EDGE_MARGIN, round(_EDGE_MARGIN * max(paper_mask.shape)))
    inner = minimum_filter(paper_mask, 2 * margin + 1, mode="nearest")
    kept = []
    for region in regions:
        x, y, width, height = region.box
        if region.ink[inner[y : y + height, x : x + width]].sum() > region.mass / 2:
            kept.append(region)
    return kept


def _without_frames(regions: list[Region]) -> list[Region]:
    """Drop underlines and frames: long and low regions, and large boxes with hardly any ink."""
    typical = typical_height([region for region in regions if not _is_frame(region)])
    if not typical:
        return regions  # nothing else is written: these are digits of a very thin pen
    return [
        region
        for region in regions
        if max(region.height, region.width) < _LONG * typical
        or not (_is_frame(region) or min(region.height, region.width) < _LOW * typical)
    ]


def _is_frame(region: Region) -> bool:
    return region.mass < _HOLLOW * region.height * region.width


def _sorted_into_lines(regions: list[Region]) -> list[list[Region]]:
    """Sort regions into lines of writing, in reading order.

    From left to right, each region is appended to the line whose last region is vertically nearest
    to it, or begins a new line if none is near. So a line may slant: only neighbors are compared.
    """
    lines: list[list[Region]] = []
    for region in sorted(regions, key=lambda region: region.x + region.width / 2):
        best, least = None, _MOST_OFFSET
        for line in lines:
            last = line[-1]
            offset = abs(_middle(region) - _middle(last)) / max(region.height, last.height)
            if offset < least:
                best, least = line, offset
        if best is None:
            lines.append([region])
        else:
            best.append(region)
    return sorted(lines, key=lambda line: float(np.mean([_middle(region) for region in line])))


def _middle(region: Region) -> float:
    return region.y + region.height / 2
