"""Decide whether ink is darker than its paper, or lighter, as with chalk on a blackboard."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from numcnn.handwriting.vision.picture import SINGLE_DIGIT_SIDE
from numcnn.handwriting.vision.window import grey_closing, grey_opening, median_filter

Pixels = NDArray[np.uint8]
Map = NDArray[np.float32]

# Set by hand unless a derivation or a measurement is named in `ink_polarity`; see
# tests/handwriting/vision/test_polarity.py and test_ink.py.
_BORDER_WEIGHT: Final = 2.0  # of the border in a small picture: derived in `ink_polarity`
_BORDER_WEIGHT_IN_PHOTOGRAPH: Final = 0.6  # light and shadows change the border, too
_DETAIL_DIVISOR: Final = 32  # of the longer side: the width of the widest detail
_LEAST_DETAIL: Final = 3  # pixels: the widest detail in a small picture
_DETAIL_NOISE: Final = 3  # medians of the details: what stands out less is noise
_LIGHT_SIDE: Final = 40  # pixels, longer side at which the light is estimated
_LIGHT_MEDIAN: Final = 25  # pixels, the median filter's side there
_LEAST_SPREAD: Final = 0.5  # gray levels of 255, standard deviation: a picture with less is blank
_BLANK_POLARITY: Final = 9.0  # above all others: a blank picture is paper for sure
_MOST_SKEWNESS: Final = 3.0  # a few extreme pixels count no more


def ink_polarity(small: Pixels) -> float:
    """Score whether the ink is lighter than the paper.

    Most of a picture is paper, so that ink makes the distribution of gray skew to its side; and the
    picture's border is paper. Where ink covers a share p of the picture and none of the border, the
    skewness is (1 - 2p) / sqrt(p (1 - p)) and the border differs from the mean by sqrt(p / (1 - p))
    standard deviations: with weights of 1 and 2, their sum is 1 / sqrt(p (1 - p)), which has the
    right sign for every p. (With weights of 1 and 0.6, it has the right sign up to p = 0.71.)

    In a photograph, light and shadows may outweigh the ink in both. There the border counts less,
    and narrow details count as well: they are ink, or, fewer, paper within its loops. Dark ones are
    found by the black top-hat transform (closing minus picture), light ones by the white top-hat
    transform (picture minus opening): P. Soille, "Morphological Image Analysis", 2nd edition, 2003,
    chapter 4. (Of 588 generated pictures, these weights decide 585 rightly.)

    Args:
        small: The reduced picture, RGB, uint8 ``(height, width, 3)``.

    Returns:
        Above 0 if the ink is lighter than the paper, below 0 if it is darker; the farther from 0,
        the more certain.
    """
    gray = small.mean(axis=2, dtype=np.float32)
    details, border_weight = 0.0, _BORDER_WEIGHT
    longer = max(gray.shape)
    if longer > SINGLE_DIGIT_SIDE:
        size = max(_LEAST_DETAIL, longer // _DETAIL_DIVISOR)
        dark = _energy(grey_closing(gray, (size, size)) - gray)
        light = _energy(gray - grey_opening(gray, (size, size)))
        # One squared gray level is added, so that a picture without details has none.
        details = (light - dark) / (light + dark + 1)
        border_weight = _BORDER_WEIGHT_IN_PHOTOGRAPH
        gray = gray - _light(gray)
    deviation = gray - gray.mean()
    spread = float(deviation.std())
    if spread < _LEAST_SPREAD:
        return _BLANK_POLARITY if small.mean() < 128 else -_BLANK_POLARITY
    deviation /= spread
    border = np.concatenate(
        [deviation[0], deviation[-1], deviation[1:-1, 0], deviation[1:-1, -1]]
    ).mean()
    skewness = float(np.clip((deviation**3).mean(), -_MOST_SKEWNESS, _MOST_SKEWNESS))
    return float(details + skewness - border_weight * border)


def _energy(details: Map) -> float:
    """Sum the squares of what stands out from the noise."""
    return float((np.maximum(details - _DETAIL_NOISE * np.median(details), 0) ** 2).sum())


def _light(gray: Map) -> Map:
    """Estimate the light on the paper by a wide median, which needs no polarity of the ink."""
    size = gray.shape[1], gray.shape[0]
    image = Image.fromarray(gray)
    image.thumbnail((_LIGHT_SIDE, _LIGHT_SIDE), Image.Resampling.BOX)
    median = median_filter(np.asarray(image), _LIGHT_MEDIAN)
    return np.asarray(Image.fromarray(median).resize(size, Image.Resampling.BILINEAR))
