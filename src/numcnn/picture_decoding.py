"""Decoding pictures: from an opened file to the pixels as they are to be seen.

All of numcnn decodes pictures here, the reader as well as data sets, so that the same file gives
the same pixels everywhere: upright, in 8 bits a channel, on opaque paper.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from numcnn.deadline import check_deadline
from numcnn.picture_error import ErrorsInOneLine, PictureError, one_line
from numcnn.picture_file import (
    MAX_BYTES,
    MAX_PIXELS,
    open_picture,
    picture_content,
    require_pixels,
)

Size = tuple[int, int]
"""Width and height in pixels."""

_BAND_PIXELS = 1_000_000  # that are converted at a time
# What undoes each of EXIF's orientations.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_picture(path: Path) -> Image.Image:
    """Read a picture file as `decode` does.

    Raises:
        PictureError: Whatever is wrong with it, but for a lack of memory.
        MemoryError: It does not fit into the memory.
    """
    with (
        ErrorsInOneLine(one_line(path, 200)),
        open_picture(picture_content(path, MAX_BYTES)) as opened,
    ):
        require_pixels(opened.size, MAX_PIXELS)
        return decode(opened, is_ours=True)[0]


def decode(
    image: Image.Image, resize_to: Callable[[Size], Size] | None = None, *, is_ours: bool = False
) -> tuple[Image.Image, Size]:
    """Decode an opened picture as it is to be seen.

    What the camera noted about which way is up is followed. Of an animation or a file of several
    pages, the first is taken. 16 bits a channel become 8. Transparency is laid onto paper, see
    `on_paper`.

    Args:
        image: A picture, opened or loaded.
        resize_to: Given the size of the original, before it is turned, the size to reduce it to
            while it is decoded; all of it if None.
        is_ours: Whether the picture was opened for this, so that it may be changed.

    Returns:
        The picture, of mode L if it has no colors, else RGB; and the size of the upright original.
    """
    original = image.size
    if resize_to is not None and is_ours and image.format in ("JPEG", "MPO"):
        # JPEG can be decoded at a half, a quarter or an eighth, which saves time and memory.
        image.draft(None, resize_to(original))
        image.load()
    else:
        image.load()
        original = image.size  # Pillow turns TIFF as it is loaded
    mode, turn = image.mode, turn_upright(image)
    if mode.startswith(("I", "F")):
        image = in_eight_bits(image)
    image = _resized(image, original, original if resize_to is None else resize_to(original))
    if turn is not None:
        image = image.transpose(turn)
        if swaps_sides(turn):
            original = original[::-1]
    image = opaque(image)
    if mode in ("LA", "La") or (mode in ("P", "PA") and not _has_colors(image)):
        image = image.convert("L")
    return image, original


def _resized(image: Image.Image, original: tuple[int, int], target: tuple[int, int]) -> Image.Image:
    """Bring a picture to its working size, and to L, RGB, RGBA or CMYK.

    Args:
        image: The picture; a JPEG may be smaller than the original already.
        original: The original's width and height.
        target: Width and height to work on.
    """
    mode = plain_mode(image)
    width, height = image.size
    box: tuple[float, float, float, float] = (0, 0, width, height)
    if mode != image.mode or mode == "RGBA":
        # Converted as a whole, a large picture would be there three times.
        across, down = (max(1, int(a / b / 2)) for a, b in zip(image.size, target, strict=True))
        small = Image.new(mode, (-(-width // across), -(-height // down)))
        for rows in bands(width, height, down):
            part = band(image, rows).convert(mode)
            if (across, down) != (1, 1):
                part = part.reduce((across, down))
            small.paste(part, (0, rows.start // down))
        image, box = small, (0, 0, width / across, height / down)
    if target == original:
        return image
    return image.resize(target, Image.Resampling.BOX, box, reducing_gap=2.0)


def turn_upright(image: Image.Image) -> Image.Transpose | None:
    """Say what makes a loaded picture upright, by what the camera noted; None for nothing.

    Pillow turns TIFF by itself as it loads it, and takes the note away.
    """
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # notes as damaged as can be, in a picture that may be whole
        return None


def swaps_sides(turn: Image.Transpose) -> bool:
    """Whether a turn makes height of width."""
    return turn in (_TURNS[5], _TURNS[6], _TURNS[7], _TURNS[8])


def in_eight_bits(image: Image.Image) -> Image.Image:
    """Bring any mode of Pillow's to L, RGB, RGBA or CMYK.

    Files of 16 bits a channel use the whole range: 65,535 is white. Those of 32 bits and of floats
    do not say what white is; see `eight_bits`.
    """
    if image.mode.startswith(("I", "F")):
        # Of PGM files of more than 8 bits, Pillow makes 0 to 65,535 in mode I.
        is_16_bit = image.mode.startswith("I;16") or image.format == "PPM"
        parts = list(bands(*image.size))

        def values() -> Iterator[NDArray[Any]]:
            for rows in parts:
                part = band(image, rows)
                yield np.asarray(part if part.mode == "F" else part.convert("I"))

        return Image.fromarray(_scaled(image.size[::-1], values, 1 / 257 if is_16_bit else None))
    mode = plain_mode(image)
    return image if mode == image.mode else image.convert(mode)


def plain_mode(image: Image.Image) -> str:
    """Which of L, RGB, RGBA and CMYK holds a picture of 8 bits, with its transparency.

    A palette or a color key may say what is transparent, too.
    """
    if image.has_transparency_data:
        return "RGBA"
    if image.mode in ("L", "RGB", "CMYK"):
        return image.mode
    return "L" if image.mode == "1" else "RGB"


def bands(width: int, height: int, multiple: int = 1) -> Iterator[slice]:
    """Divide a picture's rows, so that converting them takes little memory beside the picture.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        multiple: All bands but the last have a multiple of so many rows.
    """
    step = max(1, _BAND_PIXELS // width // multiple) * multiple
    for top in range(0, height, step):
        check_deadline()
        yield slice(top, min(top + step, height))


def band(image: Image.Image, rows: slice) -> Image.Image:
    """Cut a band out of a picture."""
    return image.crop((0, rows.start, image.size[0], rows.stop))


def eight_bits(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring values of any range to 0..255.

    Booleans are black and white. Floats of at most 1 reach from 0 to 1; other values reach from 0
    to 255, or to the largest value where that is above 255.

    Args:
        array: ``(height, width)`` or ``(height, width, channels)``.

    Raises:
        PictureError: Values are negative or not finite.
    """
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    parts = list(bands(array.shape[1], array.shape[0]))
    return _scaled(array.shape, lambda: (array[rows] for rows in parts))


def _scaled(
    shape: tuple[int, ...],
    values: Callable[[], Iterable[NDArray[Any]]],
    factor: float | None = None,
) -> NDArray[np.uint8]:
    """Bring values of any range to 0..255; see `eight_bits`.

    Args:
        shape: Of all values together.
        values: Gives the picture's rows, some at a time; called twice, for the range comes first.
        factor: What to multiply them by; found by their range if None.
    """
    low, high, is_float = math.inf, -math.inf, False
    for part in values():
        ends = float(part.min()), float(part.max())
        if not (math.isfinite(ends[0]) and math.isfinite(ends[1])):
            raise PictureError("has values that are not finite numbers")
        low, high, is_float = min(low, ends[0]), max(high, ends[1]), part.dtype.kind == "f"
    if low < 0:
        raise PictureError(f"has negative values, down to {low:g}; give values of 0 and more")
    if factor is None:
        factor = 255.0 if is_float and high <= 1 else min(1.0, 255 / max(high, 1e-9))
    scaled = np.empty(shape, np.uint8)
    top = 0
    for part in values():
        wide: NDArray[Any] = part.astype(np.float64 if part.dtype.itemsize > 4 else np.float32)
        np.rint(wide * factor, out=scaled[top : top + len(part)], casting="unsafe")
        top += len(part)
    return scaled


def opaque(image: Image.Image) -> Image.Image:
    """Lay what `in_eight_bits` returns onto paper where it is transparent: mode L or RGB."""
    if image.mode == "RGBA":
        return Image.fromarray(on_paper(np.asarray(image)))
    return image if image.mode == "L" else image.convert("RGB")


def on_paper(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay RGBA ``(height, width, 4)`` onto paper that contrasts with the ink.

    White if what is drawn is dark, black if it is light, so that white drawings on a transparent
    canvas are not lost. A picture that covers most of its canvas has paper of its own, which fills
    the holes.
    """
    opacity = pixels[:, :, 3:].astype(np.float32) / 255
    colors = pixels[:, :, :3]
    share = float(opacity.mean())
    if share == 0:
        paper: Any = 255.0
    elif share > 0.6:
        # More than ink: a picture with its own paper, and holes or rounded corners.
        paper = np.median(colors[opacity[:, :, 0] > 0.5], axis=0)
    else:
        ink = float((colors.mean(axis=2, keepdims=True) * opacity).sum()) / float(opacity.sum())
        paper = 255.0 if ink < 128 else 0.0
    return np.rint(colors * opacity + paper * (1 - opacity)).astype(np.uint8)


def _has_colors(image: Image.Image) -> bool:
    pixels = np.asarray(image)
    return pixels.ndim == 3 and bool((pixels != pixels[..., :1]).any())
