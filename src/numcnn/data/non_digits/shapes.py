"""Shapes and little drawings, as strokes: what people draw who want to see what happens."""

from collections.abc import Callable

import numpy as np

from numcnn.data.non_digits.pen import Image, Stroke, by_hand, draw, pen_width, smooth

Rng = np.random.Generator


def shape(rng: Rng, name: str | None = None) -> Image:
    """Draw a shape by a hand drawn at random.

    Args:
        rng: Where the chance comes from.
        name: Which one, of `SHAPES`; any if None.

    Returns:
        Light on dark in MNIST's frame, uint8 ``(28, 28)``.
    """
    if name is None:
        # What is simple is drawn most, and most easily taken for a 0.
        names = _SIMPLE if rng.random() < 0.4 else SHAPES
        name = names[rng.integers(len(names))]
    strokes = by_hand(_SHAPES[name](rng), rng, wobble=0.02)
    is_filled = name in _FILLABLE and rng.random() < (1.0 if name == "blot" else 0.25)
    return draw(strokes, pen_width(rng), filled=is_filled)


def _regular(corners: int, turn: float = 0.0, skip: int = 1) -> Stroke:
    """A regular polygon or, where corners are skipped, a star; closed."""
    angles = turn + 2 * np.pi * skip * np.arange(corners + 1) / corners
    return np.stack([np.sin(angles), -np.cos(angles)], axis=1)


def _circle(x: float = 0.0, y: float = 0.0, radius: float = 1.0, start: float = 0.0) -> Stroke:
    angles = start + np.linspace(0, 2 * np.pi, 20)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def _line(*points: tuple[float, float]) -> Stroke:
    return np.array(points, np.float64)


def _triangle(rng: Rng) -> list[Stroke]:
    return [_regular(3, rng.uniform(0, 2 * np.pi)) * [1, rng.uniform(0.8, 1.4)]]


def _rectangle(rng: Rng) -> list[Stroke]:
    h = rng.uniform(0.55, 1.5)
    return [_line((-1, -h), (1, -h), (1, h), (-1, h), (-1, -h))]


def _diamond(rng: Rng) -> list[Stroke]:
    return [_regular(4) * [1, rng.uniform(0.8, 1.6)]]


def _star(rng: Rng) -> list[Stroke]:
    if rng.random() < 0.5:
        return [_regular(5, rng.normal(0, 0.2), 2)]
    points = int(rng.integers(4, 8))
    return [
        _regular(2 * points, rng.uniform(0, 1))
        * (1 - 0.55 * (np.arange(2 * points + 1) % 2))[:, None]
    ]


def _heart(_rng: Rng) -> list[Stroke]:
    t = np.linspace(0, 2 * np.pi, 40)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [np.stack([16 * np.sin(t) ** 3, -y], axis=1)]


def _spiral(rng: Rng) -> list[Stroke]:
    t = np.linspace(0.15, 1, 60)[:, None]
    turns = rng.uniform(2.2, 4) * 2 * np.pi * t * rng.choice([-1, 1])
    return [t * np.concatenate([np.cos(turns), np.sin(turns)], axis=1)]


def _arrow(rng: Rng) -> list[Stroke]:
    turn = rng.uniform(0, 2 * np.pi)
    along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    head = rng.uniform(0.35, 0.7)
    return [
        np.stack([-along, along]),
        np.stack([along - head * (along + across), along, along - head * (along - across)]),
    ]


def _cross(_rng: Rng) -> list[Stroke]:
    return [_line((-1, 0), (1, 0)), _line((0, -1), (0, 1))]


def _house(rng: Rng) -> list[Stroke]:
    walls = _line((-1, 2), (-1, 0.4), (0, -0.7), (1, 0.4), (1, 2), (-1, 2))
    door = _line((-0.3, 2), (-0.3, 1.1), (0.3, 1.1), (0.3, 2))
    return [walls, door] if rng.random() < 0.6 else [walls, _line((-1, 0.4), (1, 0.4))]


def _face(rng: Rng) -> list[Stroke]:
    mouth = _circle(0, 0.1, 0.5)[1:10] * [1, rng.choice([-1, 1])] + [0, 0.1]
    eyes = [_line((side * 0.35, -0.35), (side * 0.35, -0.25)) for side in (-1, 1)]
    return [_circle(), mouth, *eyes]


def _figure(rng: Rng) -> list[Stroke]:
    return [
        _circle(0, -1.6, 0.4),
        _line((0, -1.2), (0, 0.3)),
        _line((-0.8, -0.9 + rng.normal(0, 0.3)), (0, -0.8), (0.8, -0.9 + rng.normal(0, 0.3))),
        _line((-0.7, 1.5), (0, 0.3), (0.7, 1.5)),
    ]


def _zigzag(rng: Rng) -> list[Stroke]:
    count = int(rng.integers(5, 12))
    teeth = np.stack([np.linspace(-1, 1, count), np.resize([-1, 1], count)], axis=1)
    teeth[:, 1] *= rng.uniform(0.2, 1)
    teeth = teeth if rng.random() < 0.7 else teeth[:, ::-1]
    return [teeth if rng.random() < 0.6 else smooth(teeth)]


def _lightning(_rng: Rng) -> list[Stroke]:
    return [_line((0.3, -2), (-0.7, 0.2), (0.5, 0), (-0.3, 2))]


def _check(_rng: Rng) -> list[Stroke]:
    return [_line((-1, 0.1), (-0.4, 0.9), (1, -1.2))]


def _cloud(rng: Rng) -> list[Stroke]:
    t = np.linspace(0, 2 * np.pi, 80)
    bumps = int(rng.integers(5, 8))
    radius = 1 + 0.4 * np.abs(np.sin(bumps * t / 2))
    return [np.stack([1.4 * radius * np.cos(t), 0.8 * radius * np.sin(t)], axis=1)]


def _flower(rng: Rng) -> list[Stroke]:
    petals = [
        _circle(0.75 * np.cos(a), 0.75 * np.sin(a), 0.4) for a in 2 * np.pi * np.arange(5) / 5
    ]
    stalk = [_line((0, 1.1), (0.1, 2.6))] if rng.random() < 0.6 else []
    return [_circle(0, 0, 0.3), *petals, *stalk]


def _sun(_rng: Rng) -> list[Stroke]:
    angles = 2 * np.pi * np.arange(8) / 8
    rays = [
        _line((0.75 * np.cos(a), 0.75 * np.sin(a)), (1.3 * np.cos(a), 1.3 * np.sin(a)))
        for a in angles
    ]
    return [_circle(0, 0, 0.5), *rays]


def _tree(rng: Rng) -> list[Stroke]:
    crown = _circle(0, -0.8, 0.9) if rng.random() < 0.5 else _regular(3) * [1, 1.2] + [0, -0.6]
    return [crown, _line((-0.15, 0.1), (-0.15, 1.6)), _line((0.15, 0.1), (0.15, 1.6))]


def _fish(_rng: Rng) -> list[Stroke]:
    t = np.linspace(-2.6, 2.6, 30)
    body = np.stack([np.cos(t), 0.6 * np.sin(t)], axis=1)
    tail = _line((-0.85, 0.35), (-1.6, -0.5), (-1.6, 0.5), (-0.85, -0.35))
    return [body, tail, _circle(0.5, -0.15, 0.06)]


def _moon(_rng: Rng) -> list[Stroke]:
    t = np.linspace(-2.2, 2.2, 24)
    outer = np.stack([-np.cos(t), np.sin(t)], axis=1)
    inner = np.stack([0.45 - 0.75 * np.cos(t), 0.8 * np.sin(t)], axis=1)
    return [np.concatenate([outer, inner[::-1], outer[:1]])]


def _ladder(rng: Rng) -> list[Stroke]:
    rungs = [_line((-0.6, y), (0.6, y)) for y in np.linspace(-1.6, 1.6, int(rng.integers(3, 6)))]
    return [_line((-0.6, -2), (-0.6, 2)), _line((0.6, -2), (0.6, 2)), *rungs]


def _grid(rng: Rng) -> list[Stroke]:
    places = np.linspace(-1, 1, int(rng.integers(3, 5)))
    return [_line((p, -1), (p, 1)) for p in places] + [_line((-1, p), (1, p)) for p in places]


def _dash(rng: Rng) -> list[Stroke]:
    turn = np.radians(rng.normal(0, 8))
    return [_line((-1, -np.tan(turn)), (1, np.tan(turn)))]


def _dots(rng: Rng) -> list[Stroke]:
    places = rng.uniform(-1, 1, (int(rng.integers(2, 6)), 2))
    return [_circle(x, y, 0.05) for x, y in places]


def _envelope(_rng: Rng) -> list[Stroke]:
    box = _line((-1, -0.7), (1, -0.7), (1, 0.7), (-1, 0.7), (-1, -0.7))
    return [box, _line((-1, -0.7), (0, 0.15), (1, -0.7))]


def _target(rng: Rng) -> list[Stroke]:
    return [_circle(0, 0, r) for r in np.linspace(0.35, 1, int(rng.integers(2, 4)))]


def _wheel(rng: Rng) -> list[Stroke]:
    spokes = int(rng.integers(2, 4))
    bars = np.pi * np.arange(spokes) / spokes + rng.uniform(0, np.pi)
    return [
        _circle(),
        *(np.array([[-1, -1], [1, 1]]) * [np.cos(bar), np.sin(bar)] for bar in bars),
    ]


def _animal(rng: Rng) -> list[Stroke]:
    t = np.linspace(0, 2 * np.pi, 20)
    body = np.stack([1.2 * np.cos(t), 0.5 * np.sin(t)], axis=1)
    legs = [_line((x, 0.35), (x + rng.normal(0, 0.1), 1.3)) for x in (-0.8, -0.4, 0.4, 0.8)]
    head = _circle(1.4, -0.7, rng.uniform(0.3, 0.45))
    return [body, *legs, head, _line((-1.2, 0), (-1.6, -0.5))]


def _blot(rng: Rng) -> list[Stroke]:
    t = np.linspace(0, 2 * np.pi, 13)[:-1]
    radius = 1 + rng.normal(0, 0.15, 12)
    outline = np.stack([radius * np.cos(t), rng.uniform(0.7, 1.4) * radius * np.sin(t)], axis=1)
    return [smooth(np.concatenate([outline, outline[:1]]))]


_SHAPES: dict[str, Callable[[Rng], list[Stroke]]] = {
    "triangle": _triangle,
    "rectangle": _rectangle,
    "diamond": _diamond,
    "star": _star,
    "heart": _heart,
    "spiral": _spiral,
    "arrow": _arrow,
    "cross": _cross,
    "house": _house,
    "face": _face,
    "figure": _figure,
    "zigzag": _zigzag,
    "lightning": _lightning,
    "check": _check,
    "cloud": _cloud,
    "flower": _flower,
    "sun": _sun,
    "tree": _tree,
    "fish": _fish,
    "moon": _moon,
    "ladder": _ladder,
    "grid": _grid,
    "dash": _dash,
    "dots": _dots,
    "envelope": _envelope,
    "target": _target,
    "wheel": _wheel,
    "animal": _animal,
    "blot": _blot,
}
_FILLABLE = {"triangle", "rectangle", "diamond", "star", "heart", "cloud", "moon", "blot"}

_SIMPLE = ("triangle", "rectangle", "star", "arrow", "cross", "heart", "spiral", "check")

SHAPES = tuple(_SHAPES)
"""The names of all shapes."""
