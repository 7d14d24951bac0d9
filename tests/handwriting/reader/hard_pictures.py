"""Pictures that are small files, and far more work than any handwriting."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

SIDE = 1600
KINDS: dict[str, Callable[[], bytes]] = {}


def kind(make):
    KINDS[make.__name__] = make
    return make


def png(pixels):
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def encoded(pixels, name, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, name, **options)
    return file.getvalue()


def canvas(draw, size=(SIDE, SIDE)):
    image = Image.new("L", size, 255)
    draw(ImageDraw.Draw(image))
    return png(image)


def checkers(side):
    rows, columns = np.indices((SIDE, SIDE)) // side
    return np.where((rows + columns) % 2, 255, 0).astype(np.uint8)


@kind
def checkers_of_a_pixel():
    return png(checkers(1))


@kind
def checkers_of_three_pixels():
    return png(checkers(3))


@kind
def halves():
    def draw(pen):
        for x in range(20, SIDE - 60, 104):
            for y in range(20, SIDE - 100, 155):
                pen.rectangle((x, y, x + 60, y + 45), 0)
                pen.rectangle((x, y + 54, x + 60, y + 100), 0)

    return canvas(draw)


def dots(step, size):
    def draw(pen):
        for x in range(20, SIDE - size, step):
            for y in range(20, SIDE - size, step):
                pen.ellipse((x, y, x + size, y + size), 0)

    return canvas(draw)


@kind
def hundreds_of_dots():
    return dots(89, 60)


@kind
def five_thousand_dots():
    return dots(22, 12)


@kind
def a_page_of_print():
    from PIL import ImageFont

    font = ImageFont.load_default(26)
    rng = np.random.default_rng(0)

    def draw(pen):
        for y in range(20, SIDE - 40, 32):
            pen.text((20, y), "".join(rng.choice(list("0123456789 abcdefg"), 100)), 0, font)

    return canvas(draw)


@kind
def a_page_of_digits_that_touch():
    def draw(pen):
        for y in range(10, SIDE - 80, 80):
            for x in range(10, SIDE - 60, 45):
                pen.ellipse((x, y, x + 48, y + 64), outline=0, width=7)

    return canvas(draw)


@kind
def a_chain_across_the_picture():
    def draw(pen):
        for x in range(10, SIDE - 60, 12):
            pen.ellipse((x, 700, x + 60, 800), outline=0, width=5)

    return canvas(draw)


@kind
def large_blots():
    def draw(pen):
        for x in range(20, SIDE - 400, 520):
            for y in range(20, SIDE - 400, 520):
                pen.rounded_rectangle((x, y, x + 470, y + 470), 60, 0)

    return canvas(draw)


@kind
def one_large_disc():
    return canvas(lambda pen: pen.ellipse((60, 60, 1540, 1540), 0))


@kind
def large_combs():
    def draw(pen):
        for y in (20, 550, 1080):
            pen.rectangle((20, y, 1580, y + 20), 0)
            for x in range(20, 1570, 24):
                pen.rectangle((x, y, x + 9, y + 470), 0)

    return canvas(draw)


@kind
def a_spiral():
    turns = np.linspace(0, 2 * np.pi * 100, 60_000)
    at = SIDE / 2 + turns[:, np.newaxis] * 1.25 * np.stack([np.cos(turns), np.sin(turns)], 1)
    return canvas(lambda pen: pen.line([tuple(point) for point in at], 0, 3))


@kind
def rings_in_rings():
    def draw(pen):
        for radius in range(6, 790, 6):
            box = (800 - radius, 800 - radius, 800 + radius, 800 + radius)
            pen.ellipse(box, outline=0, width=2)

    return canvas(draw)


@kind
def slanting_lines():
    def draw(pen):
        for start in range(-1600, 1600, 7):
            pen.line((start, 0, start + 1600, 1600), 0, 2)

    return canvas(draw)


@kind
def a_grating():
    columns = np.arange(SIDE) // 2 % 2
    return png(np.tile((255 * columns).astype(np.uint8), (SIDE, 1)))


@kind
def a_cross_grating_that_is_broken():
    rng = np.random.default_rng(0)
    rows, columns = np.indices((SIDE, SIDE)) // 2
    lines = (rows % 5 == 0) | (columns % 5 == 0)
    return png(np.where(lines & (rng.random((SIDE, SIDE)) < 0.8), 0, 255).astype(np.uint8))


@kind
def a_maze():
    rng = np.random.default_rng(0)

    def draw(pen):
        for x in range(0, SIDE, 16):
            for y in range(0, SIDE, 16):
                slope = (x, y, x + 16, y + 16) if rng.random() < 0.5 else (x, y + 16, x + 16, y)
                pen.line(slope, 0, 3)

    return canvas(draw)


def noise(levels, shape=(SIDE, SIDE)):
    return np.random.default_rng(0).choice(np.array(levels, np.uint8), shape)


@kind
def noise_of_two_levels():
    return png(noise([0, 255]))


@kind
def sparse_noise():
    return png(noise([0] + 60 * [255]))


@kind
def noise_of_all_levels():
    return png(noise(range(256)))


@kind
def coarse_noise():
    return png(noise([0, 255, 255], (400, 400)).repeat(4, 0).repeat(4, 1))


@kind
def a_dithered_photograph():
    rows, columns = np.indices((SIDE, SIDE)) / 200
    gray = 128 + 60 * np.sin(rows * columns) + 60 * np.sin(rows + 2 * columns)
    return png(Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8)).convert("1"))


@kind
def a_screened_photograph():
    """Dots that grow with the darkness, as newspapers print them."""
    rows, columns = np.indices((SIDE, SIDE))
    screen = np.cos(rows * 2 * np.pi / 14) * np.cos(columns * 2 * np.pi / 14)
    return png(np.where(screen > np.sin(rows / 300 + columns / 500), 0, 255).astype(np.uint8))


def strip(height, width, draw):
    pixels = np.full((height, width), 255, np.uint8)
    draw(pixels)
    return png(pixels)


@kind
def a_hair():
    def draw(pixels):
        pixels[2:4, 4:-4] = 0

    return strip(8, 3_000_000, draw)


@kind
def a_hair_upright():
    return png(np.ascontiguousarray(np.resize([255, 255, 0, 0], (3_000_000, 8)).astype(np.uint8)))


@kind
def a_strip_of_dots():
    def draw(pixels):
        for row in range(10, 40):
            pixels[row].reshape(-1, 50)[:, 10:40] = 0

    return strip(64, 60_000, draw)


@kind
def a_strip_that_is_ruled():
    def draw(pixels):
        pixels[::4] = 0

    return strip(100, 500_000, draw)


@kind
def a_strip_of_noise():
    return png(noise([0, 255, 255, 255], (64, 62_500)))


@kind
def a_soft_strip():
    """A faint line whose soft edge goes on and on."""

    def draw(pixels):
        pixels[:] = 235
        pixels[30, ::500] = 0
        pixels[31] = 215

    return strip(64, 62_500, draw)


@kind
def nothing_on_64_megapixels():
    return encoded(np.full((8000, 8000), 255, np.uint8), "PNG", compress_level=1)


@kind
def noise_on_64_megapixels():
    bits = np.random.default_rng(0).integers(0, 256, (8000, 1000), np.uint8)
    return png(Image.frombytes("1", (8000, 8000), bits.tobytes()))


def written(dtype=np.uint8):
    pixels = np.full((8000, 8000), np.iinfo(dtype).max, dtype)
    pixels[2000:6000, 3800:4200] = 0
    return pixels


@kind
def deep_on_64_megapixels():
    return encoded(written(np.uint16), "TIFF", compression="tiff_adobe_deflate")


@kind
def transparency_on_64_megapixels():
    image = Image.fromarray(written()).convert("LA")
    image.putalpha(200)
    return png(image)


@kind
def a_palette_on_64_megapixels():
    file = io.BytesIO()
    Image.fromarray(written()).convert("P").save(file, "GIF", transparency=3)
    return file.getvalue()


@kind
def webp_on_64_megapixels():
    return encoded(written(), "WEBP", lossless=True, quality=0, method=0)


@kind
def noise_in_gif():
    return encoded(noise(range(256)), "GIF")


@kind
def noise_in_webp():
    return encoded(noise([0, 255]), "WEBP", quality=50, method=0)


@kind
def noise_in_jpeg():
    return encoded(noise([0, 255], (7900, 7900)), "JPEG", quality=5)


@kind
def a_jpeg_of_thousands_of_scans():
    content = encoded(written(), "JPEG", quality=30, progressive=True)
    end = content.rindex(b"\xff\xda")
    return content[:end] + 20_000 * content[end:-2] + content[-2:]


@kind
def a_jpeg_of_a_million_comments():
    content = encoded(written()[:100, :100], "JPEG")
    return content[:2] + 1_000_000 * b"\xff\xfe\0\2" + content[2:]


@kind
def a_png_of_a_million_chunks():
    content = png(np.full((100, 100), 255, np.uint8))
    chunk = struct.pack(">I", 0) + b"abCd" + struct.pack(">I", zlib.crc32(b"abCd"))
    return content[:33] + 1_000_000 * chunk + content[33:]


@kind
def a_text_file_of_comments():
    return b"P2\n8000 8000\n255\n" + 10_000_000 * b"#\n"


@kind
def an_unusual_ppm_file():
    return b"P6\n3000 3000\n254\n" + bytes(27_000_000)


@kind
def a_tiff_file_of_a_million_strips():
    count = 1_000_000
    data = 8 + 100
    places, sizes = struct.pack("<I", 8) * count, struct.pack("<I", 20) * count
    tags = [
        (256, 20),
        (257, count),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, data),
        (277, 1),
        (278, 1),
        (279, data + 4 * count),
    ]
    entries = b"".join(
        struct.pack("<HHII", tag, 4, count if tag in (273, 279) else 1, value)
        for tag, value in tags
    )
    start = struct.pack("<4sI", b"II*\0", data + 8 * count)
    return start + bytes(100) + places + sizes + struct.pack("<H", len(tags)) + entries + bytes(4)
