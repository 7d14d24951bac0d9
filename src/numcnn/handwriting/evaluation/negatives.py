"""Pictures with nothing to read: blank ones, scribbles, shapes, letters."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

from numcnn.handwriting.evaluation.paper import photographed
from numcnn.handwriting.evaluation.sample import Sample, saved
from numcnn.handwriting.synthesis.letters import LETTERS as GLYPHS
from numcnn.handwriting.synthesis.letters import glyph

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
        start, end = rng.uniform(0, 255, 2)
        field = np.linspace(start, end, shape[1]) * np.ones((shape[0], 1))
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
    unit: dict[str, list[Any]] = {
        "triangle": [[(0, -1), (0.9, 0.7), (-0.9, 0.7), (0, -1)]],
        "square": [[(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8), (-0.8, -0.8)]],
        "star": [np.stack([np.sin(angles), -np.cos(angles)], 1)],
        "arrow": [[(-1, 0), (1, 0)], [(0.5, -0.45), (1, 0), (0.5, 0.45)]],
        "spiral": [np.stack([np.cos(3 * turns), np.sin(3 * turns)], 1) * turns[:, None] / 6.3],
        "heart": [np.stack([np.sin(turns) ** 3, -y / 16], 1)],
        "cross": [[(-1, 0), (1, 0)], [(0, -1), (0, 1)]],
        "check": [[(-0.8, 0.1), (-0.3, 0.8), (0.9, -0.9)]],
    }
    size = rng.uniform(90, 170)
    angle = rng.normal(0, 0.12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    lines = []
    for points in unit[name]:
        line = np.array(points, float)
        line += rng.normal(0, 0.03, line.shape) * (len(line) < 50)
        lines.append(200 + line @ turn * size)
    return _drawn(lines, int(rng.integers(5, 18)))


# Drawings as people try them on a reader: corners from 0 to 40 across and 0 to 30 down.
_DRAWINGS: dict[str, tuple[str, ...]] = {
    "horse": (
        "8,12 6,9 8,6 11,3 13,4 14,8 18,11 26,11 31,13 33,18 32,28 30,28 30,20 26,19 18,19 16,21 "
        "16,28 14,28 13,19 11,15 9,12",
        "31,13 36,16 35,22",
    ),
    "cat": (
        "10,12 9,2 15,7 25,7 31,2 30,12 31,20 25,27 15,27 9,20 10,12",
        "15,14 16,14",
        "24,14 25,14",
        "20,18 18,21",
        "20,18 22,21",
        "14,20 4,18",
        "26,20 36,18",
    ),
    "car": (
        "2,20 3,14 10,13 15,7 26,7 31,13 38,15 38,21 2,21",
        "8,21 10,18 13,21 11,24 8,21",
        "28,21 30,18 33,21 31,24 28,21",
    ),
    "house": ("8,28 8,14 20,4 32,14 32,28 8,28", "17,28 17,20 23,20 23,28", "11,17 14,17 14,20"),
    "person": (
        "18,5 20,3 22,5 20,8 18,5",
        "20,8 20,19",
        "12,14 20,10 28,14",
        "14,29 20,19 26,29",
    ),
    "boat": ("4,20 36,20 30,27 10,27 4,20", "20,20 20,3 32,17 20,17"),
    "tree": ("18,29 18,19 22,19 22,29", "18,19 10,17 8,10 14,4 22,2 30,6 32,12 28,18 22,19"),
    "face": (
        "20,2 28,5 32,12 30,21 24,27 16,27 10,21 8,12 12,5 20,2",
        "15,11 15,13",
        "25,11 25,13",
        "14,19 17,22 23,22 26,19",
    ),
}
DRAWINGS = tuple(_DRAWINGS)


def drawing(name: str, rng: np.random.Generator) -> np.ndarray:
    """A drawing by an unsteady hand; sometimes a silhouette."""
    lines = []
    size, width = rng.uniform(5, 9), int(rng.integers(4, 14))
    for text in _DRAWINGS[name]:
        line = np.array([[float(x) for x in point.split(",")] for point in text.split()])
        line = line + rng.normal(0, 0.5, line.shape)
        if len(line) > 3:
            line = ndimage.zoom(line, (6, 1), order=int(rng.integers(1, 3)), mode="nearest")
        lines.append(200 + (line - (20, 15)) * size)
    if name != "person" and rng.random() < 0.3:
        image = Image.new("L", (400, 400))
        for line in lines:
            if len(line) > 2:
                ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in line], 255)
        return np.asarray(image.filter(ImageFilter.GaussianBlur(1.0))) / 255
    return _drawn(lines, width)


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
    names = [name for name in GLYPHS if len(name) == 1]
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
    elif kind in DRAWINGS:
        ink = drawing(kind, rng)
    else:
        ink = shape_of(kind, rng)
    if rng.random() < 0.5:
        return Sample(saved(255 * (1 - ink), "PNG"), ".png", kind, [], [])
    content = photographed(ink, rng, (215, 213, 205), (35, 35, 45), depth=0.3)
    return Sample(content, ".jpg", kind, [], [])
