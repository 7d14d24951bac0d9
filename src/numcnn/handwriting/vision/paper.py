"""The sheet: what is written on, where a photograph also shows what it lies on.

The border between paper and desk is a sharp step; light and shadows on paper change gently. So the
picture without its strokes is divided along sharp steps. What is not the largest part, touches the
picture's border and differs enough, is the desk.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from numcnn.handwriting.vision.window import grey_closing, grey_opening, median_filter

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_SIDE = 160  # pixels along the longest side, in which the sheet is looked for
_SMALLEST = 100  # pixels; a smaller picture is a drawing or a clipping
_STROKE = 0.075  # of the longest side: what is narrower may be a stroke
_STEP = 0.13  # logarithm of a ratio of light, from one pixel to the next
_DIFFERENT = 0.35, 0.16  # logarithms: light, and color
_PLAIN = 0.5  # of a drawing's pixels: those of one color
_LEAST_AREA, _MOST_AREA = 0.004, 0.6  # of the picture: a part of the desk, all of it


def find_paper(pixels: Pixels) -> Mask | None:
    """Find the sheet of paper in a photograph.

    Args:
        pixels: RGB, uint8 ``(height, width, 3)``.

    Returns:
        Where it is, ``(height, width)``; None if nothing else is seen.
    """
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if min(height, width) < _SMALLEST:
        return None
    size = max(8, round(width * _SIDE / longest)), max(8, round(height * _SIDE / longest))
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
    if _is_drawn(small):
        return None
    light = np.log(_without_strokes(small).astype(np.float32) + 8)
    steps = np.zeros(light.shape[:2], np.float32)
    for axis in (0, 1):
        away = np.abs(np.diff(light, axis=axis)).max(axis=2)
        before, after = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
        before[axis], after[axis] = (1, 0), (0, 1)
        steps = np.maximum(steps, np.maximum(np.pad(away, before), np.pad(away, after)))
    labels, count = ndimage.label(steps < _STEP)
    if count < 2:
        return None
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    sheet = int(areas.argmax())
    border = np.zeros(count + 1, bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        border[edge] = True
    own = np.median(light[labels == sheet], axis=0)
    desk = np.zeros(labels.shape, bool)
    for label in range(1, count + 1):
        if label == sheet or not border[label] or areas[label] < _LEAST_AREA * labels.size:
            continue
        part = labels == label
        # Against what lies next to it: far away, the light may be another one.
        near = (ndimage.binary_dilation(part, iterations=8)) & (labels == sheet)
        beside = np.median(light[near], axis=0) if near.any() else own
        difference = np.median(light[part], axis=0) - beside
        color = float(np.ptp(difference))
        if abs(float(difference.mean())) > _DIFFERENT[0] or color > _DIFFERENT[1]:
            desk |= part
    if not 0 < desk.mean() < _MOST_AREA:
        return None
    # The edge itself, and the small parts between desk and edge.
    beyond = ndimage.binary_dilation(desk, np.ones((3, 3), bool), iterations=3)
    whole = Image.fromarray(beyond.astype(np.uint8) * 255).resize((width, height))
    found: Mask = np.asarray(whole) < 128
    return found


def _is_drawn(small: Pixels) -> bool:
    """Tell whether most of a picture has one color: then no camera saw it, and a desk even less."""
    colors = small.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1])
    return bool(np.unique(colors, return_counts=True)[1].max() > _PLAIN * colors.size)


def _without_strokes(small: Pixels) -> Pixels:
    """Take out what is narrow, dark or light.

    A strip of the desk along the picture's border is narrow, too; but beyond the border it goes on.
    """
    window = round(_STROKE * _SIDE) | 1
    padded = np.pad(small, ((window, window), (window, window), (0, 0)), mode="edge")
    closed = grey_closing(padded, (window, window, 1))
    opened = grey_opening(closed, (window, window, 1))
    plain: Pixels = opened[window:-window, window:-window]
    return plain


def without_desk(pixels: Pixels, sheet: Mask) -> Pixels:
    """Continue the sheet to the picture's border: each pixel as the nearest one on the sheet.

    Args:
        pixels: RGB, uint8 ``(height, width, 3)``.
        sheet: Where the sheet is, ``(height, width)``.
    """
    step = max(1, max(sheet.shape) // 400)
    nearest = ndimage.distance_transform_edt(
        ~sheet[::step, ::step], return_distances=False, return_indices=True
    )
    small = median_filter(pixels[::step, ::step], (7, 7, 1))[nearest[0], nearest[1]]
    size = sheet.shape[1], sheet.shape[0]
    paper = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BILINEAR))
    return np.where(sheet[:, :, np.newaxis], pixels, paper)
