"""Gray values: a picture that is sent as JSON numbers."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numcnn.handwriting.vision.picture import MIN_SIDE
from numcnn.web.errors import ProblemError
from numcnn.web.settings import Limits


def gray_values(value: Any, limits: Limits) -> NDArray[np.uint8]:
    """Convert parsed JSON into an array.

    Args:
        value: A list of rows of equal length, or one flat list, which is a square picture; whole
            numbers from 0 to 255.
        limits: The largest picture that is accepted.

    Returns:
        The picture, uint8 ``(height, width)``.

    Raises:
        ProblemError: These are no gray values, or they do not make a picture.
    """
    if not isinstance(value, list) or not value:
        raise ProblemError(422, "pixels is no list; give rows of gray values, or one flat list")
    if isinstance(value[0], list):
        width = len(value[0])
        if not all(isinstance(row, list) and len(row) == width for row in value):
            raise ProblemError(422, "pixels has rows of different lengths; make them equal")
        height, flat = len(value), [each for row in value for each in row]
    else:
        height = width = math.isqrt(len(value))
        flat = value
        if height * width != len(flat):
            raise ProblemError(
                422,
                f"pixels has {len(flat)} values, which make no square; give rows, or 784 values "
                "for 28 x 28",
            )
    if min(height, width) < MIN_SIDE:
        raise ProblemError(422, f"{width} x {height} pixels are too few; give at least 8 a side")
    if height * width > limits.max_pixels:
        raise ProblemError(413, f"{width} x {height} pixels are too many")
    number = (int, float)  # 255.0 is accepted: some clients have no other kind of number
    for place, each in enumerate(flat):
        is_number = isinstance(each, number) and not isinstance(each, bool)
        if not is_number or each != each // 1 or not 0 <= each <= 255:
            shown = repr(each) if is_number else f"a {type(each).__name__}"
            raise ProblemError(
                422, f"pixels: value {place} is {shown[:40]}; give whole numbers from 0 to 255"
            )
    return np.array(flat, np.uint8).reshape(height, width)
