"""Find the ruling: straight lines and squares that are printed on the paper.

Such a line is long, straight and thin, much more so than any stroke of a digit. It is found with a
Hough transform: P. V. C. Hough, "Method and means for recognizing complex patterns", US patent
3,069,654, 1962; R. O. Duda and P. E. Hart, "Use of the Hough transformation to detect lines and
curves in pictures", 1972. Lines are described by slope and intercept, as in Hough's patent; Duda
and Hart's angle and distance are not needed, since steep lines are found in the transposed picture.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from numcnn.deadline import check_deadline

Mask = NDArray[np.bool_]

# Set by hand unless a measurement is named; see tests/handwriting/vision/test_ruling.py.
_SHORTEST: Final = 100  # pixels along the lines: a smaller picture is a clipping, not a page
_LOWEST: Final = 25  # pixels across the lines
_STEEPEST: Final = 0.14  # slope, 8 degrees: a phone is rarely held more askew
_LEAST_COVERED: Final = 0.6  # share of the picture's side that a line's pixels cover
_MARGIN: Final = 0.08  # share of the picture's side: a printed line begins and ends that near to it
_THICKEST: Final = 0.012  # share of the picture's longer side: the thickness of a line
_LEAST_THICKEST: Final = 3  # pixels: in a small picture, lines may be as thick
# Pixels, besides half of the thickness, that a line's pixels may be off the straight line: paper is
# slightly curved, and the slope is rounded.
_MOST_OFF: Final = 2
_SLOPE_STEP: Final = 6  # pixels over the picture's width by which two neighboring slopes differ
_PEAK: Final = 2  # rows: of intercepts as near to each other, the most covered ones are lines
# Of 2,740 pictures of handwriting, the most complicated one has 30,000 thin pixels and 75 slopes.
_MOST_COUNTED: Final = 20_000_000  # pixels times slopes, about 0.4 s; of more pixels, a part counts
_MOST_SLOPES: Final = 401  # as many as for 8,600 pixels; in longer strips, they differ by more


def find_ruling(mask: Mask) -> Mask:
    """Find printed lines, nearly horizontal and nearly vertical ones.

    For each slope up to 8 degrees, the mask's pixels are counted along all parallel lines (a Hough
    transform restricted to these slopes). Along the lines that are covered over much of the
    picture, pixels are ruling where the ink is as thin as the line; where a stroke crosses the
    line, the ink is thicker and is no ruling.

    Args:
        mask: Which pixels are darker than the paper, bool ``(height, width)``.

    Returns:
        Which pixels are ruling, bool ``(height, width)``.
    """
    return _find_rows(mask) | _find_rows(mask.T).T


def _find_rows(mask: Mask) -> Mask:
    """Find the nearly horizontal lines' pixels, bool ``(height, width)``."""
    height, width = mask.shape
    found = np.zeros_like(mask)
    if width < _SHORTEST or height < _LOWEST:
        return found
    # Where the ink is at most as thick as a line: with all ink, strokes would count as lines.
    thickest = max(_LEAST_THICKEST, round(_THICKEST * max(height, width)))
    thin = mask & (_run_lengths(mask) <= thickest)
    rows, columns = np.nonzero(thin)
    if rows.size < _LEAST_COVERED * width:
        return found
    centered = columns - width / 2
    intercepts, slope = _hough_lines(rows, centered, height, width)
    if not intercepts:
        return found
    # Sorted across the lines, each line's pixels lie together, however many lines there are.
    across = rows - slope * centered
    order = np.argsort(across)
    rows, columns, across = rows[order], columns[order], across[order]
    reach = thickest / 2 + _MOST_OFF
    for intercept in intercepts:
        check_deadline()
        first, last = intercept - reach, np.nextafter(intercept + reach, np.inf)
        near = slice(*np.searchsorted(across, [first, last]))
        # A tall 1 is long, straight and thin, too, but does not run across the whole picture.
        reached = columns[near]
        if reached.min() > _MARGIN * width or reached.max() < (1 - _MARGIN) * width:
            continue
        found[rows[near], columns[near]] = True
    return found


def _hough_lines(
    rows: NDArray[np.intp], centered: NDArray[np.float64], height: int, width: int
) -> tuple[list[float], float]:
    """Find parallel lines ``row = intercept + slope * column`` that are covered with pixels.

    Printed lines are parallel, so there is one slope: the one at which the profile of counts is
    sharpest, which means that the sum of its squares is largest. W. Postl, "Detection of linear
    oblique structures and skew scan in digitized documents", 1986, finds the skew of text so.

    Args:
        rows: The pixels' rows, ``(pixels,)``.
        centered: Their columns, counted from the middle of the picture, ``(pixels,)``.
        height: The picture's height in pixels.
        width: The picture's width in pixels.

    Returns:
        The lines' intercepts, which are rows in the picture's middle column, and their slope. A
        line has several neighboring intercepts if these are equally covered.
    """
    # Intercepts above and below the picture; two rows more, for rounding and for a neighboring row.
    margin = int(_STEEPEST * width / 2) + 2
    count = min(int(2 * _STEEPEST * width / _SLOPE_STEP) | 1, _MOST_SLOPES)
    slopes = np.linspace(-_STEEPEST, _STEEPEST, count)
    step = -(-rows.size * count // _MOST_COUNTED)
    rows, centered = rows[::step], centered[::step]
    profiles = np.empty((count, height + 2 * margin))
    for profile, slope in zip(profiles, slopes, strict=True):
        check_deadline()
        places = np.rint(rows - slope * centered).astype(np.intp) + margin
        counts = np.bincount(places, minlength=len(profile))
        # A line that is slightly curved, or between two slopes, fills neighboring rows in turn.
        profile[:] = counts
        profile[1:] += counts[:-1]
        profile[:-1] += counts[1:]
    best = int(np.argmax((profiles**2).sum(axis=1)))
    profile = profiles[best]
    covered = profile * step >= _LEAST_COVERED * width
    intercepts = []
    for place in np.flatnonzero(covered):
        first, last = max(0, place - _PEAK), place + _PEAK + 1
        if profile[place] == profile[first:last].max():
            intercepts.append(float(place - margin))
    return intercepts, float(slopes[best])


def _run_lengths(mask: Mask) -> NDArray[np.int32]:
    """Return the length of the vertical run of True pixels that each pixel lies in; 0 if False."""
    height, width = mask.shape
    padded = np.zeros((width, height + 2), np.int8)
    padded[:, 1:-1] = mask.T
    steps = np.diff(padded.ravel())
    starts, ends = np.flatnonzero(steps == 1) + 1, np.flatnonzero(steps == -1) + 1
    lengths = np.zeros(padded.size, np.int32)
    lengths[padded.ravel() == 1] = np.repeat(ends - starts, ends - starts)
    return lengths.reshape(padded.shape)[:, 1:-1].T
