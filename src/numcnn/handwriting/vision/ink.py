"""Separate ink from paper, light and noise: find how much ink each pixel has.

How much darker than the paper a pixel is (`numcnn.handwriting.vision.background`) is thresholded by
contrast and by noise. Ruling is removed, and so is what fades out gradually like a shadow instead
of ending sharply like a stroke.
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.deadline import check_deadline
from numcnn.handwriting.vision.background import paper_level, reduced, relative_darkness
from numcnn.handwriting.vision.paper import extend_paper
from numcnn.handwriting.vision.polarity import ink_polarity
from numcnn.handwriting.vision.ruling import find_ruling
from numcnn.handwriting.vision.window import EIGHT_NEIGHBORS, maximum_filter, minimum_filter

Pixels = NDArray[np.uint8]
Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

# All set by hand; see tests/handwriting/vision/test_ink.py. "Darkness" is a share of the paper's
# brightness, and noise is its standard deviation on paper.

# Darkness, about half of one of 255 gray levels. Where there is no more noise, the picture was
# drawn or scanned, not photographed, and then the palest gray at a stroke's edge belongs to it.
_NOISE_OF_DRAWING: Final = 0.002
# Noise is smoothed if there is much, and if the picture is so large that strokes are wider than a
# pixel.
_NOISE_TO_SMOOTH: Final = 0.01  # darkness
_SIDE_TO_SMOOTH: Final = 100  # pixels, shorter side
_SMOOTHING: Final = 0.8  # pixels, the Gaussian filter's standard deviation

# What has less contrast is no ink but the paper's texture.
_LEAST_CONTRAST: Final = 0.08  # darkness
_LEAST_CONTRAST_TO_NOISE: Final = 7  # times the noise
# In a photograph, blotches of paper and light have more contrast than that.
_LEAST_CONTRAST_IN_PHOTOGRAPH: Final = 0.14  # darkness
_LEAST_CONTRAST_TO_NOISE_IN_PHOTOGRAPH: Final = 12  # times the noise
# The contrast is a percentile of the strongest candidates: in a large picture, there may be more of
# a shadow's edge than of ink.
_DARKEST: Final = 99  # percentile of the candidates that counts as their maximum
_STRONG: Final = 0.5  # share of that maximum
_CONTRAST: Final = 80  # percentile of the candidates above that share

# Thresholds of strokes: all pixels are above the low one, and some above the high one.
_HIGH: Final = 0.32  # share of the contrast
_HIGH_TO_NOISE: Final = 5  # times the noise
_LOW: Final = 0.15  # share of the contrast
_LOW_TO_NOISE: Final = 3  # times the noise
# The darkness of no ink and of full ink in a photograph; in a drawing it is 0 and the contrast.
_ZERO: Final = 0.5  # share of the low threshold
_FULL: Final = 0.7  # share of the contrast
# How far, at most, a pixel above the low threshold is from one above the high one.
_REACH_DIVISOR: Final = 60  # of the picture's longer side
_LEAST_REACH: Final = 2  # pixels
_EDGE_DIVISOR: Final = 100  # of the picture's longer side: half of the width of a stroke's edge
# Share of its darkest pixel that a stroke loses across its edge; a shadow loses less.
_LEAST_STEEPNESS: Final = 0.25
_NOISE_IN_EDGE: Final = 4  # times the noise: what noise alone makes of such a difference

_CLUTTER_SIDE: Final = 400  # pixels, longer side at which the clutter is measured
_CLUTTER_MARGIN_DIVISOR: Final = 100  # of the longer side: the margin that is left out around ink


@final
@dataclass(frozen=True, eq=False)
class Ink:
    """The ink of a picture.

    Attributes:
        amount: The amount of ink, from 0 on paper to 1 for full ink, with the soft edges of the
            strokes; float32 ``(height, width)``.
        is_light: Whether the ink is lighter than the paper, as with chalk on a blackboard.
        certainty: How certain that is, from 0; below about 1.3 it may be the other way round.
        contrast: The share of the paper's brightness that the ink takes away (or adds), 0 to 1; 0
            if nothing is written.
        noise: The standard deviation of the paper's brightness, as a share of it.
        clutter: How much there is that is neither ink nor plain paper: the mean absolute darkness
            where there is no ink, as a share of the contrast.
    """

    amount: Map
    is_light: bool
    certainty: float
    contrast: float
    noise: float
    clutter: float = 0.0


def find_ink(pixels: Pixels, is_light: bool | None = None, paper_mask: Mask | None = None) -> Ink:
    """Separate ink from paper.

    The paper's brightness is estimated by a morphological closing of the picture, or of its
    negative if the ink is light; see `numcnn.handwriting.vision.background`. How much darker each
    pixel is gives the ink, by hysteresis thresholding.

    Args:
        pixels: RGB, uint8 ``(height, width, 3)``.
        is_light: Whether the ink is lighter than the paper; decided by the picture if None.
        paper_mask: Where there is paper, bool ``(height, width)``; everywhere if None.

    Returns:
        The ink; its amount is 0 everywhere if nothing is written.
    """
    if paper_mask is not None:
        pixels = extend_paper(pixels, paper_mask)
    small = reduced(pixels)
    polarity = ink_polarity(small)
    certainty = abs(polarity)
    if is_light is None:
        is_light = polarity > 0
    if is_light:
        pixels, small = 255 - pixels, 255 - small
    darkness = relative_darkness(pixels, small)
    check_deadline()
    level, noise = paper_level(darkness, paper_mask)
    darkness -= np.float32(level)
    if noise > _NOISE_TO_SMOOTH and min(darkness.shape) >= _SIDE_TO_SMOOTH:
        darkness = ndimage.gaussian_filter(darkness, _SMOOTHING)
        noise = paper_level(darkness, paper_mask)[1]
    blank = Ink(np.zeros_like(darkness), is_light, certainty, 0.0, noise)
    contrast = _contrast(darkness, noise)
    if contrast == 0:
        return blank
    check_deadline()
    is_drawing = noise <= _NOISE_OF_DRAWING
    high = max(_HIGH * contrast, _HIGH_TO_NOISE * noise)
    low = _NOISE_OF_DRAWING if is_drawing else max(_LOW * contrast, _LOW_TO_NOISE * noise)
    mask = _strokes(darkness, low, high, noise)
    ruling = find_ruling(darkness > max(low, _LOW * contrast))
    if ruling.any():
        mask = _strokes(np.where(ruling, 0, darkness), low, high, noise)
    check_deadline()
    if not mask.any():
        return blank
    zero, full = (0.0, contrast) if is_drawing else (_ZERO * low, _FULL * contrast)
    amount = np.clip((darkness - zero) / (full - zero), 0, 1).astype(np.float32)
    if not is_drawing:
        mask = ndimage.binary_dilation(mask, EIGHT_NEIGHBORS) & ~ruling
    amount[~mask if paper_mask is None else ~(mask & paper_mask)] = 0
    clutter = _clutter(darkness, mask | ruling, paper_mask) / contrast
    return Ink(amount, is_light, certainty, contrast, noise, clutter)


def _contrast(darkness: Map, noise: float) -> float:
    """Estimate the darkness of ink; 0 if nothing is dark enough for ink."""
    candidates = darkness[darkness > max(_LEAST_CONTRAST, _LEAST_CONTRAST_TO_NOISE * noise)]
    if candidates.size == 0:
        return 0.0
    strongest = candidates[candidates > _STRONG * np.percentile(candidates, _DARKEST)]
    contrast = float(np.percentile(strongest, _CONTRAST))
    least = max(_LEAST_CONTRAST_IN_PHOTOGRAPH, _LEAST_CONTRAST_TO_NOISE_IN_PHOTOGRAPH * noise)
    return 0.0 if noise > _NOISE_OF_DRAWING and contrast < least else contrast


def _strokes(darkness: Map, low: float, high: float, noise: float) -> Mask:
    """Find strokes: dark pixels that are connected to darker ones and end sharply.

    Hysteresis thresholding: pixels above the low threshold count if they are connected to pixels
    above the high one (J. Canny, "A computational approach to edge detection", 1986;
    `skimage.filters.apply_hysteresis_threshold`). Here they must also be near to these, so that a
    stroke that a shadow crosses does not connect all of the shadow.

    Where a stroke ends, much of its darkness is lost within a few pixels; a shadow's edge is wider.
    So the difference between maximum and minimum over such a width (the morphological gradient:
    P. Soille, "Morphological Image Analysis", 2nd edition, 2003, chapter 3) is averaged along the
    whole outline of each connected component, not only where a shadow happens to meet something
    else.

    Args:
        darkness: float32 ``(height, width)``.
        low: The low threshold.
        high: The high threshold.
        noise: The darkness's standard deviation on paper.

    Returns:
        Which pixels belong to strokes, bool ``(height, width)``.
    """
    above = darkness > high
    longer = max(darkness.shape)
    reach = 2 * max(_LEAST_REACH, round(longer / _REACH_DIVISOR)) + 1
    near = maximum_filter(above, reach)
    labels, count = ndimage.label((darkness > low) & near, EIGHT_NEIGHBORS)
    if count == 0:
        return np.zeros(darkness.shape, bool)
    check_deadline()
    peaks = np.zeros(count + 1, np.float32)
    np.maximum.at(peaks, labels[above], darkness[above])
    edge = 2 * max(1, round(longer / _EDGE_DIVISOR)) + 1
    gradient = maximum_filter(darkness, edge) - minimum_filter(darkness, edge)
    outline = above & ~ndimage.binary_erosion(above, EIGHT_NEIGHBORS, border_value=1)
    places = labels[outline]
    lengths = np.maximum(np.bincount(places, minlength=count + 1), 1)
    steepness = np.bincount(places, gradient[outline], count + 1) / lengths
    keep = (peaks > 0) & (steepness - _NOISE_IN_EDGE * noise > _LEAST_STEEPNESS * peaks)
    keep[0] = False
    return keep[labels]


def _clutter(darkness: Map, known: Mask, paper_mask: Mask | None) -> float:
    """Compute the mean absolute darkness away from ink and ruling.

    Args:
        darkness: float32 ``(height, width)``.
        known: Which pixels are ink or ruling, bool ``(height, width)``.
        paper_mask: Where there is paper, bool ``(height, width)``; everywhere if None.
    """
    longer = max(darkness.shape)
    step = max(1, longer // _CLUTTER_SIDE)
    margin = max(1, round(longer / step / _CLUTTER_MARGIN_DIVISOR))
    near = maximum_filter(known, step)[::step, ::step] if step > 1 else known
    away = ~ndimage.binary_dilation(near, EIGHT_NEIGHBORS, iterations=margin)
    if paper_mask is not None:
        away &= paper_mask[::step, ::step]
    values = darkness[::step, ::step][away]
    return float(np.abs(values).mean()) if values.size else 0.0
