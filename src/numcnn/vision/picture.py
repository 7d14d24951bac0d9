"""The picture: pixels in memory, from whatever a user hands over.

A file, bytes, a Pillow image or an array becomes RGB of a size that is good to work on. Everything
that can be wrong with it ends in one error, `PictureError`, with one line that names the source.
"""

import io
import math
import os
import stat
import struct
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from numcnn.vision.deadline import DeadlineExceeded, check_deadline

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
# What two decoders need beside the pixels: that of WebP keeps two pictures with opacity and gives
# two more, that of a progressive JPEG keeps two bytes for each value.
_MOST_DECODING = 340_000_000  # bytes: 21 million pixels of WebP, 56 million of progressive JPEG
_WEBP_BYTES, _PROGRESSIVE_BYTES = 16, 2  # for a pixel; for a pixel's value
# Pillow reads headers, and decodes some formats, in Python, a few bytes at a time.
_MOST_READS = 100_000  # of a file, while its header or its pixels are read; photographs: 1,000
_PYTHON_DECODERS = {"bmp_rle", "ppm", "ppm_plain"}
_MOST_BYTES_IN_PYTHON = 4_000_000  # of a file for those: up to 2 s
_MOST_COMMENTS = 1000  # in a PPM file that is text; each moves all that comes after it
_MOST_STRIPS = 30_000  # and tiles of a TIFF: rows of a scan, each alone
_MOST_SCANS = 100  # of a progressive JPEG: each goes over the whole picture; usual are 10
_BAND_PIXELS = 1_000_000  # that are converted at a time
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
            _check_effort(image, content)
            return _from_image(image, name, max_pixels, working_size, is_ours=True)
    except PictureError as error:
        raise type(error)(f"{name}: {error}") from error.__cause__
    except (MemoryError, DeadlineExceeded):
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
    _check_strips(content)
    try:
        # Pillow warns of large pictures; here a limit refuses them. Opening reads the header only.
        with _opening, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(_File(content), formats=_FORMATS)
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


@final
class _File(io.BytesIO):
    """A file in memory that is read only so many times, and not past the deadline."""

    reads_left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        check_deadline()
        self.reads_left -= 1
        if self.reads_left < 0:
            raise PictureError("made of too many small parts; save it anew as PNG")
        return super().read(size)


def _check_strips(content: bytes) -> None:
    """Refuse a TIFF file of very many strips or tiles before Pillow makes a list of them."""
    # TIFF 6.0, and BigTIFF with 8 bytes where TIFF has 4 (for the number of tags: 2).
    if content[:4] in (b"II*\0", b"MM\0*"):
        place, offset, number, entry = 4, "I", "H", "HHII"
    elif content[:4] in (b"II+\0", b"MM\0+"):
        place, offset, number, entry = 8, "Q", "Q", "HHQQ"
    else:
        return
    order = "<" if content[:1] == b"I" else ">"
    (start,) = struct.unpack_from(order + offset, content, place)
    (count,) = struct.unpack_from(order + number, content, start)
    start += struct.calcsize(number)
    entries = struct.Struct(order + entry)
    for place in range(start, start + min(count, 1000) * entries.size, entries.size):
        tag, _, values, _ = entries.unpack_from(content, place)
        if tag in (273, 324) and values > _MOST_STRIPS:  # StripOffsets, TileOffsets
            raise PictureError(f"{values} strips or tiles; save it anew as PNG")


def _check_effort(image: Image.Image, content: bytes) -> None:
    """Refuse a file that takes much more time or memory to decode than its size tells."""
    pixels, decoding = image.size[0] * image.size[1], 0
    if image.format == "WEBP":
        decoding = _WEBP_BYTES * pixels
    elif image.format in ("JPEG", "MPO") and image.info.get("progressive"):
        decoding = _PROGRESSIVE_BYTES * len(image.getbands()) * pixels
        if (scans := content.count(b"\xff\xda")) > _MOST_SCANS:
            raise PictureError(f"a JPEG of {scans} scans; save it anew as PNG")
    if decoding > _MOST_DECODING:
        raise PictureTooLargeError(
            f"{image.size[0]} x {image.size[1]} pixels take {decoding / 1e6:.0f} MB to decode in "
            "this format; make it smaller, or save it as PNG"
        )
    decoders = {tile[0] for tile in getattr(image, "tile", [])}
    if decoders & _PYTHON_DECODERS:
        comments = content.count(b"#") if "ppm_plain" in decoders else 0
        if len(content) > _MOST_BYTES_IN_PYTHON or comments > _MOST_COMMENTS:
            raise PictureTooLargeError(
                f"{len(content) / 1e6:.1f} MB of a variant of {image.format} that is slow to "
                "decode; save it as PNG"
            )
        file = getattr(image, "fp", None)
        if isinstance(file, _File):
            file.reads_left = len(content)


def _from_array(array: NDArray[Any], name: str, max_pixels: int, working_size: int) -> Picture:
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4):
        raise PictureError(
            f"has shape {array.shape}; give (height, width) or (height, width, 1 to 4)"
        )
    if array.dtype.kind not in "buif":
        raise PictureError(f"has type {array.dtype}; give booleans, integers or floats")
    _check_size((array.shape[1], array.shape[0]), max_pixels)
    channels: NDArray[Any] = array
    if array.dtype == np.bool_:
        channels = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype != np.uint8:
        rows = list(_bands(array.shape[1], array.shape[0]))
        channels = _eight_bits(array.shape, lambda: (array[band] for band in rows))
    if channels.ndim == 3:
        channels = channels[:, :, 0] if channels.shape[2] == 1 else channels
    image = Image.fromarray(np.ascontiguousarray(channels))
    return _from_image(image, name, max_pixels, working_size)


def _bands(width: int, height: int, multiple: int = 1) -> Iterator[slice]:
    """Divide a picture's rows, so that converting them takes little memory beside the picture."""
    step = max(1, _BAND_PIXELS // width // multiple) * multiple
    for top in range(0, height, step):
        check_deadline()
        yield slice(top, min(top + step, height))


def _eight_bits(
    shape: tuple[int, ...], bands: Callable[[], Iterable[NDArray[Any]]]
) -> NDArray[np.uint8]:
    """Bring values of any range to 0..255; see `load_picture`.

    Args:
        shape: Of all bands together.
        bands: Gives the picture's rows, some at a time; called twice, for the range comes first.
    """
    low, high, is_float = math.inf, -math.inf, False
    for band in bands():
        ends = float(band.min()), float(band.max())
        if not (math.isfinite(ends[0]) and math.isfinite(ends[1])):
            raise PictureError("has values that are not finite numbers")
        low, high, is_float = min(low, ends[0]), max(high, ends[1]), band.dtype.kind == "f"
    if low < 0:
        raise PictureError(f"has negative values, down to {low:g}; give values of 0 and more")
    factor = 1.0
    if is_float and high <= 1:
        factor = 255.0
    elif high > 255:
        factor = 255 / high
    scaled = np.empty(shape, np.uint8)
    top = 0
    for band in bands():
        values: NDArray[Any] = band.astype(np.float64 if band.dtype.itemsize > 4 else np.float32)
        np.rint(values * factor, out=scaled[top : top + len(band)], casting="unsafe")
        top += len(band)
    return scaled


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
        whole, rows = image, list(_bands(*image.size))
        image = Image.fromarray(
            _eight_bits(whole.size[::-1], lambda: (np.asarray(_band(whole, at)) for at in rows))
        )
    image = _resized(image, original, target)
    if turn is not None:
        image = image.transpose(turn)
        if turn in _SWAPPING:
            original = original[::-1]
    if image.mode in ("LA", "RGBA"):
        pixels = _on_paper(np.asarray(image.convert("RGBA")))
    else:
        pixels = np.array(image.convert("RGB"))
    return Picture(pixels, name, original)


def _band(image: Image.Image, rows: slice) -> Image.Image:
    return image.crop((0, rows.start, image.size[0], rows.stop))


def _resized(image: Image.Image, original: tuple[int, int], target: tuple[int, int]) -> Image.Image:
    """Bring a picture to its working size, and to L, RGB, RGBA or CMYK.

    Args:
        image: The picture; a JPEG may be smaller than the original already.
        original: The original's width and height.
        target: Width and height to work on.
    """
    mode = image.mode
    if image.has_transparency_data:
        # With its transparency, in whatever way a palette or a color key says it.
        mode = "RGBA"
    elif mode not in ("L", "RGB", "CMYK"):
        mode = "L" if mode == "1" else "RGB"
    width, height = image.size
    box: tuple[float, float, float, float] = (0, 0, width, height)
    if mode != image.mode or mode == "RGBA":
        # Converted as a whole, a large picture would be there three times.
        across, down = (max(1, int(a / b / 2)) for a, b in zip(image.size, target, strict=True))
        small = Image.new(mode, (-(-width // across), -(-height // down)))
        for rows in _bands(width, height, down):
            band = _band(image, rows).convert(mode)
            if (across, down) != (1, 1):
                band = band.reduce((across, down))
            small.paste(band, (0, rows.start // down))
        image, box = small, (0, 0, width / across, height / down)
    if target == original:
        return image
    return image.resize(target, Image.Resampling.BOX, box, reducing_gap=2.0)


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
    width, height = max(MIN_SIDE, round(width * scale)), max(MIN_SIDE, round(height * scale))
    most = _STRIP_PIXELS // min(width, height)  # a hair would be larger, since it is not narrowed
    return min(width, most), min(height, most)


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
