"""The segments: which ink belongs together, and in which order it is read.

Ink that hangs together is a component. A component may be a digit, a piece of one (a 5 with a loose
hat, a broken stroke), several that touch (`numcnn.handwriting.vision.split` has an answer to that),
or a speck.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.deadline import check_deadline
from numcnn.handwriting.vision.region import Region, join, trimmed
from numcnn.handwriting.vision.window import maximum_filter, minimum_filter

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Of full ink: paler ink is the soft edge of a stroke, and two edges that meet are not yet touching.
_CORE = 0.25
_EIGHT = np.ones((3, 3), bool)
# Of 2,740 pictures of handwriting, those without noise have at most 154 components.
_MOST = 300  # components; a picture with more is hardly handwriting, and pairs are costly
# Boxes of handwriting hardly overlap; those of rings in rings or of long slanting lines do.
_MOST_PIXELS = 16_000_000  # in all components' boxes together: 64 MB
_MOST_GROWTH = 16  # pixels: the broadest soft edge, in a picture of 6,400 pixels
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
    return find_lines_and_rest(amount, sheet)[0]


def find_lines_and_rest(amount: Map, sheet: Mask | None = None) -> tuple[list[list[Region]], int]:
    """Find what is written, as `find_lines` does, and count what was not looked at.

    Args:
        amount: As for `find_lines`.
        sheet: As for `find_lines`.

    Returns:
        The regions of each line, and how many marks were left out because there are too many.
    """
    is_tiny = max(amount.shape) <= _TINY
    components, too_large, too_many = _components(amount)
    regions = components
    if not is_tiny:
        regions = [region for region in regions if not _is_edge(region, amount.shape)]
        if sheet is not None:
            regions = _off_the_edge(regions, sheet)
    regions = _without_specks(regions, _SPECK, 2 if is_tiny else _SMALLEST)
    # Beyond those with the most ink there are only specks if the last of these is one.
    rest = too_large + (too_many if components and components[-1] in regions else 0)
    regions = _merged(regions)
    if not is_tiny:
        regions = _without_lines(_without_specks(regions, _CRUMB, _SMALLEST))
    return _in_lines(regions), rest


def _components(amount: Map) -> tuple[list[Region], int, int]:
    """Return the components with the most ink, the most first.

    And how many were left out: those whose boxes are too large, and those beyond the most.
    """
    # Where a stroke is two pixels wide, all of it is soft.
    core = _CORE if max(amount.shape) > _TINY else 0.0
    labels, count = ndimage.label(amount > core, _EIGHT)
    if count == 0:
        return [], 0, 0
    soft = amount > 0
    # Each soft edge goes to the core that it lies at.
    for _ in range(min(max(2, round(max(amount.shape) / 400)), _MOST_GROWTH)):
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
    inner = minimum_filter(sheet, 2 * margin + 1, mode="nearest")
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
    count = len(regions)
    groups = [[region] for region in regions]
    boxes = np.array([region.box for region in regions]).reshape(count, 4)
    gaps = np.full((count, count), np.inf)  # of each region and those after it
    for i in range(count - 1):
        gaps[i, i + 1 :] = _gaps_in_one_digit(boxes[i], boxes[i + 1 :], typical)
    while count and gaps.min() < np.inf:
        check_deadline()
        i, j = divmod(int(gaps.argmin()), count)
        groups[i] += groups[j]
        groups[j] = []
        gaps[j], gaps[:, j] = np.inf, np.inf
        start = boxes[[i, j], :2].min(axis=0)
        boxes[i] = *start, *((boxes[[i, j], :2] + boxes[[i, j], 2:]).max(axis=0) - start)
        fresh = _gaps_in_one_digit(boxes[i], boxes, typical)
        fresh[[not group for group in groups]] = np.inf
        gaps[i, i + 1 :], gaps[:i, i] = fresh[i + 1 :], fresh[:i]
    return [join(group) for group in groups if group]


def _gaps_in_one_digit(
    box: NDArray[np.int64], others: NDArray[np.int64], typical: float
) -> NDArray[np.float64]:
    """Return how far pieces of one digit are apart; infinity where they belong to two.

    Args:
        box: A piece's ``(x, y, width, height)``.
        others: Those of other pieces, ``(pieces, 4)``.
        typical: How high digits are.

    Returns:
        In pixels, ``(pieces,)``.
    """
    start, length = np.minimum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    end = np.maximum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    # How many pixels two intervals share; negative: how many are between them.
    across, down = (box[2:] + others[:, 2:] - (end - start)).T
    narrower, lower = length.T
    size = np.maximum(typical, np.maximum(box[3], others[:, 3]))
    gap = np.maximum(np.maximum(-across, -down), 0).astype(np.float64)
    height = (end - start)[:, 1]
    is_stacked = across >= 0.5 * narrower
    is_within = is_stacked & (down >= 0.7 * lower)  # one within the other's box
    # Two halves of a single digit, with nothing else to tell its height by.
    is_broken = is_stacked & (gap <= 0.1 * size) & (height <= 2.2 * size) & (narrower > 1)
    is_upper_part = is_stacked & (lower <= 0.75 * size)
    # A loose hat stands beside its digit rather than above it.
    is_hat = (lower <= 0.4 * size) & (gap <= 0.12 * size)
    is_one = is_within | np.where(height > 1.35 * size, is_broken, is_upper_part | is_hat)
    gap[~is_one | (gap > 0.35 * size)] = np.inf
    return gap


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
