"""The frame in which a network is shown a whole line of writing."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 32, 192
"""Of the frame, in pixels."""

_PAPER, _CONTRAST = 96.0, 40.0
_LEAST_SPREAD = 4.0
"""Gray values; a standard deviation below that is noise on blank paper, and stays weak."""


def line_frame(gray: NDArray[np.floating]) -> tuple[NDArray[np.uint8], float]:
    """Bring a line into the frame: scaled to its height, at its left edge, ink bright.

    Ink is what differs from the paper to the side of which fewer pixels lie, so a light line on a
    dark ground comes out as a dark one on a light ground does. The paper has the value 96, and 40
    are one standard deviation of the line's gray values.

    Args:
        gray: ``(height, width)``, from 0 to 255.

    Returns:
        uint8 ``(32, 192)``, and the frame's pixels for each of the line's across.
    """
    height, width = gray.shape
    new = min(WIDTH, max(4, round(width * HEIGHT / height)))
    image = Image.fromarray(np.ascontiguousarray(gray, np.float32))
    line = np.asarray(image.resize((new, HEIGHT), Image.Resampling.BOX), np.float32)
    paper = float(np.median(line))
    away = paper - line
    if np.mean(np.clip(away, -100, 100) ** 3) < 0:
        away = -away
    spread = max(float(line.std()), _LEAST_SPREAD)
    frame = np.full((HEIGHT, WIDTH), _PAPER, np.float32)
    frame[:, :new] += _CONTRAST * away / spread
    return np.clip(np.rint(frame), 0, 255).astype(np.uint8), new / width
