"""The ruling: the lines and squares that are printed on paper, which are no ink of a pen.

Such a line is long, straight and thin, much more so than any stroke of a digit.
"""

import numpy as np
from numpy.typing import NDArray

from numcnn.deadline import check_deadline

Mask = NDArray[np.bool_]

_SHORTEST = 100  # pixels; what is smaller than a page has no ruling
_STEEPEST = 0.14  # 8 degrees: nobody holds a phone worse than that for long
_LEAST_COVERED = 0.6  # of the picture's side, by one line
_MARGIN = 0.08  # of the picture's side; a printed line begins and ends there
_THICKEST = 0.012  # of the picture's side
# Of 2,740 pictures of handwriting, the most complicated one has 30,000 thin pixels and 75 slopes.
_MOST_COUNTED = 20_000_000  # pixels times slopes, about 0.4 s; of more pixels, some are counted
_MOST_SLOPES = 401  # as many as for 8,600 pixels; in longer strips, neighbors part by more


def find_ruling(mask: Mask) -> Mask:
    """Find printed lines.

    For each slope up to 8 degrees, the mask's pixels are counted along all parallel lines: a Hough
    transform for nearly horizontal and nearly vertical lines only. Along the lines that are
    covered over much of the picture, those places are ruling where the ink is as thin as the line;
    where a stroke crosses it, it is thicker, and stays.

    Args:
        mask: What stands out from the paper, ``(height, width)``.

    Returns:
        The ruling's pixels, ``(height, width)``.
    """
    return _find_rows(mask) | _find_rows(mask.T).T


def _find_rows(mask: Mask) -> Mask:
    height, width = mask.shape
    found = np.zeros_like(mask)
    if width < _SHORTEST or height < _SHORTEST // 4:
        return found
    # Where the ink is at most as thick as a line; all of it would count strokes as lines, too.
    thickest = max(3, round(_THICKEST * max(height, width)))
    thin = mask & (_run_lengths(mask) <= thickest)
    rows, columns = np.nonzero(thin)
    if rows.size < _LEAST_COVERED * width:
        return found
    centered = columns - width / 2
    lines, slope = _lines(rows, centered, height, width)
    if not lines:
        return found
    # Sorted across the lines, each line's pixels lie together, however many lines there are.
    across = rows - slope * centered
    order = np.argsort(across)
    rows, columns, across = rows[order], columns[order], across[order]
    reach = thickest / 2 + 2
    for line in lines:
        check_deadline()
        near = slice(*np.searchsorted(across, [line - reach, np.nextafter(line + reach, np.inf)]))
        # A tall 1 is long, straight and thin, too, but does not run across the whole picture.
        reached = columns[near]
        if reached.min() > _MARGIN * width or reached.max() < (1 - _MARGIN) * width:
            continue
        found[rows[near], columns[near]] = True
    return found


def _lines(
    rows: NDArray[np.intp], centered: NDArray[np.float64], height: int, width: int
) -> tuple[list[float], float]:
    """Return the rows in which covered lines cross the middle column, and their slope."""
    margin = int(_STEEPEST * width / 2) + 2
    # Neighbors part by 3 pixels at the picture's ends.
    count = min(int(2 * _STEEPEST * width / 6) | 1, _MOST_SLOPES)
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
    # Printed lines are parallel: the slope is the one at which all lines together are sharpest.
    best = int(np.argmax((profiles**2).sum(axis=1)))
    profile = profiles[best]
    covered = profile * step >= _LEAST_COVERED * width
    lines = []
    for place in np.flatnonzero(covered):
        left, right = max(0, place - 2), place + 3
        if profile[place] == profile[left:right].max():
            lines.append(float(place - margin))
    return lines, float(slopes[best])


def _run_lengths(mask: Mask) -> NDArray[np.int32]:
    """Return for each pixel how long the vertical run of ink is in which it lies; 0 for paper."""
    height, width = mask.shape
    padded = np.zeros((width, height + 2), np.int8)
    padded[:, 1:-1] = mask.T
    steps = np.diff(padded.ravel())
    starts, ends = np.flatnonzero(steps == 1) + 1, np.flatnonzero(steps == -1) + 1
    lengths = np.zeros(padded.size, np.int32)
    lengths[padded.ravel() == 1] = np.repeat(ends - starts, ends - starts)
    return lengths.reshape(padded.shape)[:, 1:-1].T
