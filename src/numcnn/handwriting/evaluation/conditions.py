"""The conditions under which digits are written and photographed."""

from collections.abc import Callable

import numpy as np

from numcnn.handwriting.evaluation.composition import DIGIT, compose, on_sheet, scaled, scaled_boxes
from numcnn.handwriting.evaluation.paper import Color, photographed, rule_lines, sheet_on_desk
from numcnn.handwriting.evaluation.sample import Sample, saved
from numcnn.handwriting.evaluation.writers import Writer

Condition = Callable[[Writer, np.random.Generator, list[int], str], Sample]

DARK: list[Color] = [(30, 30, 35), (25, 45, 130), (70, 70, 75)]
RED: list[Color] = [(205, 40, 45), (225, 80, 80)]
BLUE: list[Color] = [(50, 70, 190), (95, 115, 200)]
MARKER: list[Color] = [(20, 20, 20), (20, 60, 140), (15, 100, 50)]
CHALK: list[Color] = [(225, 225, 215), (235, 225, 150)]


def canvas(writer: Writer, rng: np.random.Generator, lines: list[int], spacing: str) -> Sample:
    """A drawing board: black on white, no noise, 200 to 280 pixels for a single digit."""
    ink, texts, boxes = compose(writer, rng, lines, stroke=(-4, 8), spacing=spacing)
    ink, boxes = on_sheet(ink, boxes, rng, (0.1, 0.5))
    factor = rng.uniform(0.7, 1.2)
    content = saved(255 * (1 - scaled(ink, factor)), "PNG")
    return Sample(content, ".png", "canvas", texts, scaled_boxes(boxes, factor))


def web_canvas(writer: Writer, rng: np.random.Generator, lines: list[int], spacing: str) -> Sample:
    """A drawing field of a web page: a round pen of about 20 pixels, anywhere on 280 x 280."""
    pen, size = rng.uniform(14, 24), rng.uniform(90, 230)
    is_single = lines == [1]
    if not is_single:
        size = rng.uniform(110, 170)
    ink, texts, boxes = compose(
        writer, rng, lines, stroke=(pen * DIGIT / size - 14,) * 2, spacing=spacing
    )
    factor = size / DIGIT
    ink, boxes = scaled(ink, factor), scaled_boxes(boxes, factor)
    height, width = (max(280 if is_single else 0, side + 24) for side in ink.shape)
    top, left = (
        int(rng.integers(2, side - own - 1))
        for side, own in zip((height, width), ink.shape, strict=True)
    )
    page = np.zeros((height, width))
    page[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    content = saved(255 * (page if rng.random() < 0.3 else 1 - page), "PNG")
    moved = [(x + left, y + top, w, h) for x, y, w, h in boxes]
    return Sample(content, ".png", "web canvas", texts, moved)


def _photo(
    name: str,
    paper: tuple[int, int],
    tint: Color,
    pens: list[Color],
    stroke: tuple[float, float],
    depth: float = 0.4,
    noise: tuple[float, float] = (2, 6),
    opacity: tuple[float, float] = (0.75, 1.0),
    margin: tuple[float, float] = (0.3, 1.2),
    factor: tuple[float, float] = (0.5, 1.0),
    rules: str | None = None,
    rotation: float = 5.0,
    has_desk: bool = False,
) -> Condition:
    def make(writer: Writer, rng: np.random.Generator, lines: list[int], spacing: str) -> Sample:
        ink, texts, boxes = compose(
            writer, rng, lines, stroke=stroke, spacing=spacing, rotation=rotation
        )
        ink, boxes = on_sheet(ink, boxes, rng, margin)
        ruling = rule_lines(ink.shape, rng, rules == "squared") if rules else None
        size = rng.uniform(*factor)
        ink = scaled(ink, size)
        level = rng.uniform(*paper)
        content = photographed(
            ink,
            rng,
            (level * tint[0], level * tint[1], level * tint[2]),
            pens[rng.integers(len(pens))],
            depth=rng.uniform(0.1, 1.2) * depth,
            noise=rng.uniform(*noise),
            opacity=rng.uniform(*opacity),
            rules=None if ruling is None else scaled(ruling, size),
            sheet=sheet_on_desk(ink.shape, rng) if has_desk else None,
            quality=int(rng.integers(55, 95)),
        )
        return Sample(content, ".jpg", name, texts, scaled_boxes(boxes, size))

    make.__doc__ = name
    return make


def _transparent(name: str, pen: tuple[int, int]) -> Condition:
    def make(writer: Writer, rng: np.random.Generator, lines: list[int], spacing: str) -> Sample:
        ink, texts, boxes = compose(writer, rng, lines, stroke=(-4, 8), spacing=spacing)
        ink, boxes = on_sheet(ink, boxes, rng, (0.1, 0.5))
        factor = rng.uniform(0.7, 1.2)
        ink = scaled(ink, factor)
        pixels = np.zeros((*ink.shape, 4))
        pixels[..., :3] = rng.integers(*pen, 3)
        pixels[..., 3] = 255 * ink
        return Sample(saved(pixels, "PNG"), ".png", name, texts, scaled_boxes(boxes, factor))

    make.__doc__ = name
    return make


def megapixels(writer: Writer, rng: np.random.Generator, lines: list[int], spacing: str) -> Sample:
    """A photograph of 4000 x 3000 pixels, thin blue or black pen."""
    ink, texts, boxes = compose(writer, rng, lines, stroke=(-9, 0), spacing=spacing)
    factor = min(rng.uniform(1.5, 3.0), 3400 / ink.shape[1], 2500 / ink.shape[0])
    large = scaled(ink, factor)
    left = int(rng.integers(100, 3900 - large.shape[1]))
    top = int(rng.integers(100, 2900 - large.shape[0]))
    below, right = 3000 - top - large.shape[0], 4000 - left - large.shape[1]
    sheet = np.pad(large, ((top, below), (left, right)))
    pen: Color = [(40.0, 40.0, 50.0), (30.0, 50.0, 140.0)][rng.integers(2)]
    content = photographed(sheet, rng, (205, 203, 195), pen, depth=0.5, noise=5.0)
    moved = [(x + left, y + top, w, h) for x, y, w, h in scaled_boxes(boxes, factor)]
    return Sample(content, ".jpg", "megapixels", texts, moved)


_PALE, _GRAY, _WHITE, _BOARD = (1, 1, 0.97), (1, 0.99, 0.95), (1, 1, 1), (0.9, 1.1, 1)

CONDITIONS: dict[str, Condition] = {
    "canvas": canvas,
    "web canvas": web_canvas,
    "thin pen": _photo("thin pen", (150, 215), _GRAY, DARK, (-12, -6), 0.5),
    "marker": _photo("marker", (215, 245), _WHITE, MARKER, (4, 14), 0.3),
    "chalk": _photo("chalk", (35, 70), _BOARD, CHALK, (-5, 8), 0.4, (3, 8), (0.65, 0.95)),
    "red pen": _photo("red pen", (190, 240), _PALE, RED, (-11, -2)),
    "blue pen": _photo("blue pen", (190, 240), _PALE, BLUE, (-11, -2)),
    "pencil": _photo(
        "pencil", (200, 240), _PALE, [(105, 105, 110)], (-11, -5), 0.3, (2, 4), (0.6, 0.9)
    ),
    "dark ink, transparent": _transparent("dark ink, transparent", (0, 90)),
    "light ink, transparent": _transparent("light ink, transparent", (180, 256)),
    "rotated": _photo("rotated", (200, 240), _WHITE, DARK, (-8, 4), rotation=10),
    "small in a large picture": _photo(
        "small in a large picture",
        (190, 240),
        _PALE,
        DARK,
        (-8, 0),
        noise=(2, 5),
        opacity=(0.8, 1),
        margin=(3, 8),
        factor=(0.4, 0.7),
    ),
    "ruled paper": _photo("ruled paper", (205, 245), _WHITE, DARK, (-9, 0), 0.3, rules="ruled"),
    "squared paper": _photo(
        "squared paper", (205, 245), _WHITE, DARK, (-9, 0), 0.3, rules="squared"
    ),
    "paper on a desk": _photo(
        "paper on a desk", (185, 240), _PALE, DARK, (-10, 2), margin=(0.6, 1.5), has_desk=True
    ),
    "megapixels": megapixels,
}
