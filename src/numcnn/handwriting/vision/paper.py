"""Find the sheet of paper in a photograph that also shows what the paper lies on.

The border between paper and desk is a sharp step in brightness or color, while light and shadows on
the paper change gradually. So strokes are removed from the picture, and it is segmented along its
sharp steps. A segment is desk if it is not the largest one, touches the picture's border and
differs enough from the paper beside it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from numcnn.handwriting.vision.window import (
    EIGHT_NEIGHBORS,
    grey_closing,
    grey_opening,
    median_filter,
)

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

# All set by hand; see tests/handwriting/vision/test_paper.py and the pictures with a desk in
# numcnn.handwriting.evaluation.
_SMALLEST_PICTURE: Final = 100  # pixels, shorter side: a smaller one is a drawing or a clipping
_SIDE: Final = 160  # pixels, longest side of the reduced picture in which the paper is looked for
_LEAST_SIDE: Final = 8  # pixels, shorter side of the reduced picture: a strip keeps some rows
# Share of the reduced picture's pixels: if more have one and the same color, it is drawn and not
# photographed.
_MOST_OF_ONE_COLOR: Final = 0.5
_STROKE: Final = 0.075  # share of the longest side: what is narrower may be a stroke
# Gray levels of 255, added before the logarithm: in the dark, noise is no sharp step.
_DARK_OFFSET: Final = 8
_SHARP_STEP: Final = 0.13  # natural logarithm of the ratio of two neighboring pixels' brightness
_SMALLEST_DESK: Final = 0.004  # share of the picture: smaller segments are no desk
_LARGEST_DESK: Final = 0.6  # share of the picture: if there seems to be more desk, there is none
# Pixels of the reduced picture: paper as near to a segment is what the segment is compared with.
_NEAR: Final = 8
_DIFFERENT_LIGHT: Final = 0.35  # natural logarithm of a ratio of brightness
_DIFFERENT_COLOR: Final = 0.16  # the same logarithm's range over the three channels
# Pixels of the reduced picture by which the desk is dilated: its edge, and the small segments
# between desk and edge.
_EDGE: Final = 3
_FILL_SIDE: Final = 400  # pixels, longest side at which the paper is extended over the desk
_FILL_MEDIAN: Final = 7  # pixels, the median filter's side there: strokes are not extended


def find_paper(pixels: Pixels) -> Mask | None:
    """Find the sheet of paper in a photograph.

    Args:
        pixels: RGB, uint8 ``(height, width, 3)``.

    Returns:
        The paper mask, bool ``(height, width)``: True where there is paper. None if nothing but
        paper is seen.
    """
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if min(height, width) < _SMALLEST_PICTURE:
        return None
    size = (
        max(_LEAST_SIDE, round(width * _SIDE / longest)),
        max(_LEAST_SIDE, round(height * _SIDE / longest)),
    )
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
    if _is_drawn(small):
        return None
    light = np.log(_without_strokes(small).astype(np.float32) + _DARK_OFFSET)
    labels, count = ndimage.label(_largest_steps(light) < _SHARP_STEP)
    if count < 2:
        return None
    desk = _find_desk(light, labels, count)
    if not 0 < desk.mean() < _LARGEST_DESK:
        return None
    not_paper = ndimage.binary_dilation(desk, EIGHT_NEIGHBORS, iterations=_EDGE)
    whole = Image.fromarray(not_paper.astype(np.uint8) * 255).resize((width, height))
    found: Mask = np.asarray(whole) < 128
    return found


def _largest_steps(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each pixel's largest absolute difference to its 4 neighbors, over all channels.

    Args:
        light: Logarithms of brightness, ``(height, width, 3)``.

    Returns:
        float32 ``(height, width)``.
    """
    steps = np.zeros(light.shape[:2], np.float32)
    for axis in (0, 1):
        differences = np.abs(np.diff(light, axis=axis)).max(axis=2)
        before, after = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
        before[axis], after[axis] = (1, 0), (0, 1)
        both = np.maximum(np.pad(differences, before), np.pad(differences, after))
        steps = np.maximum(steps, both)
    return steps


def _find_desk(light: NDArray[np.float32], labels: NDArray[np.int32], count: int) -> Mask:
    """Return the segments that are desk, ``(height, width)``.

    Args:
        light: Logarithms of brightness, ``(height, width, 3)``.
        labels: Each pixel's segment, ``(height, width)``; 0 on sharp steps.
        count: How many segments there are.
    """
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    paper = int(areas.argmax())
    at_border = np.zeros(count + 1, bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        at_border[edge] = True
    paper_light = np.median(light[labels == paper], axis=0)
    desk = np.zeros(labels.shape, bool)
    for label in range(1, count + 1):
        if label == paper or not at_border[label] or areas[label] < _SMALLEST_DESK * labels.size:
            continue
        segment = labels == label
        # Compared with the paper beside it: farther away, the light may differ.
        near = ndimage.binary_dilation(segment, iterations=_NEAR) & (labels == paper)
        beside = np.median(light[near], axis=0) if near.any() else paper_light
        difference = np.median(light[segment], axis=0) - beside
        color = float(np.ptp(difference))
        if abs(float(difference.mean())) > _DIFFERENT_LIGHT or color > _DIFFERENT_COLOR:
            desk |= segment
    return desk


def _is_drawn(small: Pixels) -> bool:
    """Tell whether most of a picture has one color: it is drawn then, and shows no desk."""
    colors = small.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1])
    return bool(np.unique(colors, return_counts=True)[1].max() > _MOST_OF_ONE_COLOR * colors.size)


def _without_strokes(small: Pixels) -> Pixels:
    """Remove what is narrow, dark by a closing and light by an opening.

    The picture is padded with its edge's pixels, so that a narrow strip of desk along its border
    counts as wide.
    """
    window = round(_STROKE * _SIDE) | 1
    padded = np.pad(small, ((window, window), (window, window), (0, 0)), mode="edge")
    closed = grey_closing(padded, (window, window, 1))
    opened = grey_opening(closed, (window, window, 1))
    plain: Pixels = opened[window:-window, window:-window]
    return plain


def extend_paper(pixels: Pixels, paper_mask: Mask) -> Pixels:
    """Replace the desk by paper: each of its pixels gets the color of the nearest one on the paper.

    The nearest pixels are found by a distance transform (A. Rosenfeld and J. L. Pfaltz,
    "Sequential operations in digital picture processing", 1966) of the reduced mask.

    Args:
        pixels: RGB, uint8 ``(height, width, 3)``.
        paper_mask: Where there is paper, bool ``(height, width)``.

    Returns:
        RGB, uint8 ``(height, width, 3)``; unchanged where there is paper.
    """
    step = max(1, max(paper_mask.shape) // _FILL_SIDE)
    nearest = ndimage.distance_transform_edt(
        ~paper_mask[::step, ::step], return_distances=False, return_indices=True
    )
    smooth = median_filter(pixels[::step, ::step], (_FILL_MEDIAN, _FILL_MEDIAN, 1))
    size = paper_mask.shape[1], paper_mask.shape[0]
    small = Image.fromarray(smooth[nearest[0], nearest[1]])
    paper = np.asarray(small.resize(size, Image.Resampling.BILINEAR))
    return np.where(paper_mask[:, :, np.newaxis], pixels, paper)
