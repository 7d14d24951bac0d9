"""Load a picture from a file, bytes, a Pillow image or an array.

It becomes RGB and is reduced to a size that the rest of the package works on. Whatever is wrong
with it is raised as one error, `PictureError`, whose message is one line that names the source.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from numcnn.picture_decoding import decode, eight_bits
from numcnn.picture_error import ErrorsInOneLine, PictureError, one_line
from numcnn.picture_file import (
    MAX_PIXELS,
    open_picture,
    picture_content,
    require_bytes,
    require_pixels,
)

Box = tuple[int, int, int, int]

# All set by hand; see tests/handwriting/vision/test_picture.py and test_picture_effort.py.

MAX_BYTES: Final = 32_000_000
"""The size of the largest file that is read, in bytes."""

WORKING_SIZE: Final = 1600
"""The longest side of a working picture, in pixels."""

MIN_SIDE: Final = 8
"""The shortest side of a picture, in pixels."""

SINGLE_DIGIT_SIDE: Final = 64
"""The longest side, in pixels, of a picture that is taken for a single digit that fills it.

Such a picture is hardly a photograph: it is not smoothed, and nothing in it is too small.
"""

# A long strip of digits stays readable, but its area is bounded.
_READABLE_SIDE: Final = 64  # pixels, shorter side to which a strip is reduced at most
_STRIP_PIXELS: Final = 4_000_000  # pixels, width times height of a strip
_NAME_LENGTH: Final = 200  # characters of a picture's name in messages


@final
@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in memory: upright, opaque and reduced to the working size.

    Attributes:
        pixels: RGB, uint8 ``(height, width, 3)``.
        name: What messages call it.
        original_size: Width and height of the upright original, in pixels.
    """

    pixels: NDArray[np.uint8]
    name: str
    original_size: tuple[int, int]

    def to_original(self, box: Box) -> Box:
        """Convert a box ``(x, y, width, height)`` on ``pixels`` into one on the original.

        It covers at least the same area, is at least one pixel wide and high, and lies within the
        original.
        """
        height, width = self.pixels.shape[:2]
        across, down = self.original_size[0] / width, self.original_size[1] / height
        left, top = math.floor(box[0] * across), math.floor(box[1] * down)
        right = min(self.original_size[0], math.ceil((box[0] + box[2]) * across))
        bottom = min(self.original_size[1], math.ceil((box[1] + box[3]) * down))
        return left, top, max(1, right - left), max(1, bottom - top)

    def to_working(self, box: Box) -> Box:
        """Convert a box ``(x, y, width, height)`` on the original into one on ``pixels``."""
        height, width = self.pixels.shape[:2]
        across, down = width / self.original_size[0], height / self.original_size[1]
        left, top = math.floor(box[0] * across), math.floor(box[1] * down)
        right = min(width, math.ceil((box[0] + box[2]) * across))
        bottom = min(height, math.ceil((box[1] + box[3]) * down))
        return left, top, max(1, right - left), max(1, bottom - top)


Source = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image | Picture


def load_picture(
    source: Source | NDArray[Any],
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    working_size: int = WORKING_SIZE,
) -> Picture:
    """Load a picture of handwriting.

    The orientation that a camera notes in the file (EXIF) is applied. A transparent picture is put
    on white if what is drawn on it is dark, on black if it is light. Of an animation or a file of
    several pages, the first is taken. Large pictures are reduced while they are read.

    Args:
        source: A path; the content of a file as bytes or as an open binary file; a Pillow image;
            a picture that is loaded already, which is returned as it is; or an array
            ``(height, width)``, or ``(height, width, channels)`` of 1 (gray), 2 (gray and
            opacity), 3 (RGB) or 4 (RGBA) channels: booleans, integers, or floats. Floats of at
            most 1 reach from 0 to 1; other values reach from 0 to 255, or to the largest value
            where that is above 255. Files: PNG, JPEG, WebP, BMP, GIF, TIFF and PPM.
        max_bytes: The size of the largest file to read, in bytes.
        max_pixels: Width times height of the largest picture to decode; a larger one is refused by
            its header.
        working_size: The longest side of the result in pixels, unless a long strip would become too
            narrow.

    Raises:
        PictureError: Whatever is wrong: there is no such file, it is too large, not a picture,
            damaged, of an unknown kind, or less than 8 pixels wide or high. Nothing else is
            raised but ``MemoryError`` and what stops a program.
    """
    if isinstance(source, Picture):
        return source
    with ErrorsInOneLine("picture"):
        name = _name(source)
    with ErrorsInOneLine(name):
        if isinstance(source, np.ndarray):
            return _from_array(source, name, max_pixels, working_size)
        if isinstance(source, Image.Image):
            return _from_image(source, name, max_pixels, working_size)
        with open_picture(_content(source, max_bytes)) as image:
            return _from_image(image, name, max_pixels, working_size, is_ours=True)


def _name(source: object) -> str:
    if isinstance(source, (str, os.PathLike)):
        return one_line(os.fspath(source), _NAME_LENGTH)
    if isinstance(source, Image.Image):
        return one_line(getattr(source, "filename", "") or "image", _NAME_LENGTH)
    if isinstance(source, np.ndarray):
        return "array"
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "bytes"
    name = getattr(source, "name", None)
    return one_line(name, _NAME_LENGTH) if isinstance(name, str) and name else "file"


def _content(source: object, max_bytes: int) -> bytes:
    if isinstance(source, (str, os.PathLike)):
        return picture_content(Path(os.fspath(source)), max_bytes)
    if isinstance(source, (bytes, bytearray, memoryview)):
        require_bytes(memoryview(source).nbytes, max_bytes)
        return bytes(source)
    if not callable(read := getattr(source, "read", None)):
        raise PictureError(
            f"a {type(source).__name__} is no picture; give a path, bytes, a binary file, a Pillow "
            "image or an array"
        )
    try:
        content = read(max_bytes + 1)
    except Exception as error:
        raise PictureError(f"cannot be read ({one_line(error)})") from error
    if not isinstance(content, bytes):
        raise PictureError("gives text, not bytes; open the file in binary mode")
    require_bytes(len(content), max_bytes)
    return content


def _from_array(array: NDArray[Any], name: str, max_pixels: int, working_size: int) -> Picture:
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4):
        raise PictureError(
            f"has shape {array.shape}; give (height, width) or (height, width, 1 to 4)"
        )
    if array.dtype.kind not in "buif":
        raise PictureError(f"has type {array.dtype}; give booleans, integers or floats")
    _check_size((array.shape[1], array.shape[0]), max_pixels)
    channels = eight_bits(array)
    if channels.ndim == 3:
        channels = channels[:, :, 0] if channels.shape[2] == 1 else channels
    image = Image.fromarray(np.ascontiguousarray(channels))
    return _from_image(image, name, max_pixels, working_size)


def _from_image(
    image: Image.Image, name: str, max_pixels: int, working_size: int, *, is_ours: bool = False
) -> Picture:
    _check_size(image.size, max_pixels)
    decoded, original = decode(
        image, lambda size: _working_size(size, working_size), is_ours=is_ours
    )
    return Picture(np.array(decoded.convert("RGB")), name, original)


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    require_pixels(size, max_pixels)
    if min(size) < MIN_SIDE:
        raise PictureError(
            f"{size[0]} x {size[1]} pixels are too few; give at least {MIN_SIDE} a side"
        )


def _working_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    width, height = size
    strip = min(_READABLE_SIDE / min(size), math.sqrt(_STRIP_PIXELS / (width * height)))
    scale = min(1.0, max(longest / max(size), strip))
    width, height = max(MIN_SIDE, round(width * scale)), max(MIN_SIDE, round(height * scale))
    # The shorter side is at least MIN_SIDE, so a very long strip would still be too large.
    most = _STRIP_PIXELS // min(width, height)
    return min(width, most), min(height, most)
