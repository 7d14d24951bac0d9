"""Estimate the paper's brightness behind the ink, and how much darker each pixel is.

The brightness of a photograph is that of the light times the share that paper and ink reflect. So
the paper is estimated as it would look without ink, and a pixel's darkness is the share of the
paper's brightness that it lacks: the same stroke is as dark in a shadow as in the sun.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from numcnn.deadline import check_deadline
from numcnn.handwriting.vision.picture import SINGLE_DIGIT_SIDE
from numcnn.handwriting.vision.window import grey_closing, median_filter

Pixels = NDArray[np.uint8]
Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

# All set by hand; see tests/handwriting/vision/test_background.py and test_ink.py.
_SIDE: Final = 320  # pixels, longer side of the reduced picture: the paper is smooth
# The closing's window in the reduced picture: wider strokes would be taken for darker paper.
_WINDOW: Final = 0.3  # share of the shorter side
_WINDOW_DIVISOR: Final = 8  # of the longer side: the window in a long strip
_WINDOW_OF_SINGLE_DIGIT: Final = (
    0.6  # share of the shorter side, for a digit that fills the picture
)
_LEAST_WINDOW: Final = 3  # pixels
_NOISE_MEDIAN: Final = 3  # pixels, the median filter's side: noise must not lighten the closing
_SMOOTHING_DIVISOR: Final = 160  # of the longer side: the Gaussian filter's standard deviation
# Gray levels of 255: darker paper is treated as if it were that light. Ink takes little from what
# is dark, and the noise there would count as much as ink.
_DARKEST_PAPER: Final = 90
_STRONG: Final = 0.5  # share of the greatest darkness: pixels that tell the ink's color
_MOST_SAMPLES: Final = 250_000  # pixels; of more, a part is enough to tell the paper's level
_HIGHEST: Final = 99.5  # percentile of the darkness that counts as its maximum
_LEAST_RANGE: Final = 1e-6  # share of the paper's brightness: with less, the picture is blank
_PAPER_RANGE: Final = 0.7  # share of the range of darkness in which the paper's mode is looked for
_LEVELS: Final = 255  # bins for the whole range of darkness, one for each gray level
_FEWEST_BINS: Final = 8
_MOST_BINS: Final = 400
_BIN_SMOOTHING: Final = 5  # bins, the moving average's width
_LEAST_BELOW: Final = (
    0.02  # share of the pixels that are lighter than the mode: with fewer, no noise
)


def reduced(pixels: Pixels) -> Pixels:
    """Reduce a picture by a whole factor, so that its longer side has at most 320 pixels.

    Args:
        pixels: RGB, uint8 ``(height, width, 3)``.

    Returns:
        RGB, uint8; the same array if it is small already.
    """
    height, width = pixels.shape[:2]
    factor = -(-max(height, width) // _SIDE)
    if factor == 1:
        return pixels
    return np.asarray(Image.fromarray(pixels).reduce(factor))


def relative_darkness(pixels: Pixels, small: Pixels) -> Map:
    """Compute the share of the paper's brightness that each pixel lacks.

    The paper is estimated in the reduced picture, by morphological closing: what is darker than its
    surroundings and narrower than a window is filled (J. Serra, "Image Analysis and Mathematical
    Morphology", 1982; P. Soille, "Morphological Image Analysis", 2nd edition, 2003, chapter 4).
    Unlike a blur, a closing keeps gradients and the edges of large shadows. The closing minus the
    picture is the black top-hat transform; here it is also divided by the closing.

    Channels are weighted by how much the ink darkens them, so that a red pen, which leaves red as
    it is, is not paler than a black one.

    Args:
        pixels: The picture with ink darker than paper, RGB, uint8 ``(height, width, 3)``.
        small: The same picture, as `reduced` returns it.

    Returns:
        About 0 on paper, towards 1 on black ink, float32 ``(height, width)``.
    """
    if (pixels == pixels[:, :, :1]).all():
        pixels, small = pixels[:, :, :1], small[:, :, :1]  # a gray picture's channels are equal
    paper = _paper(small)
    shares = np.empty(pixels.shape, np.float32)
    size = (pixels.shape[1], pixels.shape[0])
    channels = range(pixels.shape[2])
    for channel in channels:
        check_deadline()
        light = paper[:, :, channel]
        if pixels.shape != small.shape:
            resized = Image.fromarray(light).resize(size, Image.Resampling.BILINEAR)
            light = np.asarray(resized)
        share = shares[:, :, channel]
        np.subtract(light, pixels[:, :, channel], out=share)
        share /= np.maximum(light, _DARKEST_PAPER)
    total = shares.sum(axis=2)
    strong = shares[total > _STRONG * float(total.max(initial=0))]
    if len(strong) == 0 or float(total.max()) <= 0:
        return total / len(channels)
    weights = np.maximum(strong.mean(axis=0), 0)
    return shares @ (weights / weights.sum())


def _paper(small: Pixels) -> Map:
    """Estimate how the paper would look without ink, float32 ``(height, width, channels)``."""
    shorter, longer = sorted(small.shape[:2])
    is_single = longer <= SINGLE_DIGIT_SIDE
    if is_single:
        side = _WINDOW_OF_SINGLE_DIGIT * shorter
    else:
        side = max(_WINDOW * shorter, longer / _WINDOW_DIVISOR)
    window = max(_LEAST_WINDOW, round(side))
    paper = np.empty(small.shape, np.float32)
    for channel in range(small.shape[2]):
        check_deadline()
        values = small[:, :, channel]
        if not is_single:
            values = median_filter(values, _NOISE_MEDIAN)
        closed = _closed(values.astype(np.float32), window)
        if not is_single:
            closed = ndimage.gaussian_filter(closed, longer / _SMOOTHING_DIVISOR)
        paper[:, :, channel] = closed
    return paper


def _closed(values: Map, window: int) -> Map:
    """Close a channel, with brightness extrapolated beyond the border where it falls towards it.

    With the usual mirrored border, light that fades towards the border would be darkest there, and
    be filled as if it were ink.
    """
    inside = []
    for axis in (0, 1):
        lines = values.swapaxes(0, axis)
        reach = min(window // 2 + 1, len(lines) - 1)
        before = np.minimum(lines[:1], 2 * lines[:1] - lines[reach:0:-1])
        after = np.minimum(lines[-1:], 2 * lines[-1:] - lines[-2 : -reach - 2 : -1])
        inside.append(slice(reach, reach + len(lines)))
        values = np.concatenate([before, lines, after]).swapaxes(0, axis)
    return grey_closing(values, (window, window))[tuple(inside)]


def paper_level(darkness: Map, paper_mask: Mask | None) -> tuple[float, float]:
    """Estimate the paper's most frequent darkness and the noise around it.

    Ink is only darker than the paper, so what is lighter than the mode is noise alone, and there is
    as much noise on the other side.

    Args:
        darkness: As `relative_darkness` returns it, float32 ``(height, width)``.
        paper_mask: Where there is paper, bool ``(height, width)``; everywhere if None.

    Returns:
        The mode, and the noise's standard deviation, both in the unit of ``darkness``.
    """
    values = (darkness if paper_mask is None else darkness[paper_mask]).ravel()
    values = values[:: max(1, values.size // _MOST_SAMPLES)]
    low, high = float(values.min()), float(np.percentile(values, _HIGHEST))
    if high - low < _LEAST_RANGE:
        return low, 0.0
    bins = int(np.clip((high - low) * _LEVELS, _FEWEST_BINS, _MOST_BINS))
    counts, edges = np.histogram(values, bins, (low, low + _PAPER_RANGE * (high - low)))
    # Smoothed where a bin has few pixels; the sharp peak of a picture without noise stays.
    smooth = counts + np.convolve(counts, np.ones(_BIN_SMOOTHING), "same") / _BIN_SMOOTHING
    peak = int(np.argmax(smooth))
    inside = values[(values >= edges[peak]) & (values <= edges[peak + 1])]
    mode = float(np.median(inside)) if inside.size else float(edges[peak])
    below = values[values < mode]
    if below.size < _LEAST_BELOW * values.size:
        return mode, 0.0
    return mode, float(np.sqrt(np.mean((below - mode) ** 2)))
