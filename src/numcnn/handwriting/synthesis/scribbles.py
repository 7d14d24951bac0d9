"""Scribbles and textures: strokes that write nothing, and smooth noise."""

import numpy as np

from numcnn.handwriting.synthesis.pen import Image, Stroke, draw, fitted, pen_width, smooth


def scribble(rng: np.random.Generator) -> Image:
    """Scribble.

    Returns:
        Light on dark in MNIST's frame, uint8 ``(28, 28)``.
    """
    kinds = (_wander, _wander, _tangle, _hatching, _loops, _waves)
    kind = kinds[rng.integers(len(kinds))]
    return draw(kind(rng), min(pen_width(rng), 3.2))


def _wander(rng: np.random.Generator) -> list[Stroke]:
    """Curves through random points; three or four points could be a digit."""
    count = int(rng.integers(7, 26))
    return [smooth(rng.normal(size=(count, 2)))]


def _tangle(rng: np.random.Generator) -> list[Stroke]:
    """Round and round, never the same round."""
    rounds = rng.uniform(2.5, 7)
    t = np.linspace(0, 1, int(16 * rounds))
    angle = 2 * np.pi * rounds * t
    radius = 1 + 0.5 * np.sin(t * rng.uniform(3, 20) + rng.uniform(0, 6))
    drift = rng.normal(size=2) * rng.choice([0.0, 0.8])
    circle = np.stack([np.cos(angle), rng.uniform(0.5, 1.2) * np.sin(angle)], axis=1)
    return [circle * radius[:, None] + t[:, None] * drift]


def _hatching(rng: np.random.Generator) -> list[Stroke]:
    """To and fro, as one strikes out or shades."""
    count = int(rng.integers(6, 18))
    x = np.linspace(-1, 1, count) + rng.normal(0, 0.05, count)
    y = np.resize([-1.0, 1.0], count) * rng.uniform(0.6, 1, count)
    turn = rng.uniform(0, np.pi)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    stroke = np.stack([x * rng.uniform(0.4, 1.2), y], axis=1) @ matrix
    return [stroke if rng.random() < 0.5 else smooth(stroke)]


def _loops(rng: np.random.Generator) -> list[Stroke]:
    """Loops in a row, as one tries whether a pen writes."""
    rounds = rng.uniform(2.2, 6)
    t = np.linspace(0, 1, int(20 * rounds))
    angle = 2 * np.pi * rounds * t
    x = rng.uniform(1.5, 4) * t + 0.5 * np.cos(angle)
    y = rng.uniform(0.5, 1.2) * np.sin(angle) + rng.normal(0, 0.3) * t
    return [np.stack([x, y], axis=1)]


def _waves(rng: np.random.Generator) -> list[Stroke]:
    """Several wavy lines, as one pretends to write."""
    strokes = []
    for row in range(int(rng.integers(2, 5))):
        x = np.linspace(0, rng.uniform(2, 4), 14)
        y = 0.8 * row + 0.25 * rng.normal(size=14)
        strokes.append(smooth(np.stack([x, y], axis=1), 3))
    return strokes


def texture(rng: np.random.Generator) -> Image:
    """Make a patch of anything: smooth noise, cut at a level, as shadows and stains leave it.

    Returns:
        Light on dark in MNIST's frame, uint8 ``(28, 28)``.
    """
    height, width = rng.integers(10, 21, 2)
    reach = float(rng.uniform(1.2, 5))
    fields = np.array([_gaussian(size, reach) for size in (20, 20)])
    field = fields[0, :height] @ rng.normal(size=(20, 20)) @ fields[1, :width].T
    field = (field - field.mean()) / field.std()
    ink = np.clip(rng.uniform(80, 400) * (field + rng.uniform(-0.8, 0.8)), 0, 255)
    return fitted(ink) if ink.max() > 60 else fitted(255 - ink)


def _gaussian(size: int, reach: float) -> Stroke:
    """Return the matrix ``(size, size)`` that smooths a line of so many pixels."""
    places = np.arange(size)
    return np.exp(-0.5 * ((places[:, None] - places) / reach) ** 2)
