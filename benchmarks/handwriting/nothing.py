"""Pictures with nothing to read: blank ones, scribbles, shapes, letters."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

from benchmarks.handwriting.paper import photographed
from benchmarks.handwriting.sample import Sample, saved

LETTERS = "ACDEFGHKMNPRTUVWXYadefhkmnrtuwxy"
"""Letters that do not look like digits; B, Z and b would."""


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
    y = 13 * np.cos(turns) - 5 * np.cos(2 * turns) - 2 * np.cos(3 * turns) - np.cos(4 * turns)
    angles = 4 * np.pi * np.arange(6) / 5
    unit = {
        "triangle": [[(0, -1), (0.9, 0.7), (-0.9, 0.7), (0, -1)]],
        "square": [[(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8), (-0.8, -0.8)]],
        "star": [np.stack([np.sin(angles), -np.cos(angles)], 1)],
        "arrow": [[(-1, 0), (1, 0)], [(0.5, -0.45), (1, 0), (0.5, 0.45)]],
        "spiral": [np.stack([np.cos(3 * turns), np.sin(3 * turns)], 1) * turns[:, None] / 6.3],
        "heart": [np.stack([np.sin(turns) ** 3, -y / 16], 1)],
        "cross": [[(-1, 0), (1, 0)], [(0, -1), (0, 1)]],
        "check": [[(-0.8, 0.1), (-0.3, 0.8), (0.9, -0.9)]],
    }[name]
    size = rng.uniform(90, 170)
    angle = rng.normal(0, 0.12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    lines = []
    for points in unit:
        line = np.array(points, float)
        line += rng.normal(0, 0.03, line.shape) * (len(line) < 50)
        lines.append(200 + line @ turn * size)
    return _drawn(lines, int(rng.integers(5, 18)))


SHAPES = ("triangle", "square", "star", "arrow", "spiral", "heart", "cross", "check")


def letter(rng: np.random.Generator, fonts: list[Path]) -> np.ndarray:
    """A letter that does not look like a digit, in one of the fonts, slightly turned."""
    image = Image.new("L", (400, 400))
    font = ImageFont.truetype(str(fonts[rng.integers(len(fonts))]), int(rng.integers(160, 300)))
    text = LETTERS[rng.integers(len(LETTERS))]
    ImageDraw.Draw(image).text((200, 200), text, 255, font, anchor="mm")
    return np.asarray(image.rotate(rng.normal(0, 6), Image.Resampling.BILINEAR)) / 255


def hand_letter(rng: np.random.Generator) -> np.ndarray:
    """A letter in a hand drawn at random, as strokes."""
    from numcnn.data.non_digits.letters import LETTERS as NAMES
    from numcnn.data.non_digits.letters import glyph

    names = [name for name in NAMES if len(name) == 1]
    strokes = glyph(rng, names[rng.integers(len(names))])
    points = np.concatenate(strokes)
    low, extent = points.min(axis=0), float(np.ptp(points, axis=0).max())
    size = rng.uniform(150, 300)
    return _drawn(
        [(line - low) / extent * size + (400 - size) / 2 for line in strokes],
        int(rng.integers(5, 24)),
    )


def word(rng: np.random.Generator) -> np.ndarray:
    """Cursive writing that means nothing: loops and waves from left to right."""
    count = int(rng.integers(8, 20))
    x = np.linspace(30, 370, count) + rng.normal(0, 8, count)
    y = 200 + np.resize([-1, 1], count) * rng.uniform(10, 70, count)
    path = ndimage.zoom(np.stack([x, y], 1), (8, 1), order=3)
    return _drawn([np.clip(path, 10, 390)], int(rng.integers(4, 10)))


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
    odd = ("NonUni", "Siz", "Display")
    files = sorted(file for folder in folders if folder.is_dir() for file in folder.rglob("*.ttf"))
    return [f for f in files if f.stem.startswith(wanted) and not any(o in f.stem for o in odd)]


def negative(kind: str, rng: np.random.Generator, fonts: list[Path]) -> Sample:
    """Make a picture with nothing to read; on paper, or on a canvas."""
    if kind == "blank":
        return blank(rng)
    if kind == "scribble":
        ink = scribble(rng)
    elif kind == "word":
        ink = word(rng)
    elif kind == "letter":
        ink = letter(rng, fonts) if fonts else hand_letter(rng)
    elif kind == "letter by hand":
        ink = hand_letter(rng)
    else:
        ink = shape_of(kind, rng)
    if rng.random() < 0.5:
        return Sample(saved(255 * (1 - ink), "PNG"), ".png", kind, [], [])
    content = photographed(ink, rng, (215, 213, 205), (35, 35, 45), depth=0.3)
    return Sample(content, ".jpg", kind, [], [])
