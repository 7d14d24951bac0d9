"""Make pictures of handwriting with known content, to develop and to judge the reader on.

    python benchmarks/handwriting.py OUT --data-dir DIR --count 200

MNIST's digits are enlarged until they look like ink again, drawn with pens of all widths, and
composed onto paper, boards and canvases, in lines and pages. There are also pictures that hold no
digits: blank paper, scribbles, shapes, letters. Writes PNG and JPEG files, and ``labels.json``: for
each file its condition and the lines of digits that are in it (none: nothing to read).

Pictures for choosing settings take their digits from MNIST's training part (``--part train``);
``--part test`` is for the final figures.
"""

import argparse
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

DIGIT = 160  # pixels of the longer side of a digit as it is redrawn
LETTERS = "ABCDEFGHKMNPRTUVWXYZabdefhkmnrtwxy"


@dataclass
class Sample:
    """A picture as a file's content, and what is written in it.

    Attributes:
        content: The file.
        suffix: ``.png`` or ``.jpg``.
        condition: How it was made.
        lines: The digits of each line; none if there is nothing to read.
        boxes: For each digit its box x, y, width, height, in the order of the lines.
    """

    content: bytes
    suffix: str
    condition: str
    lines: list[str]
    boxes: list[tuple[int, int, int, int]]


@dataclass
class Digits:
    """Digits to compose pictures from: uint8 ``(count, 28, 28)`` and their labels."""

    images: np.ndarray
    labels: np.ndarray


# --- ink ----------------------------------------------------------------------------------------


def redraw(image: np.ndarray, stroke: float, size: int = DIGIT) -> np.ndarray:
    """Draw a 28 x 28 digit anew, ``size`` pixels large, with strokes wider by ``stroke`` pixels.

    The bilevel original is guessed from the gray values: interpolated, cut at a half, and its
    outline moved out or in by the distance transform. Returns float ``(height, width)``, 0 to 1.
    """
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    tight = np.pad(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 2)
    scale = size / (max(tight.shape) - 4)
    shape = round(tight.shape[1] * scale), round(tight.shape[0] * scale)
    large = np.asarray(
        Image.fromarray(tight.astype(np.float32)).resize(shape, Image.Resampling.BICUBIC)
    )
    large = ndimage.gaussian_filter(np.pad(large, 24), scale / 3)
    inside = large > 110
    within, beyond = (ndimage.distance_transform_edt(part) for part in (inside, ~inside))
    move = stroke / 2
    ink = np.clip(within - beyond + move + 0.5, 0, 1)
    if move < 0:
        # Thinner, but no pen leaves gaps: the strokes' middle lines stay.
        middle = (within > 1) & (within >= ndimage.maximum_filter(within, 5) - 0.8)
        ink = np.maximum(ink, np.clip(2.8 - ndimage.distance_transform_edt(~middle), 0, 1))
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def turned(ink: np.ndarray, degrees: float) -> np.ndarray:
    """Rotate ink about its middle, on a frame that holds all of it."""
    result = np.clip(ndimage.rotate(ink, degrees, order=1), 0, 1)
    rows = np.flatnonzero((result > 0.05).any(axis=1))
    columns = np.flatnonzero((result > 0.05).any(axis=0))
    return result[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def compose(
    digits: Digits,
    rng: np.random.Generator,
    lines: list[int],
    *,
    stroke: tuple[float, float] = (-4, 6),
    spacing: str = "spaced",
    slant: float = 0.0,
    rotation: float = 5.0,
) -> tuple[np.ndarray, list[str], list[tuple[int, int, int, int]]]:
    """Write lines of so many digits each.

    Returns the ink ``(height, width)`` without a margin, the lines as text, and the digits' boxes.
    """
    width_offset = rng.uniform(*stroke)
    placed: list[tuple[int, int, np.ndarray]] = []
    texts = []
    top = 0.0
    for count in lines:
        rows = rng.integers(0, len(digits.images), count)
        texts.append("".join(str(digits.labels[row]) for row in rows))
        end = np.full(2 * DIGIT, -(10**6))  # the rightmost ink so far at each height
        x = 0
        for position, row in enumerate(rows):
            size = round(DIGIT * rng.uniform(0.85, 1.1))
            ink = turned(redraw(digits.images[row], width_offset, size), rng.normal(0, rotation))
            drop = round(DIGIT / 2 - ink.shape[0] / 2 + rng.normal(0, 6)) + DIGIT // 2
            drop = max(0, drop)
            here = slice(drop, drop + ink.shape[0])
            first = np.where((ink > 0.5).any(axis=1), (ink > 0.5).argmax(axis=1), 10**6)
            if position:
                # As near as the outlines allow, then apart by the gap.
                near = int((end[here] - first).max())
                box_end = placed[-1][1] + placed[-1][2].shape[1]
                if spacing == "touching" and rng.random() < 0.5:
                    x = near - int(rng.integers(2, 8))
                elif spacing != "spaced":
                    x = max(near + int(rng.integers(8, 20)), box_end - 15)
                else:
                    x = max(near, box_end) + int(rng.integers(25, 90))
            placed.append((round(top) + drop + round(slant * x), x, ink))
            reach = (ink > 0.5)[:, ::-1]
            last = np.where(reach.any(axis=1), x + ink.shape[1] - reach.argmax(axis=1), -(10**6))
            end[here] = np.maximum(end[here], last)
            # A digit must not slip into the space above or below the one before the last.
            end = np.maximum(end, x)
        top += DIGIT * rng.uniform(1.5, 1.9) + abs(slant) * 60
    left, high = min(x for _, x, _ in placed), min(y for y, _, _ in placed)
    right = max(x + ink.shape[1] for _, x, ink in placed)
    low = max(y + ink.shape[0] for y, _, ink in placed)
    page = np.zeros((low - high, right - left))
    boxes = []
    for y, x, ink in placed:
        spot = page[y - high : y - high + ink.shape[0], x - left : x - left + ink.shape[1]]
        np.maximum(spot, ink, out=spot)
        boxes.append((x - left, y - high, ink.shape[1], ink.shape[0]))
    return page, texts, boxes


# --- paper --------------------------------------------------------------------------------------


def smooth_field(shape: tuple[int, int], rng: np.random.Generator, cells: int) -> np.ndarray:
    """Make a smooth random field of about unit variance, with so many hills across."""
    coarse = rng.normal(size=(cells + 3, cells + 3)).astype(np.float32)
    size = shape[1], shape[0]
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def lit(shape: tuple[int, int], rng: np.random.Generator, depth: float) -> np.ndarray:
    """Make uneven light: a gradient, and in half of the cases the edge of a shadow."""
    y, x = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    across = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)
    light = 1 - depth * (across + 0.5) - depth / 3 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    if rng.random() < 0.5:
        angle = rng.uniform(0, 2 * np.pi)
        across = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)
        blur = rng.uniform(0.015, 0.08)
        light *= 1 - 0.8 * depth / (1 + np.exp(-(across - rng.uniform(-0.3, 0.3)) / blur))
    return light


def photographed(
    ink: np.ndarray,
    rng: np.random.Generator,
    paper: tuple[float, float, float],
    pen: tuple[float, float, float],
    *,
    depth: float = 0.4,
    noise: float = 4.0,
    opacity: float = 1.0,
    rules: np.ndarray | None = None,
    quality: int = 80,
) -> bytes:
    """Lay ink onto paper, light it, blur it, add a camera's noise, and save it as JPEG."""
    shape = ink.shape
    pixels = np.ones((*shape, 3)) * np.array(paper)
    pixels *= (
        1 + 0.012 * rng.normal(size=(*shape, 1)) + 0.01 * smooth_field(shape, rng, 40)[..., None]
    )
    if rules is not None:
        color = np.array([[150, 180, 215], [190, 190, 190], [215, 160, 160]][rng.integers(3)])
        pixels += rules[..., None] * 0.8 * (color - pixels)
    ink = (
        ink[..., None] * opacity * np.clip(1 + 0.08 * smooth_field(shape, rng, 60), 0, 1)[..., None]
    )
    pixels += ink * (np.array(pen) - pixels)
    pixels *= lit(shape, rng, depth)[..., None]
    pixels = ndimage.gaussian_filter(pixels, (rng.uniform(0.4, 1.3),) * 2 + (0,))
    pixels += noise * rng.normal(size=pixels.shape)
    return saved(pixels, "JPEG", quality=quality)


def saved(pixels: np.ndarray, kind: str, **options: int) -> bytes:
    """Return a file's content."""
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, kind, **options)
    return file.getvalue()


def placed_on(
    ink: np.ndarray, rng: np.random.Generator, margin: tuple[float, float]
) -> tuple[np.ndarray, int, int]:
    """Put ink somewhere on an empty sheet; margins as shares of a digit's size."""
    left, right, top, bottom = (round(DIGIT * rng.uniform(*margin)) for _ in range(4))
    return np.pad(ink, ((top, bottom), (left, right))), left, top


def scaled(ink: np.ndarray, factor: float) -> np.ndarray:
    """Make ink smaller or larger."""
    size = max(8, round(ink.shape[1] * factor)), max(8, round(ink.shape[0] * factor))
    how = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
    return np.clip(np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, how)), 0, 1)


def rule_lines(shape: tuple[int, int], rng: np.random.Generator, squared: bool) -> np.ndarray:
    """Draw the lines of ruled or squared paper, slightly turned."""
    step = rng.uniform(0.35, 0.6) * DIGIT if squared else rng.uniform(0.9, 1.5) * DIGIT
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    angle = np.radians(rng.normal(0, 1.2))
    width = rng.uniform(1.0, 2.2)

    def lines(along: np.ndarray) -> np.ndarray:
        away = np.abs((along + rng.uniform(0, step)) % step - step / 2)
        return np.clip(width / 2 - away + 0.5, 0, 1)

    drawn = lines(y * np.cos(angle) - x * np.sin(angle))
    return np.maximum(drawn, lines(x * np.cos(angle) + y * np.sin(angle))) if squared else drawn


# --- conditions -----------------------------------------------------------------------------------

Condition = Callable[[Digits, np.random.Generator, list[int], str], Sample]


def _sample(
    name: str,
    content: bytes,
    suffix: str,
    texts: list[str],
    boxes: list[tuple[int, int, int, int]],
    left: int,
    top: int,
    factor: float = 1.0,
) -> Sample:
    moved = [tuple(round(v * factor) for v in (x + left, y + top, w, h)) for x, y, w, h in boxes]
    return Sample(content, suffix, name, texts, moved)  # type: ignore[arg-type]


def canvas(digits: Digits, rng: np.random.Generator, lines: list[int], spacing: str) -> Sample:
    """A drawing board: black on white, no noise, 200 to 280 pixels for a single digit."""
    ink, texts, boxes = compose(digits, rng, lines, stroke=(-4, 8), spacing=spacing)
    ink, left, top = placed_on(ink, rng, (0.1, 0.5))
    factor = rng.uniform(0.7, 1.2)
    return _sample(
        "canvas",
        saved(255 * (1 - scaled(ink, factor)), "PNG"),
        ".png",
        texts,
        boxes,
        left,
        top,
        factor,
    )


def _photo(
    name: str,
    paper: tuple[int, int],
    tint: tuple[float, float, float],
    pens: list[tuple[float, float, float]],
    stroke: tuple[float, float],
    depth: float = 0.4,
    noise: tuple[float, float] = (2, 6),
    opacity: tuple[float, float] = (0.75, 1.0),
    margin: tuple[float, float] = (0.3, 1.2),
    factor: tuple[float, float] = (0.5, 1.0),
    rules: str | None = None,
    rotation: float = 5.0,
) -> Condition:
    def make(digits: Digits, rng: np.random.Generator, lines: list[int], spacing: str) -> Sample:
        ink, texts, boxes = compose(
            digits, rng, lines, stroke=stroke, spacing=spacing, rotation=rotation
        )
        ink, left, top = placed_on(ink, rng, margin)
        ruling = rule_lines(ink.shape, rng, rules == "squared") if rules else None
        size = rng.uniform(*factor)
        ink = scaled(ink, size)
        content = photographed(
            ink,
            rng,
            tuple(rng.uniform(*paper) * np.array(tint)),  # type: ignore[arg-type]
            pens[rng.integers(len(pens))],
            depth=rng.uniform(0.1, 1.2) * depth,
            noise=rng.uniform(*noise),
            opacity=rng.uniform(*opacity),
            rules=None if ruling is None else scaled(ruling, size),
            quality=int(rng.integers(55, 95)),
        )
        return _sample(name, content, ".jpg", texts, boxes, left, top, size)

    make.__doc__ = name
    return make


def _transparent(name: str, pen: tuple[int, int]) -> Condition:
    def make(digits: Digits, rng: np.random.Generator, lines: list[int], spacing: str) -> Sample:
        ink, texts, boxes = compose(digits, rng, lines, stroke=(-4, 8), spacing=spacing)
        ink, left, top = placed_on(ink, rng, (0.1, 0.5))
        factor = rng.uniform(0.7, 1.2)
        pixels = np.zeros((*scaled(ink, factor).shape, 4))
        pixels[..., :3] = rng.integers(*pen, 3)
        pixels[..., 3] = 255 * scaled(ink, factor)
        return _sample(name, saved(pixels, "PNG"), ".png", texts, boxes, left, top, factor)

    return make


def megapixels(digits: Digits, rng: np.random.Generator, lines: list[int], spacing: str) -> Sample:
    """A photograph of 4000 x 3000 pixels, thin blue or black pen."""
    ink, texts, boxes = compose(digits, rng, lines, stroke=(-9, 0), spacing=spacing)
    factor = min(rng.uniform(1.5, 3.0), 3400 / ink.shape[1], 2500 / ink.shape[0])
    large = scaled(ink, factor)
    left = int(rng.integers(100, 3900 - large.shape[1]))
    top = int(rng.integers(100, 2900 - large.shape[0]))
    sheet = np.pad(
        large, ((top, 3000 - top - large.shape[0]), (left, 4000 - left - large.shape[1]))
    )
    pen = [(40, 40, 50), (30, 50, 140)][rng.integers(2)]
    content = photographed(sheet, rng, (205, 203, 195), pen, depth=0.5, noise=5.0)
    boxes = [
        (round(x * factor) + left, round(y * factor) + top, round(w * factor), round(h * factor))
        for x, y, w, h in boxes
    ]
    return Sample(content, ".jpg", "megapixels", texts, boxes)


INKS = [(30.0, 30.0, 35.0), (25.0, 45.0, 130.0), (70.0, 70.0, 75.0)]
REDS = [(205.0, 40.0, 45.0), (225.0, 80.0, 80.0)]
BLUES = [(50.0, 70.0, 190.0), (95.0, 115.0, 200.0)]
CONDITIONS: dict[str, Condition] = {
    "canvas": canvas,
    "thin pen": _photo("thin pen", (150, 215), (1, 0.99, 0.95), INKS, (-12, -6), 0.5),
    "marker": _photo(
        "marker", (215, 245), (1, 1, 1), [(20, 20, 20), (20, 60, 140), (15, 100, 50)], (4, 14), 0.3
    ),
    "chalk": _photo(
        "chalk",
        (35, 70),
        (0.9, 1.1, 1),
        [(225, 225, 215), (235, 225, 150)],
        (-5, 8),
        0.4,
        (3, 8),
        (0.65, 0.95),
    ),
    "red pen": _photo(
        "red pen", (190, 240), (1, 1, 0.97), [(205, 40, 45), (225, 80, 80)], (-11, -2)
    ),
    "blue pen": _photo(
        "blue pen", (190, 240), (1, 1, 0.97), [(50, 70, 190), (95, 115, 200)], (-11, -2)
    ),
    "pencil": _photo(
        "pencil", (200, 240), (1, 1, 0.97), [(105, 105, 110)], (-11, -5), 0.3, (2, 4), (0.6, 0.9)
    ),
    "dark ink, transparent": _transparent("dark ink, transparent", (0, 90)),
    "light ink, transparent": _transparent("light ink, transparent", (180, 256)),
    "rotated": _photo("rotated", (200, 240), (1, 1, 1), INKS, (-8, 4), rotation=10),
    "small in a large picture": _photo(
        "small in a large picture",
        (190, 240),
        (1, 1, 0.97),
        INKS,
        (-8, 0),
        0.4,
        (2, 5),
        (0.8, 1),
        (3, 8),
        (0.4, 0.7),
    ),
    "ruled paper": _photo("ruled paper", (205, 245), (1, 1, 1), INKS, (-9, 0), 0.3, rules="ruled"),
    "squared paper": _photo(
        "squared paper", (205, 245), (1, 1, 1), INKS, (-9, 0), 0.3, rules="squared"
    ),
    "megapixels": megapixels,
}


# --- nothing to read ------------------------------------------------------------------------------


def blank(rng: np.random.Generator) -> Sample:
    """Nothing at all: a plain color, a gradient, noise, paper with a shadow."""
    shape = int(rng.integers(100, 900)), int(rng.integers(100, 900))
    kind = int(rng.integers(5))
    if kind == 0:
        color = rng.integers(0, 256, 3) if rng.random() < 0.5 else np.full(3, 255)
        return Sample(saved(np.ones((*shape, 3)) * color, "PNG"), ".png", "blank", [], [])
    if kind == 1:
        field = np.linspace(*rng.uniform(0, 255, 2), shape[1]) * np.ones((shape[0], 1))
        return Sample(saved(field, "PNG"), ".png", "blank", [], [])
    if kind == 2:
        field = rng.uniform(60, 200) + rng.uniform(1, 25) * rng.normal(size=shape)
        return Sample(saved(field, "PNG"), ".png", "blank", [], [])
    level = rng.uniform(30, 245)
    content = photographed(
        np.zeros(shape),
        rng,
        (level, level, 0.96 * level),
        (0, 0, 0),
        depth=rng.uniform(0.1, 0.8),
        noise=rng.uniform(1, 8),
        quality=int(rng.integers(40, 95)),
    )
    return Sample(content, ".jpg", "blank", [], [])


def _drawn(lines: list[np.ndarray], width: int, size: int = 400) -> np.ndarray:
    image = Image.new("L", (size, size))
    draw = ImageDraw.Draw(image)
    for points in lines:
        draw.line([(float(x), float(y)) for x, y in points], 255, width, joint="curve")
    return np.asarray(image.filter(ImageFilter.GaussianBlur(1.0))) / 255


def scribble(rng: np.random.Generator) -> np.ndarray:
    """A pen led about at random."""
    steps = rng.normal(size=(int(rng.integers(8, 30)), 2))
    path = ndimage.zoom(200 + 75 * steps, (8, 1), order=3)
    return _drawn([np.clip(path, 15, 385)], int(rng.integers(4, 14)))


def shape_of(name: str, rng: np.random.Generator) -> np.ndarray:
    """A shape that is no digit, as by hand."""
    turns = np.linspace(0, 2 * np.pi, 200)
    unit = {
        "triangle": [np.array([(0, -1), (0.9, 0.7), (-0.9, 0.7), (0, -1)])],
        "square": [np.array([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8), (-0.8, -0.8)])],
        "star": [
            np.array([(np.sin(4 * np.pi * k / 5), -np.cos(4 * np.pi * k / 5)) for k in range(6)])
        ],
        "arrow": [np.array([(-1, 0), (1, 0)]), np.array([(0.5, -0.45), (1, 0), (0.5, 0.45)])],
        "spiral": [np.stack([np.cos(3 * turns), np.sin(3 * turns)], 1) * turns[:, None] / 6.3],
        "heart": [
            np.stack(
                [
                    np.sin(turns) ** 3,
                    -(
                        13 * np.cos(turns)
                        - 5 * np.cos(2 * turns)
                        - 2 * np.cos(3 * turns)
                        - np.cos(4 * turns)
                    )
                    / 16,
                ],
                1,
            )
        ],
        "cross": [np.array([(-1, 0), (1, 0)]), np.array([(0, -1), (0, 1)])],
    }[name]
    size = rng.uniform(90, 170)
    angle = rng.normal(0, 0.12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    lines = [
        200 + (line + rng.normal(0, 0.03, line.shape) * (len(line) < 50)) @ turn * size
        for line in unit
    ]
    return _drawn(lines, int(rng.integers(5, 18)))


SHAPES = ("triangle", "square", "star", "arrow", "spiral", "heart", "cross")


def letter(rng: np.random.Generator, fonts: list[Path]) -> np.ndarray:
    """A letter that does not look like a digit, in one of the fonts, slightly turned."""
    image = Image.new("L", (400, 400))
    font = ImageFont.truetype(str(fonts[rng.integers(len(fonts))]), int(rng.integers(160, 300)))
    text = LETTERS[rng.integers(len(LETTERS))]
    ImageDraw.Draw(image).text((200, 200), text, 255, font, anchor="mm")
    return np.asarray(image.rotate(rng.normal(0, 6), Image.Resampling.BILINEAR)) / 255


def find_fonts() -> list[Path]:
    """Fonts to take letters from: matplotlib's, where it is installed, and the system's."""
    folders = [Path("/usr/share/fonts"), Path("/Library/Fonts"), Path("C:/Windows/Fonts")]
    try:
        import matplotlib as mpl

        folders.insert(0, Path(mpl.get_data_path()) / "fonts" / "ttf")
    except ImportError:
        pass
    wanted = (
        "DejaVuSans",
        "DejaVuSerif",
        "Liberation",
        "Arial",
        "Comic",
        "cmr10",
        "cmmi10",
        "STIX",
    )
    files = sorted(file for folder in folders if folder.is_dir() for file in folder.rglob("*.ttf"))
    return [
        f
        for f in files
        if f.stem.startswith(wanted)
        and "NonUni" not in f.stem
        and "Siz" not in f.stem
        and "Display" not in f.stem
    ]


def negative(kind: str, rng: np.random.Generator, fonts: list[Path]) -> Sample:
    """Make a picture with nothing to read; on paper, or on a canvas."""
    if kind == "blank":
        return blank(rng)
    if kind == "scribble":
        ink = scribble(rng)
    elif kind == "letter":
        ink = letter(rng, fonts)
    else:
        ink = shape_of(kind, rng)
    if rng.random() < 0.5:
        return Sample(saved(255 * (1 - ink), "PNG"), ".png", kind, [], [])
    content = photographed(ink, rng, (215, 213, 205), (35, 35, 45), depth=0.3)
    return Sample(content, ".jpg", kind, [], [])


def samples(digits: Digits, count: int, seed: int = 0) -> Iterator[Sample]:
    """Make pictures of all kinds in turn; the same seed gives the same pictures.

    Single digits under every condition, numbers under every condition, pages of several lines, and
    pictures with nothing to read.
    """
    fonts = find_fonts()
    names = list(CONDITIONS)
    nothing = ["blank", "scribble", "letter", *SHAPES] if fonts else ["blank", "scribble", *SHAPES]
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        turn = number // 4
        name = names[turn % len(names)]
        if number % 4 == 0:
            yield CONDITIONS[name](digits, rng, [1], "spaced")
        elif number % 4 == 1:
            spacing = ("spaced", "spaced", "tight", "touching")[turn // len(names) % 4]
            yield CONDITIONS[name](digits, rng, [int(rng.integers(2, 9))], spacing)
        elif number % 4 == 2:
            lines = [int(n) for n in rng.integers(2, 7, int(rng.integers(2, 5)))]
            yield CONDITIONS[name](digits, rng, lines, "spaced")
        else:
            yield negative(nothing[turn % len(nothing)], rng, fonts)


def load_digits(data_dir: str | None, part: str) -> Digits:
    """Load MNIST's digits: of "train", the validation part that no training has seen; or "test"."""
    from numcnn.data import load, split_validation

    splits = load("mnist", data_dir=data_dir)
    # The same tenth that training with seed 0 sets aside.
    dataset = splits.test if part == "test" else split_validation(splits.train, 0.1, 0)[1]
    assert dataset is not None
    assert dataset.labels is not None
    return Digits(dataset.images[..., 0], dataset.labels)


def main() -> None:
    """Read the arguments, write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data-dir")
    parser.add_argument("--part", choices=("train", "test"), default="train")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    digits = load_digits(arguments.data_dir, arguments.part)
    arguments.out.mkdir(parents=True, exist_ok=True)
    labels = []
    for number, sample in enumerate(samples(digits, arguments.count, arguments.seed)):
        file = f"{number:05}{sample.suffix}"
        (arguments.out / file).write_bytes(sample.content)
        labels.append(
            {
                "file": file,
                "condition": sample.condition,
                "lines": sample.lines,
                "boxes": sample.boxes,
            }
        )
    text = "[\n" + ",\n".join(json.dumps(label) for label in labels) + "\n]\n"
    (arguments.out / "labels.json").write_text(text, "utf-8")
    print(f"{len(labels)} pictures in {arguments.out}")


if __name__ == "__main__":
    main()
