"""The sample: a picture as a file's content, and what is written in it."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

Box = tuple[int, int, int, int]


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


def placed(content: bytes, suffix: str, name: str, lines: list[str], boxes: list[Box]) -> Sample:
    """Make a sample whose boxes may come as fractions of pixels."""
    whole = [(round(x), round(y), round(w), round(h)) for x, y, w, h in boxes]
    return Sample(content, suffix, name, lines, whole)
