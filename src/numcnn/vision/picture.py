"""The picture: pixels in memory, from whatever a user hands over.

A file, bytes, a Pillow image or an array becomes RGB of a size that is good to work on. Everything
that can be wrong with it ends in one error, `PictureError`, with one line that names the source.
"""

import io
import math
import os
import stat
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image
Box = tuple[int, int, int, int]

MAX_BYTES = 32_000_000
MAX_PIXELS = 64_000_000  # What phones call 50 megapixels may be a little more.
WORKING_SIZE = 1600
MIN_SIDE = 8

# Only these of Pillow's formats: others run programs (EPS) or are no pictures of handwriting. The
# JPEG reader also takes the "multi-picture" files that some phones write.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")
# A narrow strip of digits is not reduced until it cannot be read, but neither kept at any length.
_READABLE_SIDE = 64
_STRIP_PIXELS = 4_000_000
# What undoes each of EXIF's orientations; those that turn by a quarter swap width and height.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPPING = {_TURNS[5], _TURNS[6], _TURNS[7], _TURNS[8]}
# catch_warnings changes the state of the whole process, so one thread at a time.
_opening = threading.Lock()


class PictureError(ValueError):
    """A picture cannot be read; the message is one line that names it and says why."""


@final
class PictureTooLargeError(PictureError):
    """A picture has more bytes or pixels than are allowed."""


@final
class UnknownPictureError(PictureError):
    """Something is no picture, or one of a kind that is not known."""


@final
@dataclass(frozen=True, eq=False)
class Picture:
    """A picture, upright, opaque and of a size to work on.

    Attributes:
        pixels: RGB, uint8 ``(height, width, 3)``.
        name: What to call it in a message.
        original_size: Width and height of the upright original.
    """

    pixels: NDArray[np.uint8]
    name: str
    original_size: tuple[int, int]

    def to_original(self, box: Box) -> Box:
        """Turn a box ``(x, y, width, height)`` on ``pixels`` into one on the original.

        It covers at least the same area, is at least one pixel large, and lies in the original.
        """
        height, width = self.pixels.shape[:2]
        across, down = self.original_size[0] / width, self.original_size[1] / height
        left, top = math.floor(box[0] * across), math.floor(box[1] * down)
        right = min(self.original_size[0], math.ceil((box[0] + box[2]) * across))
        bottom = min(self.original_size[1], math.ceil((box[1] + box[3]) * down))
        return left, top, max(1, right - left), max(1, bottom - top)

    def to_working(self, box: Box) -> Box:
        """Turn a box ``(x, y, width, height)`` on the original into one on ``pixels``."""
        height, width = self.pixels.shape[:2]
        across, down = width / self.original_size[0], height / self.original_size[1]
        left, top = math.floor(box[0] * across), math.floor(box[1] * down)
        right = min(width, math.ceil((box[0] + box[2]) * across))
        bottom = min(height, math.ceil((box[1] + box[3]) * down))
        return left, top, max(1, right - left), max(1, bottom - top)


def load_picture(
    source: Source | NDArray[Any],
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    working_size: int = WORKING_SIZE,
) -> Picture:
    """Load a picture of handwriting.

    Phones note in a photograph which way is up; that is followed. A transparent canvas is laid
    onto white if what is drawn on it is dark, onto black if it is light. Of an animation or a file
    of several pages, the first is taken. Large pictures are reduced while they are read.

    Args:
        source: A path; the content of a file as bytes or as an open binary file; a Pillow image;
            or an array ``(height, width)``, or ``(height, width, channels)`` of 1 (gray), 2 (gray
            and opacity), 3 (RGB) or 4 (RGBA) channels: booleans, integers, or floats. Floats of
            at most 1 reach from 0 to 1; other values reach from 0 to 255, or to the largest value
            where that is above 255. Files: PNG, JPEG, WebP, BMP, GIF, TIFF and PPM.
        max_bytes: The largest file to read.
        max_pixels: The largest picture to decode; a larger one is refused by its header.
        working_size: The longest side of the result, unless a long strip would become too narrow.

    Raises:
        PictureError: Whatever is wrong: there is no such file, it is too large, not a picture,
            damaged, of an unknown kind, or less than 8 pixels wide or high. Nothing else is
            raised but ``MemoryError`` and what stops a program.
    """
    name = "picture"
    try:
        name = _name(source)
        if isinstance(source, np.ndarray):
            return _from_array(source, name, max_pixels, working_size)
        if isinstance(source, Image.Image):
            return _from_image(source, name, max_pixels, working_size)
        content = _content(source, max_bytes)
        with _open(content) as image:
            return _from_image(image, name, max_pixels, working_size, is_ours=True)
    except PictureError as error:
        raise type(error)(f"{name}: {error}") from error.__cause__
    except MemoryError:
        raise
    # Damaged files make Pillow raise errors of many kinds: SyntaxError, struct.error, EOFError...
    except Exception as error:
        raise PictureError(f"{name}: damaged or truncated ({_one_line(error)})") from error


def _name(source: object) -> str:
    if isinstance(source, (str, os.PathLike)):
        return _one_line(os.fspath(source), 200)
    if isinstance(source, Image.Image):
        return _one_line(getattr(source, "filename", "") or "image", 200)
    if isinstance(source, np.ndarray):
        return "array"
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "bytes"
    name = getattr(source, "name", None)
    return _one_line(name, 200) if isinstance(name, str) and name else "file"


def _content(source: object, max_bytes: int) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source) if memoryview(source).nbytes <= max_bytes else None
    elif isinstance(source, (str, os.PathLike)):
        content = _file_content(Path(os.fspath(source)), max_bytes)
    elif callable(read := getattr(source, "read", None)):
        try:
            content = read(max_bytes + 1)
        except Exception as error:
            raise PictureError(f"cannot be read ({_one_line(error)})") from error
        if not isinstance(content, bytes):
            raise PictureError("gives text, not bytes; open the file in binary mode")
    else:
        raise PictureError(
            f"a {type(source).__name__} is no picture; give a path, bytes, a binary file, a Pillow "
            "image or an array"
        )
    if content is None or len(content) > max_bytes:
        raise PictureTooLargeError(
            f"larger than {max_bytes / 1e6:g} MB; make it smaller, or raise max_bytes"
        )
    if not content:
        raise PictureError("empty: 0 bytes")
    return content


def _file_content(path: Path, max_bytes: int) -> bytes | None:
    """Read a file, or return None if it is too large."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PictureError("a folder; give a picture file")
        # A pipe would wait for a writer, and a device may never end.
        if not stat.S_ISREG(status.st_mode):
            raise PictureError("not a regular file; give a picture file")
        if status.st_size > max_bytes:
            return None
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise PictureError("no such file") from error
    except PictureError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"cannot be read ({_one_line(reason)})") from error


def _open(content: bytes) -> Image.Image:
    try:
        # Pillow warns of large pictures; here a limit refuses them. Opening reads the header only.
        with _opening, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(content), formats=_FORMATS)
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


def _from_array(array: NDArray[Any], name: str, max_pixels: int, working_size: int) -> Picture:
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4):
        raise PictureError(
            f"has shape {array.shape}; give (height, width) or (height, width, 1 to 4)"
        )
    if array.dtype.kind not in "buif":
        raise PictureError(f"has type {array.dtype}; give booleans, integers or floats")
    _check_size((array.shape[1], array.shape[0]), max_pixels)
    channels = _eight_bits(array)
    if channels.ndim == 3:
        channels = channels[:, :, 0] if channels.shape[2] == 1 else channels
    image = Image.fromarray(np.ascontiguousarray(channels))
    return _from_image(image, name, max_pixels, working_size)


def _eight_bits(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring values of any range to 0..255; see `load_picture`."""
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


def _from_image(
    image: Image.Image, name: str, max_pixels: int, working_size: int, *, is_ours: bool = False
) -> Picture:
    _check_size(image.size, max_pixels)
    original = image.size
    if is_ours and image.format in ("JPEG", "MPO"):
        # JPEG can be decoded at a half, a quarter or an eighth, which saves time and memory.
        image.draft(None, _working_size(original, working_size))
        image.load()
    else:
        image.load()
        original = image.size  # Pillow turns TIFF as it is loaded
    turn = _turn(image)
    target = _working_size(original, working_size)
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    elif image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        # With its transparency, in whatever way a palette or a color key says it.
        opaque = "RGB" if image.mode != "1" else "L"
        image = image.convert("RGBA" if image.has_transparency_data else opaque)
    elif image.has_transparency_data and image.mode in ("L", "RGB"):
        image = image.convert("RGBA")
    if target != original:
        image = image.resize(target, Image.Resampling.BOX, reducing_gap=2.0)
    if turn is not None:
        image = image.transpose(turn)
        if turn in _SWAPPING:
            original = original[::-1]
    if image.mode in ("LA", "RGBA"):
        pixels = _on_paper(np.asarray(image.convert("RGBA")))
    else:
        pixels = np.array(image.convert("RGB"))
    return Picture(pixels, name, original)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return what makes a picture upright, by what the camera noted."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # notes as damaged as can be, in a picture that may be whole
        return None


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PictureTooLargeError(
            f"{width} x {height} pixels are more than {max_pixels / 1e6:g} million; make it "
            "smaller, or raise max_pixels"
        )
    if min(size) < MIN_SIDE:
        raise PictureError(
            f"{width} x {height} pixels are too few; give at least {MIN_SIDE} a side"
        )


def _working_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    width, height = size
    strip = min(_READABLE_SIDE / min(size), math.sqrt(_STRIP_PIXELS / (width * height)))
    scale = min(1.0, max(longest / max(size), strip))
    return max(MIN_SIDE, round(width * scale)), max(MIN_SIDE, round(height * scale))


def _on_paper(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay RGBA ``(height, width, 4)`` onto paper that contrasts with the ink."""
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


def _one_line(text: object, length: int = 100) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= length else line[: length - 3] + "..."
