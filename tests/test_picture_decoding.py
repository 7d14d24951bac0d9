"""One way to decode a picture: the same file gives the same pixels to reader and data sets."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from numcnn.data import read_image
from numcnn.handwriting.vision import load_picture
from numcnn.picture_decoding import read_picture
from numcnn.picture_error import PictureError

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


@pytest.mark.parametrize("value", [np.nan, np.inf, -1])
def test_floats_that_are_no_brightness_are_refused(tmp_path, value):
    path = saved(Image.fromarray(np.full((9, 9), value, np.float32)), "TIFF", tmp_path)
    with pytest.raises(PictureError, match="values"):
        read_picture(path)
