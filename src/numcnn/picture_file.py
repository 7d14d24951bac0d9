"""Picture files: which formats are opened, and how large they may be.

All of numcnn opens pictures here, and decodes them in `numcnn.picture_decoding`. Files come from
strangers: only the formats in `FORMATS` are ever tried, since Pillow runs another program for some
others (Ghostscript for EPS), whatever the file is called, and what would take far more time or
memory than its size tells is refused.
"""

import io
import stat
import struct
import threading
import warnings
from pathlib import Path
from typing import final

from PIL import Image, UnidentifiedImageError

from numcnn.deadline import check_deadline
from numcnn.picture_error import (
    PictureError,
    PictureTooLargeError,
    UnknownPictureError,
    one_line,
)

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
# catch_warnings changes the state of the whole process, so one thread at a time.
_opening = threading.Lock()


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
