import contextlib
import io
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from numcnn.handwriting.vision import PictureError, find_digits, load_picture
from tests.handwriting.vision.strokes import draw, encode, write

SEVEN = draw((60, 40), write("7", 10, 5, 30), 3)
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
FILES = [encode(SEVEN, kind) for kind in FORMATS]


def gray(picture):
    return picture.pixels.mean(axis=2)


@pytest.mark.parametrize("kind", FORMATS)
def test_formats(kind, tmp_path):
    file = tmp_path / "seven"
    file.write_bytes(encode(SEVEN, kind))
    picture = load_picture(file)
    assert picture.pixels.dtype == np.uint8
    assert picture.original_size == (60, 40)
    assert picture.name == str(file)
    assert np.abs(picture.pixels - np.asarray(SEVEN).astype(int)).mean() < 4


def test_sources_agree(tmp_path):
    content = encode(SEVEN)
    (tmp_path / "seven.png").write_bytes(content)
    with (tmp_path / "seven.png").open("rb") as file:
        from_file = load_picture(file)
    sources = [content, bytearray(content), memoryview(content), SEVEN, np.asarray(SEVEN)]
    for picture in [from_file, *map(load_picture, sources)]:
        np.testing.assert_array_equal(picture.pixels, np.asarray(SEVEN))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "HSV"])
def test_modes(mode):
    picture = load_picture(SEVEN.convert(mode))
    assert np.abs(gray(picture) - np.asarray(SEVEN.convert("L")).astype(int)).mean() < 12


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits(kind):
    values = np.asarray(SEVEN.convert("L")).astype(np.uint16) * 257
    picture = load_picture(encode(Image.fromarray(values), kind))
    np.testing.assert_array_equal(picture.pixels[..., 0], values // 257)


@pytest.mark.parametrize(
    "values",
    [
        np.asarray(SEVEN.convert("L")),
        np.asarray(SEVEN.convert("L"))[..., None],
        np.asarray(SEVEN.convert("L")) / 255,
        np.asarray(SEVEN.convert("L")).astype(np.float32),
        np.asarray(SEVEN.convert("L")).astype(np.int64),
        np.asarray(SEVEN.convert("L")).astype(np.uint16) * 257,
        (np.asarray(SEVEN.convert("L")) / 255).astype(np.float16),
    ],
)
def test_arrays(values):
    assert np.abs(gray(load_picture(values)) - np.asarray(SEVEN.convert("L"))).max() <= 1


def test_booleans_are_black_and_white():
    values = np.asarray(SEVEN.convert("L")) > 128
    np.testing.assert_array_equal(gray(load_picture(values)), values * 255)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("working_size", [1600, 30])
def test_orientation(orientation, kind, working_size):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encode(SEVEN, kind, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("L")
    picture = load_picture(content, working_size=working_size)
    assert picture.original_size == upright.size
    size = picture.pixels.shape[1::-1]
    expected = np.asarray(upright.resize(size, Image.Resampling.BOX)).astype(int)
    assert np.abs(gray(picture) - expected).mean() < 5


@pytest.mark.parametrize("ink", [0, 70, 185, 255])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_canvas_gets_the_paper_that_contrasts(ink, mode):
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[..., :3] = ink
    pixels[..., 3] = 255 - np.asarray(SEVEN.convert("L"))
    image = Image.fromarray(pixels).convert("RGBA" if mode == "P" else mode)
    content = encode(image, "GIF") if mode == "P" else encode(image)
    picture = gray(load_picture(content))
    assert abs(picture[0, 0] - ink) > 100
    assert abs(picture[5, 15] - ink) < 30
    assert len(find_digits(content).regions) == 1


def test_holes_in_a_picture_with_paper_become_paper():
    image = SEVEN.convert("RGBA")
    image.paste((0, 0, 0, 0), (50, 30, 60, 40))
    assert load_picture(image).pixels.min(axis=2)[35, 55] == 255


def test_nothing_on_a_transparent_canvas_is_blank():
    assert find_digits(Image.new("RGBA", (60, 60))).regions == ()


def test_a_large_picture_is_reduced_and_boxes_are_the_originals():
    image = draw((2000, 1000), write("7", 1000, 300, 400), 30)
    page = find_digits(encode(image, "JPEG"), working_size=500)
    assert page.picture.pixels.shape == (250, 500, 3)
    (region,) = page.regions
    x, y, width, height = page.box(region)
    np.testing.assert_allclose([x, y, width, height], [985, 285, 230, 430], atol=20)


def test_a_long_strip_stays_high_enough_to_read():
    picture = load_picture(np.full((100, 20_000), 255, np.uint8))
    assert picture.pixels.shape[0] >= 40
    assert picture.pixels[..., 0].size <= 4_100_000


def huge_png(width, height):
    """A file that says that it is huge and holds nothing."""

    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + b"\x08\x02\0\0\0")
    return start + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(30_000, 30_000), (10_000, 9_000), (60_000, 1100)])
def test_a_bomb_is_refused_before_it_takes_memory(size):
    content = huge_png(*size)
    tracemalloc.start()
    try:
        with pytest.raises(PictureError, match=r"^bytes: .*million.* smaller"):
            load_picture(content)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"hello, world\n" * 20, "not a picture"),
        (b"\0\0\0\x18ftypheic" + bytes(200), "HEIC"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (FILES[0][:-30], "truncated"),
        (FILES[1][:300], "truncated"),
        (encode(Image.new("L", (1, 1))), "1 x 1 pixels"),
        (encode(Image.new("L", (1, 10_000))), "1 x 10000 pixels"),
        (huge_png(0, 10), "not a picture|pixels"),
    ],
)
def test_bad_files_are_told_in_one_line(content, reason, tmp_path):
    path = tmp_path / "odd\nname.png"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=reason) as caught:
        load_picture(path)
    assert "\n" not in str(caught.value)
    assert "odd name.png: " in str(caught.value)


def test_bad_paths(tmp_path):
    with pytest.raises(PictureError, match="no such file"):
        load_picture(tmp_path / "none.png")
    with pytest.raises(PictureError, match=": a folder"):
        load_picture(tmp_path)
    with pytest.raises(PictureError, match="null"):
        load_picture("a\0b")
    (tmp_path / "x.png").write_bytes(FILES[0])
    with pytest.raises(PictureError, match="larger than"):
        load_picture(tmp_path / "x.png", max_bytes=50)
    with pytest.raises(PictureError, match="larger than"):
        load_picture(io.BytesIO(FILES[0]), max_bytes=50)


@pytest.mark.parametrize("source", [None, 3, {}, io.StringIO("x"), [1, 2]])
def test_other_sources(source):
    with pytest.raises(PictureError):
        load_picture(source)


def test_a_closed_file():
    file = io.BytesIO(FILES[0])
    file.close()
    with pytest.raises(PictureError, match="cannot be read"):
        load_picture(file)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_files_raise_only_the_documented_error(data):
    content = bytearray(data.draw(st.sampled_from(FILES)))
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.none(), st.integers(0, len(content))))
    with contextlib.suppress(PictureError):
        find_digits(bytes(content[:end]), max_pixels=1_000_000)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_array_gives_a_page_or_the_documented_error(data):
    shape = data.draw(st.lists(st.integers(0, 30), max_size=4))
    kinds = ["?", "u1", "i1", "u2", "i8", "f2", "f4", "f8", "c8", "O", "U3", "M8[s]"]
    kind = data.draw(st.sampled_from(kinds))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    array = rng.normal(size=shape) * data.draw(st.sampled_from([0, 1, 100, 1e4]))
    with np.errstate(all="ignore"):
        array = abs(array).astype(kind) if kind != "M8[s]" else np.zeros(shape, kind)
    try:
        page = find_digits(array)
    except PictureError:
        return
    assert page.images().shape == (len(page.regions), 28, 28)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_arrays_of_odd_values(value):
    with pytest.raises(PictureError, match="values"):
        load_picture(np.full((20, 20), value))
