"""Lines and areas drawn with a round pen, as gray images in MNIST's frame."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from numcnn.handwriting.frame import BOX, centered, cropped

Stroke = NDArray[np.float64]
"""Points ``(count, 2)`` as x to the right and y down, in any unit."""

Image = NDArray[np.uint8]


def draw(
    strokes: Sequence[Stroke],
    width: float,
    *,
    factors: Sequence[float] = (),
    filled: bool = False,
) -> Image:
    """Draw strokes with a round pen.

    Args:
        strokes: What to draw; at least one point.
        width: The pen's width in pixels.
        factors: How much wider each stroke is than that; none if empty.
        filled: Whether to fill what the strokes enclose (even-odd rule).

    Returns:
        Light on dark, uint8 ``(28, 28)``.
    """
    points = np.concatenate(strokes)
    low = points.min(axis=0)
    extent = float((points.max(axis=0) - low).max())
    scale = (BOX - width) / extent if extent > 0 else 0.0
    placed = [(stroke - low) * scale + width / 2 for stroke in strokes]
    size = np.clip(np.ceil(np.concatenate(placed).max(axis=0) + width / 2), 1, BOX).astype(int)
    x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    pixels = np.stack([x.ravel(), y.ravel()], axis=1)
    edges = [
        np.sqrt(_squared_distance(pixels, stroke)) - width * factor / 2
        for stroke, factor in zip(placed, factors or [1.0] * len(placed), strict=True)
    ]
    ink = np.clip(0.5 - np.min(edges, axis=0), 0, 1)
    if filled:
        ink = np.maximum(ink, np.any([_is_inside(pixels, stroke) for stroke in placed], axis=0))
    return centered(ink.reshape(size[1], size[0]) * 255, 255)


def fitted(ink: NDArray[np.floating]) -> Image:
    """Bring a drawing of any size into the frame: its box resized to 20 pixels and centered.

    Args:
        ink: 0 to 255, ``(height, width)``, with some ink.

    Returns:
        uint8 ``(28, 28)``.
    """
    ink = cropped(ink, 30)
    scale = BOX / max(ink.shape)
    height, width = (max(1, round(length * scale)) for length in ink.shape)
    resized = _resizing(ink.shape[0], height) @ ink @ _resizing(ink.shape[1], width).T
    return centered(resized, 255)


def smooth(points: Stroke, steps: int = 6) -> Stroke:
    """Lead a curve through points: a Catmull-Rom spline.

    E. Catmull and R. Rom, "A class of local interpolating splines", 1974.

    Args:
        points: ``(count, 2)``, at least two.
        steps: Points of the curve for each given one.
    """
    before, after = 2 * points[:1] - points[1:2], 2 * points[-1:] - points[-2:-1]
    p = np.concatenate([before, points, after])
    t = (np.arange(steps) / steps)[:, None, None]
    p0, p1, p2, p3 = p[:-3], p[1:-2], p[2:-1], p[3:]
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return np.concatenate([curve.swapaxes(0, 1).reshape(-1, 2), points[-1:]])


def by_hand(
    strokes: Sequence[Stroke], rng: np.random.Generator, *, wobble: float = 0.04
) -> list[Stroke]:
    """Lean, turn, stretch and wobble strokes, as no two hands write alike.

    Args:
        strokes: Points in any unit.
        rng: The random generator.
        wobble: How far points stray, as a share of the drawing's height.
    """
    points = np.concatenate(strokes)
    size = float(np.ptp(points, axis=0).max()) or 1.0
    lean, turn = np.tan(np.radians(rng.normal(4, 11))), np.radians(rng.normal(0, 6))
    stretch = float(np.exp(rng.normal(-0.08, 0.15)))
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    matrix = np.array([[stretch, 0], [-lean, 1 / stretch]]) @ matrix
    return [
        (stroke + rng.normal(0, wobble * size, stroke.shape) - points.mean(axis=0)) @ matrix
        for stroke in strokes
    ]


def pen_width(rng: np.random.Generator) -> float:
    """Draw a pen's width in pixels: about what MNIST's digits have."""
    return float(np.clip(rng.normal(2.6, 0.7), 1.3, 4.8))


def _resizing(size: int, new: int) -> NDArray[np.float64]:
    """Return the matrix ``(new, size)`` that resizes a line of pixels.

    Each new pixel is the mean over the old ones that it covers; over one at least, so that lines
    that grow are interpolated.
    """
    middle = (np.arange(new)[:, None] + 0.5) * size / new
    reach = max(size / new, 1.0)
    weights = np.clip((reach + 1) / 2 - np.abs(np.arange(size) + 0.5 - middle), 0, 1)
    matrix: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return matrix


def _squared_distance(pixels: Stroke, stroke: Stroke) -> NDArray[np.float64]:
    """Return each pixel's squared distance to the nearest point of a stroke, ``(pixels,)``."""
    start, step = stroke[:-1], np.diff(stroke, axis=0)
    if not len(step):
        start, step = stroke, np.zeros_like(stroke)
    away = pixels[:, None] - start
    length = np.maximum((step**2).sum(axis=1), 1e-12)
    along = np.clip((away * step).sum(axis=2) / length, 0, 1)
    nearest: NDArray[np.float64] = ((away - along[:, :, None] * step) ** 2).sum(axis=2).min(axis=1)
    return nearest


def _is_inside(pixels: Stroke, outline: Stroke) -> NDArray[np.bool_]:
    """Tell which pixels a closed outline encloses: a ray to the right crosses it an odd time."""
    start, end = outline, np.roll(outline, -1, axis=0)
    x, y = pixels[:, :1], pixels[:, 1:]
    spans = (start[:, 1] > y) != (end[:, 1] > y)
    rise = np.where(end[:, 1] == start[:, 1], 1.0, end[:, 1] - start[:, 1])
    crossing = start[:, 0] + (y - start[:, 1]) * (end[:, 0] - start[:, 0]) / rise
    inside: NDArray[np.bool_] = np.count_nonzero(spans & (x < crossing), axis=1) % 2 == 1
    return inside
