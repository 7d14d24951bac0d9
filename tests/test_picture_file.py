"""One way to open a picture: the same file gives the same pixels to the reader and to data sets."""

import io
import os
import re
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import numcnn
from numcnn.data import read_image
from numcnn.handwriting.vision import load_picture
from numcnn.picture_file import FORMATS, PictureError, read_picture

GRAY = np.arange(80, dtype=np.uint8).reshape(8, 10) * 3
COLOR = np.stack([GRAY, GRAY[::-1], 255 - GRAY], axis=-1)


def palette(image: Image.Image) -> Image.Image:
    return image.quantize(256)


def with_alpha(ink: int) -> Image.Image:
    pixels = np.full((8, 10, 4), ink, np.uint8)
    pixels[..., 3] = 0
    pixels[2:4, 2:5, 3] = 255
    return Image.fromarray(pixels)


def bits(*, inverted: bool = False) -> Image.Image:
    return Image.fromarray((GRAY > 120) ^ inverted)


# What a picture is saved as, and the gray or color that it should be read as.
INK = np.full((8, 10), 255, np.uint8)
INK[2:4, 2:5] = 0
KINDS = {
    "gray": (Image.fromarray(GRAY), "PNG", GRAY),
    "color": (Image.fromarray(COLOR), "PNG", COLOR),
    "one bit, PNG": (bits(), "PNG", (GRAY > 120) * np.uint8(255)),
    "one bit, TIFF": (bits(), "TIFF", (GRAY > 120) * np.uint8(255)),
    "one bit, PBM": (bits(), "PPM", (GRAY > 120) * np.uint8(255)),
    "16 bits, PNG": (Image.fromarray(GRAY.astype(np.uint16) * 257), "PNG", GRAY),
    "16 bits, TIFF": (Image.fromarray(GRAY.astype(np.uint16) * 257), "TIFF", GRAY),
    "16 bits, PGM": (Image.fromarray(GRAY.astype(np.uint16) * 257), "PPM", GRAY),
    "16 bits, dark": (Image.fromarray(GRAY.astype(np.uint16)), "PNG", np.rint(GRAY / 257)),
    "floats to 1": (Image.fromarray(GRAY.astype(np.float32) / 255), "TIFF", GRAY),
    "floats to 255": (Image.fromarray(GRAY.astype(np.float32)), "TIFF", GRAY),
    "32 bits": (Image.fromarray(GRAY.astype(np.int32)), "TIFF", GRAY),
    "palette of grays": (palette(Image.fromarray(GRAY)), "PNG", GRAY),
    "palette of colors": (palette(Image.fromarray(COLOR)), "PNG", None),
    "GIF": (Image.fromarray(GRAY), "GIF", GRAY),
    "CMYK": (Image.fromarray(COLOR).convert("CMYK"), "TIFF", COLOR),
    "black ink, transparent": (with_alpha(0), "PNG", np.stack([INK] * 3, axis=-1)),
    "white ink, transparent": (with_alpha(255), "PNG", np.stack([255 - INK] * 3, axis=-1)),
    "gray and opacity": (with_alpha(0).convert("LA"), "PNG", INK),
    "white and opacity": (with_alpha(255).convert("LA"), "PNG", 255 - INK),
    "palette and opacity": (palette(with_alpha(255)), "PNG", 255 - INK),
    "color key": (Image.fromarray(INK // 255), "PNG", None),
}


def saved(image: Image.Image, kind: str, folder: Path, **options: object) -> Path:
    path = folder / "picture"
    image.save(path, kind, **options)
    return path


@pytest.mark.parametrize(("image", "kind", "expected"), KINDS.values(), ids=KINDS)
def test_a_kind_of_pixels_is_read_by_one_rule(tmp_path, image, kind, expected):
    path = saved(image, kind, tmp_path)
    pixels = np.asarray(read_picture(path))
    if expected is not None:
        np.testing.assert_array_equal(pixels, expected)
    np.testing.assert_array_equal(read_image(path).squeeze(), pixels)
    three = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1)
    np.testing.assert_array_equal(load_picture(path).pixels, three)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_which_way_is_up_is_the_same_everywhere(tmp_path, orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(Image.fromarray(COLOR), kind, tmp_path, exif=exif)
    np.testing.assert_array_equal(read_image(path), load_picture(path).pixels)
    assert read_image(path).shape == ((8, 10, 3) if orientation < 5 else (10, 8, 3))


def test_of_an_animation_the_first_picture_is_taken(tmp_path):
    for kind in ("GIF", "TIFF"):
        others = [Image.fromarray(255 - GRAY)]
        path = saved(Image.fromarray(GRAY), kind, tmp_path, save_all=True, append_images=others)
        np.testing.assert_array_equal(read_image(path)[..., 0], GRAY)
        np.testing.assert_array_equal(load_picture(path).pixels[..., 0], GRAY)


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()


def huge() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    size = (9000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    packed = zlib.compress(bytes(1000))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size)
    return start + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


BAD = {
    "nothing": (b"", "empty: 0 bytes"),
    "text": (b"<html>404</html>", "not a picture of a known kind; give a PNG"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture of a known kind"),
    "ICO": (encoded("ICO"), "not a picture of a known kind"),
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(99), "HEIC, AVIF or a film"),
    "half a PNG": (encoded("PNG")[:200], "damaged or truncated"),
    "half a JPEG": (encoded("JPEG")[:300], "damaged or truncated"),
    "a bomb": (huge(), "9000 x 9000 pixels are more than 64 million"),
}


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_refused_alike(tmp_path, content, words):
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        for read in (read_image, load_picture):
            with pytest.raises(ValueError, match=words) as caught:
                read(path)
            assert str(caught.value).startswith(f"{path}: ")
            assert "BytesIO" not in str(caught.value)
            assert "\n" not in str(caught.value)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", [np.nan, np.inf, -1])
def test_floats_that_are_no_brightness_are_refused(tmp_path, value):
    path = saved(Image.fromarray(np.full((9, 9), value, np.float32)), "TIFF", tmp_path)
    with pytest.raises(PictureError, match="values"):
        read_picture(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="not a regular file"):
        read_picture(tmp_path / "pipe.png")


def test_pictures_are_opened_in_one_place_and_in_few_formats():
    """Pillow's own choice of formats includes EPS, for which it starts Ghostscript."""
    package = Path(numcnn.__file__).parent
    opening = re.compile(r"Image\.open\(|imread\(|load_img\(")
    found = [file.name for file in package.rglob("*.py") if opening.search(file.read_text("utf-8"))]
    assert found == ["picture_file.py"]
    assert not {"EPS", "PDF", "PSD", "FLI", "WMF"} & set(FORMATS)
