"""Shapes and little drawings, as strokes, such as people try on a reader."""

from collections.abc import Callable

import numpy as np

from numcnn.handwriting.synthesis.pen import Image, Stroke, by_hand, draw, pen_width, smooth

Rng = np.random.Generator


def shape(rng: Rng, name: str | None = None) -> Image:
    """Draw a shape by a hand drawn at random.

    Args:
        rng: The random generator.
        name: Which one, of `SHAPES`; any if None.

    Returns:
        Light on dark in MNIST's frame, uint8 ``(28, 28)``.
    """
    if name is None:
        # What is simple is drawn most, and most easily taken for a 0.
        names = _SIMPLE if rng.random() < 0.3 else SHAPES
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
    mouth = _circle(0, 0.1, rng.uniform(0.25, 0.6))[1:10] * [1, rng.choice([-1, 1])] + [0, 0.1]
    apart, high = rng.uniform(0.25, 0.45), rng.uniform(-0.5, -0.1)
    eyes = [_line((side * apart, high - 0.05), (side * apart, high + 0.05)) for side in (-1, 1)]
    outline = _circle() if rng.random() < 0.6 else _regular(int(rng.integers(6, 11)), 0.3)
    # Small features are lost where the pen is thick or the picture is small.
    features = [mouth, *eyes][: rng.integers(2, 4)] if rng.random() < 0.4 else [mouth, *eyes]
    nose = [_line((0, -0.1), (0.05, 0.1))] if rng.random() < 0.3 else []
    return [outline * [rng.uniform(0.8, 1.0), 1], *features, *nose]


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
    kind, apart = rng.random(), rng.uniform(0.1, 0.3)
    foot = rng.uniform(0.7, 1.7)
    if kind < 0.4:
        crown = _circle(0, -0.8, 0.9) * [rng.uniform(0.8, 1.5), 1]
    elif kind < 0.6:
        crown = _regular(3) * [1, 1.2] + [0, -0.6]
    elif kind < 0.8:
        crown = _regular(int(rng.integers(6, 11)), rng.uniform(0, 1)) * [1.2, 0.9] + [0, -0.8]
    else:
        t = np.linspace(0, 2 * np.pi, 60)
        radius = 0.9 + 0.25 * np.abs(np.sin(3 * t))
        crown = np.stack([1.1 * radius * np.cos(t), 0.8 * radius * np.sin(t) - 0.8], axis=1)
    trunk = [_line((side * apart, 0.0), (side * apart * 1.1, foot)) for side in (-1, 1)]
    if rng.random() < 0.3:
        trunk = [np.concatenate([trunk[0], trunk[1][::-1]])]
    return [crown, *trunk]


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


def _beast(rng: Rng) -> list[Stroke]:
    """The outline of an animal with a neck and legs, or its strokes alone."""
    leg, neck = rng.uniform(0.7, 1.5), rng.uniform(0.4, 1.1)
    head = _line((-1.5, -neck), (-2.1, 0.4 - neck), (-1.9, 0.6 - neck), (-1.3, 0.3 - neck))
    tail = _line((1.3, -0.2), (1.8, rng.uniform(-0.6, 0.9)))
    if rng.random() < 0.4:
        back = _line((-1.5, -neck), (-1.0, 0.0), (1.2, 0.0))
        legs = [_line((x, 0.0), (x + rng.normal(0, 0.15), leg)) for x in (-1.0, -0.7, 0.9, 1.2)]
        return [head, back, *legs, tail]
    belly = _line(
        (-1.3, 0.3 - neck), (-1.1, 0.5), (-1.0, leg + 0.5), (-0.7, leg + 0.5), (-0.6, 0.6)
    )
    rear = _line((0.7, 0.6), (0.9, leg + 0.5), (1.2, leg + 0.5), (1.3, -0.2), (-1.0, -0.2))
    outline = np.concatenate([head, belly, rear, head[:1]])
    return [smooth(outline, 3) if rng.random() < 0.4 else outline, tail]


def _vehicle(rng: Rng) -> list[Stroke]:
    roof = rng.uniform(0.4, 0.8)
    body = _line((-1.6, 0.5), (-1.5, 0), (-0.9, -0.1), (-0.5, -roof), (0.5, -roof), (0.9, -0.1))
    body = np.concatenate([body, _line((1.6, 0.1), (1.6, 0.5), (-1.6, 0.5))])
    wheels = [_circle(x, 0.5, rng.uniform(0.2, 0.35)) for x in (-0.9, 0.9)]
    return [smooth(body, 3) if rng.random() < 0.4 else body, *wheels]


def _ship(rng: Rng) -> list[Stroke]:
    hull = _line((-1.5, 0.3), (1.5, 0.3), (rng.uniform(0.8, 1.2), 0.9), (-1, 0.9), (-1.5, 0.3))
    sail = _line((0, 0.3), (0, -1.2), (rng.choice([-1, 1]) * rng.uniform(0.5, 1), 0.1), (0, 0.1))
    return [smooth(hull, 3) if rng.random() < 0.3 else hull, sail]


def _pet(rng: Rng) -> list[Stroke]:
    ear = rng.uniform(1.2, 1.6)
    head = _line((-0.9, -0.4), (-0.8, -ear), (-0.3, -0.85), (0.3, -0.85), (0.8, -ear), (0.9, -0.4))
    chin = _line((0.9, 0.2), (0.4, 0.85), (-0.4, 0.85), (-0.9, 0.2), (-0.9, -0.4))
    inside = [_line((-0.4, -0.2), (-0.35, -0.1)), _line((0.4, -0.2), (0.35, -0.1))]
    if rng.random() < 0.5:
        inside += [_line((s * 0.3, 0.3), (s * 1.4, 0.2 + rng.normal(0, 0.1))) for s in (-1, 1)]
    return [np.concatenate([head, chin]), *inside]


def _bird(rng: Rng) -> list[Stroke]:
    body = _circle(0, 0, 0.8) * [1.3, rng.uniform(0.5, 0.8)]
    legs = [_line((x, 0.4), (x, 1.1)) for x in (-0.15, 0.2)]
    return [body, _circle(-1.1, -0.6, 0.35), _line((-1.4, -0.6), (-1.8, -0.5)), *legs]


def _cup(rng: Rng) -> list[Stroke]:
    mug = _line((-0.8, -0.8), (-0.6, 0.9), (0.6, 0.9), (0.8, -0.8), (-0.8, -0.8))
    return [mug, _circle(0.95, 0, rng.uniform(0.25, 0.45))]


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
    "beast": _beast,
    "vehicle": _vehicle,
    "ship": _ship,
    "pet": _pet,
    "bird": _bird,
    "cup": _cup,
    "blot": _blot,
}
_FILLABLE = {
    *("triangle", "rectangle", "diamond", "star", "heart", "cloud", "moon", "blot"),
    *("beast", "vehicle", "ship", "pet"),
}

_SIMPLE = ("triangle", "rectangle", "star", "arrow", "cross", "heart", "spiral", "check")

SHAPES = tuple(_SHAPES)
"""The names of all shapes."""
