"""Files that would take far more time or memory to decode than their size tells."""

import numpy as np
import pytest
from PIL import Image

from numcnn import picture_decoding, picture_file
from numcnn.handwriting.vision import PictureError, PictureTooLargeError, load_picture
from tests.handwriting.reader.hard_pictures import KINDS, encoded, png

REFUSED = {
    "a_jpeg_of_a_million_comments": "too many small parts",
    "a_png_of_a_million_chunks": "too many small parts",
    "a_jpeg_of_thousands_of_scans": "scans",
    "a_text_file_of_comments": "slow to decode",
    "an_unusual_ppm_file": "slow to decode",
    "a_tiff_file_of_a_million_strips": "1000000 strips",
    "webp_on_64_megapixels": "1024 MB to decode",
}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "reason"), REFUSED.items())
def test_they_are_refused_and_the_message_says_what_to_do(kind, reason):
    with pytest.raises(PictureError, match=f"{reason}.*PNG"):
        load_picture(KINDS[kind]())


def test_a_progressive_jpeg_is_read():
    pixels = np.full((200, 300), 255, np.uint8)
    content = encoded(pixels, "JPEG", progressive=True)
    assert load_picture(content).pixels.shape == (200, 300, 3)


def test_a_progressive_jpeg_of_many_scans_is_refused(monkeypatch):
    content = encoded(np.full((200, 300), 255, np.uint8), "JPEG", progressive=True)
    monkeypatch.setattr(picture_file, "_MOST_SCANS", 3)
    with pytest.raises(PictureError, match=r"a JPEG of \d scans"):
        load_picture(content)


def test_memory_is_bounded_by_the_format(monkeypatch):
    pixels = np.full((200, 300), 255, np.uint8)
    monkeypatch.setattr(picture_file, "_MOST_DECODING", 100_000)
    assert load_picture(png(pixels)).original_size == (300, 200)
    for content in (encoded(pixels, "WEBP"), encoded(pixels, "JPEG", progressive=True)):
        with pytest.raises(PictureTooLargeError, match="to decode in this format"):
            load_picture(content)


@pytest.mark.parametrize("maximum", [1, 100, 254])
def test_small_files_of_slow_variants_are_read(maximum):
    values = np.arange(40 * 30) % (maximum + 1)
    text = f"P2\n# gray\n30 40\n{maximum}\n" + " ".join(map(str, values))
    data = b"P5\n30 40\n%d\n" % maximum + values.astype(np.uint8).tobytes()
    expected = np.rint(values.reshape(40, 30) / maximum * 255)
    for content in (text.encode(), data):
        np.testing.assert_array_equal(load_picture(content).pixels[..., 0], expected)


# Pillow does not read BigTIFF in the other order.
@pytest.mark.parametrize(("order", "is_big"), [("<", False), (">", False), ("<", True)])
def test_a_tiff_file_of_many_strips_is_refused(order, is_big, monkeypatch):
    pixels = np.full((64, 40), 7, np.dtype(order + "u2"))
    content = encoded(pixels, "TIFF", tiffinfo={278: 1}, big_tiff=is_big)
    assert load_picture(content).original_size == (40, 64)
    monkeypatch.setattr(picture_file, "_MOST_STRIPS", 63)
    with pytest.raises(PictureError, match="64 strips or tiles"):
        load_picture(content)


@pytest.mark.parametrize(
    "content", [b"II*\0", b"MM\0*\0\0\0\x08", b"II+\0" + bytes(12), b"II*\0" + b"\xff" * 8]
)
def test_a_damaged_tiff_file_is_said_to_be_damaged(content):
    with pytest.raises(PictureError, match=r"damaged|not a picture"):
        load_picture(content)


# Large enough that they are converted in several bands, and reduced before they are resized.
SIZE = 1701, 7001


@pytest.mark.parametrize("mode", ["1", "P", "RGBA", "LA", "YCbCr"])
def test_in_bands_a_picture_is_converted_as_it_is_at_once(mode, monkeypatch):
    rows, columns = np.indices(SIZE[::-1]) / 300
    gray = (127 + 120 * np.sin(rows) * np.cos(columns)).astype(np.uint8)
    image = Image.fromarray(gray).convert("RGB" if mode == "YCbCr" else "L").convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray((255 - gray // 2).astype(np.uint8)))
    in_bands = load_picture(image).pixels
    monkeypatch.setattr(picture_decoding, "_BAND_PIXELS", 10**9)
    np.testing.assert_array_equal(in_bands, load_picture(image).pixels)
    expected = load_picture(image.convert("RGBA" if mode in ("RGBA", "LA") else "RGB"))
    # Pillow reduces what has opacity in another order, and rounds once less.
    most = 1 if mode in ("RGBA", "LA") else 0
    assert np.abs(in_bands.astype(int) - expected.pixels).max() <= most


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64, np.int64])
def test_in_bands_values_have_one_scale(dtype):
    array = np.zeros((3000, 700), dtype)
    array[0, 0], array[-1, -1] = 1000, 500
    pixels = load_picture(array, working_size=3000).pixels[..., 0]
    assert (pixels[0, 0], pixels[-1, -1], pixels[5, 5]) == (255, 128, 0)


def test_in_bands_each_value_is_checked():
    array = np.zeros((3000, 700), np.float32)
    array[-1, -1] = np.nan
    with pytest.raises(PictureError, match="not finite"):
        load_picture(array)
    array[-1, -1] = -3
    with pytest.raises(PictureError, match="down to -3"):
        load_picture(array)
