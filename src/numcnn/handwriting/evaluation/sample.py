"""One generated picture, as a file's content, with what is written in it."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from numcnn.handwriting.vision import Box


@dataclass
class Sample:
    """A picture as a file's content, and what is written in it.

    Attributes:
        content: The file.
        suffix: ``.png`` or ``.jpg``.
        condition: How it was made.
        lines: The digits of each line; none if there is nothing to read.
        boxes: For each digit its box x, y, width, height, in the order of the lines.
    """

    content: bytes
    suffix: str
    condition: str
    lines: list[str]
    boxes: list[Box]


def saved(pixels: np.ndarray, kind: str, **options: int) -> bytes:
    """Return a file's content."""
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, kind, **options)
    return file.getvalue()
