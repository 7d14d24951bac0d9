"""Picture files: which formats are opened, how large they may be, and how their pixels are read.

All of numcnn opens pictures here, the reader as well as data sets, so that the same file gives the
same pixels everywhere: upright, in 8 bits a channel, on opaque paper. Files come from strangers.
Only the formats in `FORMATS` are ever tried, since Pillow runs another program for some others
(Ghostscript for EPS), whatever the file is called.
"""

import io
import math
import stat
import threading
import warnings
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")
"""The formats that are opened, by Pillow's names. JPEG includes the "multi-picture" files that some
phones write; PPM includes PGM and PBM."""

MAX_PIXELS = 64_000_000
"""The largest picture; what phones call 50 megapixels may be a little more."""

MAX_BYTES = 4 * MAX_PIXELS
"""The largest file: a picture of that size, four channels, not compressed."""

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
# catch_warnings changes the state of the whole process, so one thread at a time.
_opening = threading.Lock()


class PictureError(ValueError):
    """A picture cannot be read; the message is one line that says why."""


@final
class PictureTooLargeError(PictureError):
    """A picture has more bytes or pixels than are allowed."""


@final
class UnknownPictureError(PictureError):
    """Something is no picture, or one of a kind that is not known."""


def read_picture(path: Path) -> Image.Image:
    """Read a picture file as it is to be seen.

    What the camera noted about which way is up is followed. Of an animation or a file of several
    pages, the first is taken. 16 bits a channel become 8. Transparency is laid onto paper, see
    `on_paper`.

    Returns:
        A picture of mode L if the file has no colors, else RGB.

    Raises:
        PictureError: Whatever is wrong with it, but for a lack of memory.
        MemoryError: It does not fit into the memory.
    """
    with ErrorsInOneLine(), open_picture(picture_content(path, MAX_BYTES)) as opened:
        require_pixels(opened.size, MAX_PIXELS)
        opened.load()
        mode, turn = opened.mode, turn_upright(opened)
        image = opaque(in_eight_bits(opened))
        if mode in ("LA", "La") or (mode in ("P", "PA") and not _has_colors(image)):
            image = image.convert("L")
        return image if turn is None else image.transpose(turn)


class ErrorsInOneLine:
    """Within the block, whatever is wrong with a file becomes a `PictureError` of one line.

    Damaged files make Pillow raise errors of many kinds: SyntaxError, struct.error, EOFError...
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, PictureError | MemoryError):
            raise PictureError(f"damaged or truncated ({one_line(error)})") from error


def picture_content(path: Path, max_bytes: int) -> bytes:
    """Read a file that should be a picture.

    Raises:
        PictureError: There is none, it is empty, too large or no regular file, or it cannot be
            opened.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PictureError("a folder; give a picture file")
        # A pipe would wait for a writer, and a device may never end.
        if not stat.S_ISREG(status.st_mode):
            raise PictureError("not a regular file; give a picture file")
        if status.st_size > max_bytes:
            require_bytes(status.st_size, max_bytes)
        with path.open("rb") as file:
            # No more than there is: room for all that is asked for is taken first.
            content = file.read(min(status.st_size, max_bytes) + 1)
    except FileNotFoundError as error:
        raise PictureError("no such file") from error
    except PictureError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"cannot be read ({one_line(reason)})") from error
    require_bytes(len(content), max_bytes)
    return content


def require_bytes(count: int, max_bytes: int) -> None:
    """Refuse what is empty or too large.

    Raises:
        PictureError: It is.
    """
    if count > max_bytes:
        raise PictureTooLargeError(f"larger than {max_bytes / 1e6:g} MB; make it smaller")
    if not count:
        raise PictureError("empty: 0 bytes")


def require_pixels(size: tuple[int, int], max_pixels: int) -> None:
    """Refuse what is too large, by the header, before memory is taken for the pixels.

    Raises:
        PictureError: It is.
    """
    width, height = size
    if width * height > max_pixels:
        raise PictureTooLargeError(
            f"{width} x {height} pixels are more than {max_pixels / 1e6:g} million; make it smaller"
        )


def open_picture(content: bytes) -> Image.Image:
    """Open the content of a picture file. This reads its header only.

    Raises:
        PictureError: It is no picture of a format in `FORMATS`, or far too large.
    """
    try:
        # Pillow warns of large pictures; here a limit refuses them.
        with _opening, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        limit = 2e-6 * (Image.MAX_IMAGE_PIXELS or 0)  # Pillow's own, where it refuses to go on.
        raise PictureTooLargeError(
            f"more than {limit:.0f} million pixels; make it smaller"
        ) from error
    except UnidentifiedImageError as error:
        if content[4:8] == b"ftyp":
            hint = "HEIC, AVIF or a film; save it as JPEG or PNG"
        else:
            hint = "give a PNG, JPEG, WebP, BMP, GIF or TIFF file"
        raise UnknownPictureError(f"not a picture of a known kind; {hint}") from error


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
    """Bring any mode of Pillow's to L, LA, RGB, RGBA or CMYK.

    Files of 16 bits a channel use the whole range: 65,535 is white. Those of 32 bits and of floats
    do not say what white is; see `eight_bits`.
    """
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image if image.mode == "F" else image.convert("I"))
        # Of PGM files of more than 8 bits, Pillow makes 0 to 65,535 in mode I.
        if image.mode.startswith("I;16") or image.format == "PPM":
            return Image.fromarray(np.rint(values.astype(np.float32) / 257).astype(np.uint8))
        return Image.fromarray(eight_bits(values))
    if image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        # With its transparency, in whatever way a palette or a color key says it.
        plain = "RGB" if image.mode != "1" else "L"
        return image.convert("RGBA" if image.has_transparency_data else plain)
    if image.has_transparency_data and image.mode in ("L", "RGB"):
        return image.convert("RGBA")
    return image


def eight_bits(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring values of any range to 0..255.

    Booleans are black and white. Floats of at most 1 reach from 0 to 1; other values reach from 0
    to 255, or to the largest value where that is above 255.

    Raises:
        PictureError: Values are negative or not finite.
    """
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    values: NDArray[Any] = array.astype(np.float64 if array.dtype.itemsize > 4 else np.float32)
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise PictureError("has values that are not finite numbers")
    if low < 0:
        raise PictureError(f"has negative values, down to {low:g}; give values of 0 and more")
    if array.dtype.kind == "f" and high <= 1:
        values = values * 255
    elif high > 255:
        values = values * (255 / high)
    return np.rint(values).astype(np.uint8)


def opaque(image: Image.Image) -> Image.Image:
    """Lay what `in_eight_bits` returns onto paper where it is transparent: mode L or RGB."""
    if image.mode in ("LA", "RGBA"):
        return Image.fromarray(on_paper(np.asarray(image.convert("RGBA"))))
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


def one_line(text: object, length: int = 100) -> str:
    """A text for a message: printable, without line breaks, and not too long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= length else line[: length - 3] + "..."
