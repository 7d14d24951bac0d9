"""The segments: which ink belongs together, and in which order it is read.

Ink that hangs together is a component. A component may be a digit, a piece of one (a 5 with a loose
hat, a broken stroke), several that touch (`numcnn.vision.split` has an answer to that), or a speck.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.vision.region import Region, join, trimmed

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Of full ink: paler ink is the soft edge of a stroke, and two edges that meet are not yet touching.
_CORE = 0.25
_EIGHT = np.ones((3, 3), bool)
_MOST = 300  # components; a picture with more is no handwriting, and pairs are costly
_SPECK = 0.13  # of the typical height: not even a piece of a digit
_DOT = 0.07  # of the typical height: seen as a part of what it lies in, such as a face's eye
_CRUMB = 0.25  # of the typical height: no digit by itself
_LONG_CONTACT = 0.6  # of a region's longer side
_LONG = 1.8  # times the typical height: longer than any stroke of a digit
_LOW = 0.45  # of the typical height: lower than any line of digits
_HOLLOW = 0.03  # of its box: how much ink a frame has
_MARGIN = 0.012  # of the longest side: as near to a sheet's edge, nobody writes
_TINY = 64  # pixels; a picture no larger is all one digit
_SMALLEST = 8  # pixels in any other


def find_lines(amount: Map, sheet: Mask | None = None) -> list[list[Region]]:
    """Find what is written, line by line from top to bottom, each from left to right.

    Args:
        amount: The ink, 0 to 1, float32 ``(height, width)``.
        sheet: Where the sheet is that is written on, ``(height, width)``; None if it is all.

    Returns:
        The regions of each line; no line is empty.
    """
    is_tiny = max(amount.shape) <= _TINY
    regions = _components(amount)
    if not is_tiny:
        regions = [region for region in regions if not _is_edge(region, amount.shape)]
        if sheet is not None:
            regions = _off_the_edge(regions, sheet)
    regions = _merged(_without_specks(regions, _SPECK, 2 if is_tiny else _SMALLEST))
    if not is_tiny:
        regions = _without_lines(_without_specks(regions, _CRUMB, _SMALLEST))
    return _in_lines(regions)


def _components(amount: Map) -> list[Region]:
    # Where a stroke is two pixels wide, all of it is soft.
    core = _CORE if max(amount.shape) > _TINY else 0.0
    labels, count = ndimage.label(amount > core, _EIGHT)
    if count == 0:
        return []
    soft = amount > 0
    # Each soft edge goes to the core that it lies at.
    for _ in range(max(2, round(max(amount.shape) / 400))):
        grown = ndimage.maximum_filter(labels, 3)
        labels = np.where((labels == 0) & soft, grown, labels)
    regions = []
    for label, place in enumerate(ndimage.find_objects(labels), 1):
        own = np.where(labels[place] == label, amount[place], np.float32(0))
        region = trimmed(place[1].start, place[0].start, own)
        if region is not None:
            regions.append(region)
    return sorted(regions, key=lambda region: -region.mass)[:_MOST]


def _typical_height(regions: list[Region]) -> float:
    """Return the height that divides the ink in halves: specks have hardly any ink."""
    if not regions:
        return 0.0
    ordered = sorted(regions, key=lambda region: region.height)
    masses = np.cumsum([region.mass for region in ordered])
    return float(ordered[int(np.searchsorted(masses, masses[-1] / 2))].height)


def _without_specks(regions: list[Region], share: float, smallest: float) -> list[Region]:
    typical = _typical_height(regions)
    least, dot = max(share * typical, smallest), max(_DOT * typical, smallest / 2)
    large = [region for region in regions if max(region.height, region.width) >= least]
    return [
        region
        for region in regions
        if (size := max(region.height, region.width)) >= least
        or (size >= dot and any(_is_within(region, other) for other in large))
    ]


def _is_within(small: Region, large: Region) -> bool:
    """Tell whether a region's box lies in another's."""
    return (
        large.x <= small.x
        and large.y <= small.y
        and small.x + small.width <= large.x + large.width
        and small.y + small.height <= large.y + large.height
    )


def _is_edge(region: Region, shape: tuple[int, ...]) -> bool:
    """Tell whether a region lies along the picture's border: what is seen there of something else.

    A digit may reach the border, or be cut by it, but does not lie along it.
    """
    contacts = (
        (region.x == 0, region.ink[:, 0]),
        (region.x + region.width == shape[1], region.ink[:, -1]),
        (region.y == 0, region.ink[0]),
        (region.y + region.height == shape[0], region.ink[-1]),
    )
    touching = max(np.count_nonzero(side) if at else 0 for at, side in contacts)
    return bool(touching > _LONG_CONTACT * max(region.height, region.width))


def _off_the_edge(regions: list[Region], sheet: Mask) -> list[Region]:
    """Drop what lies along a sheet's edge: the edge's own shadow, or a bit of the desk."""
    margin = max(2, round(_MARGIN * max(sheet.shape)))
    inner = ndimage.minimum_filter(sheet, 2 * margin + 1, mode="nearest")
    kept = []
    for region in regions:
        x, y, width, height = region.box
        if region.ink[inner[y : y + height, x : x + width]].sum() > region.mass / 2:
            kept.append(region)
    return kept


def _without_lines(regions: list[Region]) -> list[Region]:
    """Drop what is underlined with, or framed: long lines, and boxes with hardly any ink."""
    typical = _typical_height([region for region in regions if not _is_frame(region)])
    if not typical:
        return regions  # nothing is framed: these are digits of a hair-thin pen
    return [
        region
        for region in regions
        if max(region.height, region.width) < _LONG * typical
        or not (_is_frame(region) or min(region.height, region.width) < _LOW * typical)
    ]


def _is_frame(region: Region) -> bool:
    return region.mass < _HOLLOW * region.height * region.width


def _merged(regions: list[Region]) -> list[Region]:
    """Join the pieces of one digit, nearest pair first."""
    typical = _typical_height(regions)
    regions = list(regions)
    while True:
        best: tuple[float, int, int] | None = None
        for i, first in enumerate(regions):
            for j in range(i + 1, len(regions)):
                gap = _gap_in_one_digit(first, regions[j], typical)
                if gap is not None and (best is None or gap < best[0]):
                    best = gap, i, j
        if best is None:
            return regions
        _, i, j = best
        regions[i] = join([regions[i], regions.pop(j)])


def _gap_in_one_digit(first: Region, second: Region, typical: float) -> float | None:
    """Return how far two pieces of one digit are apart, or None if they belong to two."""
    across = _overlap(first.x, first.width, second.x, second.width)
    down = _overlap(first.y, first.height, second.y, second.height)
    small, large = sorted((first, second), key=lambda region: region.height)
    size = max(typical, float(large.height))
    gap = max(-across, -down, 0)
    if gap > 0.35 * size:
        return None
    height = max(first.y + first.height, second.y + second.height) - min(first.y, second.y)
    narrower = min(first.width, second.width)
    is_stacked = across >= 0.5 * narrower
    if is_stacked and down >= 0.7 * small.height:
        return float(gap)  # one within the other's box
    if height > 1.35 * size:
        # Two halves of a single digit, with nothing else to tell its height by.
        is_broken = is_stacked and gap <= 0.1 * size and height <= 2.2 * size
        return float(gap) if is_broken and min(first.width, second.width) > 1 else None
    if is_stacked and small.height <= 0.75 * size:
        return float(gap)
    # A loose hat stands beside its digit rather than above it.
    if small.height <= 0.4 * size and gap <= 0.12 * size:
        return float(gap)
    return None


def _overlap(start: int, length: int, other_start: int, other_length: int) -> int:
    """Return how many pixels two intervals share; negative: how many are between them."""
    return min(start + length, other_start + other_length) - max(start, other_start)


def _in_lines(regions: list[Region]) -> list[list[Region]]:
    """Put regions in reading order.

    From left to right, each region continues the line whose last region is most at its height. So
    a line may slant: only neighbors are compared.
    """
    lines: list[list[Region]] = []
    for region in sorted(regions, key=lambda region: region.x + region.width / 2):
        best, least = None, 0.65
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
