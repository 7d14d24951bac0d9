"""Picture files: which formats are opened, how large they may be, and how their pixels are read.

All of numcnn opens pictures here, the reader as well as data sets, so that the same file gives the
same pixels everywhere: upright, in 8 bits a channel, on opaque paper. Files come from strangers.
Only the formats in `FORMATS` are ever tried, since Pillow runs another program for some others
(Ghostscript for EPS), whatever the file is called.
"""

import io
import math
import stat
import struct
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from numcnn.deadline import DeadlineExceeded, check_deadline

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")
"""The formats that are opened, by Pillow's names. JPEG includes the "multi-picture" files that some
phones write; PPM includes PGM and PBM."""

MAX_PIXELS = 64_000_000
"""The largest picture; what phones call 50 megapixels may be a little more."""

MAX_BYTES = 4 * MAX_PIXELS
"""The largest file: a picture of that size, four channels, not compressed."""

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
        if isinstance(error, Exception) and not isinstance(
            error, PictureError | MemoryError | DeadlineExceeded
        ):
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
    _require_few_strips(content)
    try:
        # Pillow warns of large pictures; here a limit refuses them.
        with _opening, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(_File(content), formats=FORMATS)
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
    _require_little_effort(image, content)
    return image


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


def _require_few_strips(content: bytes) -> None:
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


def _require_little_effort(image: Image.Image, content: bytes) -> None:
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


def one_line(text: object, length: int = 100) -> str:
    """A text for a message: printable, without line breaks, and not too long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= length else line[: length - 3] + "..."
