"""Digits as European hands write them, drawn as strokes.

MNIST was written in the United States. Elsewhere the 1 has an upstroke, as long as its stem in
some hands, the 7 is crossed, the 9 stands on a hook or a level foot, the 4 is open at the top.
What tells a 1 from a 7 here is the first stroke: it rises to the stem's tip in a 1, and lies about
level in a 7.
"""

from collections.abc import Callable

import numpy as np

from numcnn.data.dataset import Dataset
from numcnn.handwriting.synthesis.framed_digits import check_framed_digits
from numcnn.handwriting.synthesis.pen import Image, Stroke, by_hand, draw, pen_width, smooth
from numcnn.random_streams import STREAM_EUROPEAN_DIGITS

Rng = np.random.Generator

_SHARES = (0.1, 0.28, 0.05, 0.05, 0.13, 0.07, 0.05, 0.16, 0.04, 0.07)
"""How often each digit comes: most often those that are written otherwise than in MNIST."""


def with_european_digits(digits: Dataset, share: float, seed: int) -> Dataset:
    """Add digits as European hands write them.

    Args:
        digits: Labeled digits of 28 x 28 pixels, light on dark, framed as in MNIST; "0" to "9" are
            among the classes.
        share: How many to add for each image there is, such as 0.1.
        seed: The same seed adds the same.

    Returns:
        The images that were there, and after them the new ones.

    Raises:
        ValueError: The images are of another size or have no labels, a digit's class is missing, or
            ``share`` is negative.
    """
    known = check_framed_digits(digits, share, seed)
    if missing := [name for name in "0123456789" if name not in digits.classes]:
        raise ValueError(
            f"digits has no class {missing[0]!r}; give a data set of all ten, such as mnist"
        )
    rng = np.random.default_rng([seed, STREAM_EUROPEAN_DIGITS])
    values = rng.choice(10, round(share * len(digits)), p=_SHARES)
    drawn = [european_digit(rng, int(value))[None, :, :, None] for value in values]
    places = np.array([digits.classes.index(name) for name in "0123456789"], np.int64)
    return Dataset(
        np.concatenate([digits.images, *drawn]),
        np.concatenate([known, places[values]]),
        digits.classes,
        digits.name,
    )


def european_digit(rng: Rng, value: int) -> Image:
    """Write a digit by a European hand drawn at random.

    Args:
        rng: The random generator.
        value: Which digit, 0 to 9.

    Returns:
        Light on dark in MNIST's frame, uint8 ``(28, 28)``.
    """
    return draw(european_strokes(rng, value), pen_width(rng))


def european_strokes(rng: Rng, value: int) -> list[Stroke]:
    """Give the strokes of a digit, as one hand writes it; see `european_digit`."""
    strokes = by_hand(_STROKES[value](rng), rng, wobble=0.012)
    # Running numbers are written flat and wide more often than single digits.
    return [stroke * [np.exp(rng.normal(0.05, 0.16)), 1.0] for stroke in strokes]


def _line(*points: tuple[float, float]) -> Stroke:
    return np.array(points, np.float64)


def _curve(*points: tuple[float, float]) -> Stroke:
    return smooth(_line(*points))


def _arc(x: float, y: float, across: float, down: float, start: float, end: float) -> Stroke:
    """A part of an ellipse; the angles in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, end, 24))
    return np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], axis=1)


def _zero(rng: Rng) -> list[Stroke]:
    across = rng.uniform(0.3, 0.62)
    start = rng.uniform(-120, -20)
    # Broken: the pen stops short of where it began, or runs past it.
    gap = rng.uniform(15, 75) if rng.random() < 0.5 else -rng.uniform(0, 40)
    turn = np.linspace(1, rng.uniform(0.9, 1.1), 24)[:, None]
    return [_arc(0, 0, across, 1, start, start - 360 + gap) * turn]


def _one(rng: Rng) -> list[Stroke]:
    # The upstroke's length as a share of the stem's, and its angle to the stem.
    length = rng.uniform(0.25, 0.6) if rng.random() < 0.4 else rng.uniform(0.6, 1.05)
    angle = np.radians(rng.uniform(28, 58) if length < 0.5 else rng.uniform(12, 42))
    end = -2 * length * np.sin(angle), 2 * length * np.cos(angle)
    bend = rng.normal(0, 0.06)
    middle = end[0] / 2 + bend, end[1] / 2 + 0.5 * bend
    upstroke = _curve(end, middle, (0, 0))
    lean = rng.normal(0, 0.15)
    stem = _line((0, 0), (lean / 2 + rng.normal(0, 0.03), 1), (lean, 2))
    if rng.random() < 0.3:
        # Joined along the stem: the pen comes down where it went up.
        stem = np.concatenate([_line((-0.12 * length, 0.25 * length)), stem])
    strokes = [upstroke, smooth(stem) if rng.random() < 0.5 else stem]
    if rng.random() < 0.15:
        reach = rng.uniform(0.2, 0.5)
        strokes.append(_line((lean - reach, 2), (lean + reach, 2)))
    return strokes


def _two(rng: Rng) -> list[Stroke]:
    across = rng.uniform(0.4, 0.6)
    top = ((-across, 0.45), (-0.3, 0.05), (0.2, 0), (across, 0.45), (0.25, 1.1))
    if rng.random() < 0.4:
        loop = ((-across, 1.95), (-across - 0.1, 1.75), (-0.2, 1.75), (0.2, 2), (across + 0.1, 1.9))
        return [_curve(*top, *loop)]
    foot = rng.normal(0, 0.08)
    return [np.concatenate([_curve(*top, (-across, 2)), _line((across + 0.1, 2 + foot))])]


def _three(rng: Rng) -> list[Stroke]:
    across = rng.uniform(0.4, 0.6)
    belly = ((0.1, 0.85), (across, 1.05), (across, 1.6), (0, 2), (-across, 1.75))
    if rng.random() < 0.3:  # flat at the top
        return [
            np.concatenate([_line((-across, 0), (across, 0)), _curve((-0.05, 0.8), *belly[1:])])
        ]
    return [_curve((-across, 0.25), (0, 0), (across - 0.05, 0.4), *belly)]


def _four(rng: Rng) -> list[Stroke]:
    bar = rng.uniform(1.05, 1.4)
    left, right = -rng.uniform(0.55, 0.8), rng.uniform(0.3, 0.6)
    stem_top, tip = rng.uniform(0.2, 0.75), rng.uniform(-0.35, -0.05)
    angle = _line((tip, 0), (left, bar), (right, bar + rng.normal(0, 0.06)))
    if rng.random() < 0.3:
        angle = np.concatenate([_curve((tip, 0), (left + 0.05, bar * 0.7), (left, bar)), angle[2:]])
    stem = _line((0.12 + rng.normal(0, 0.05), stem_top), (rng.normal(0, 0.06), 2))
    return [angle, stem]


def _five(rng: Rng) -> list[Stroke]:
    across = rng.uniform(0.4, 0.6)
    belly = _curve(
        (-across + 0.1, 0.8),
        (0.1, 0.7),
        (across, 1.2),
        (across - 0.1, 1.75),
        (0, 2),
        (-across, 1.8),
    )
    body = np.concatenate([_line((-across + 0.15, 0)), belly])
    # The bar is written last, and may miss the body.
    away = rng.normal(0, 0.08)
    bar = _line((-across + 0.15 + away, rng.normal(0, 0.06)), (across + 0.15, rng.normal(0, 0.1)))
    return [body, bar]


def _six(rng: Rng) -> list[Stroke]:
    across = rng.uniform(0.38, 0.55)
    loop = ((0, 2), (across, 1.5), (0.1, 1.05), (-across + 0.05, 1.4))
    return [_curve((rng.uniform(0.1, 0.45), 0), (-0.3, 0.6), (-across, 1.4), *loop)]


def _seven(rng: Rng) -> list[Stroke]:
    across, slope = rng.uniform(0.5, 0.75), rng.normal(-0.02, 0.07)
    foot = rng.uniform(-0.45, 0.15)
    corner, end = (across, slope), (foot, 2.0)
    start = (-across, -slope)
    if rng.random() < 0.35:  # begins with a short stroke down
        start_stroke = _line((-across - 0.03, rng.uniform(0.2, 0.4)), start)
    else:
        start_stroke = _line(start)
    bar = np.concatenate([start_stroke, _line(corner)])
    if rng.random() < 0.4:
        bar = np.concatenate([start_stroke, _curve(start, (0, 0.09), corner)])
    bend = rng.uniform(0, 0.25)
    middle = ((across + foot) / 2 - bend, 1.0)
    stem = _curve(corner, middle, end) if rng.random() < 0.6 else _line(corner, end)
    strokes = [np.concatenate([bar, stem])]
    if rng.random() < 0.65:
        height = rng.uniform(0.8, 1.2)
        on_stem = (
            stem[np.abs(stem[:, 1] - height).argmin()][0] if len(stem) > 2 else middle[0] + bend
        )
        reach, tilt = rng.uniform(0.25, 0.55), rng.normal(-0.05, 0.08)
        strokes.append(_line((on_stem - reach, height - tilt), (on_stem + reach, height + tilt)))
    return strokes


def _eight(rng: Rng) -> list[Stroke]:
    across = rng.uniform(0.38, 0.55)
    t = np.linspace(0, 2 * np.pi, 40) + rng.uniform(-0.5, 0.5)
    upper = np.where(np.cos(t) > 0, 1.0, rng.uniform(0.75, 1.05))
    eight = np.stack([across * upper * np.sin(2 * t) * 1.1, 1 - np.cos(t)], axis=1)
    return [eight]


def _nine(rng: Rng) -> list[Stroke]:
    across, down = rng.uniform(0.38, 0.5), rng.uniform(0.42, 0.6)
    loop = _arc(0, down, across, down, -rng.uniform(0, 40), -360)
    side = (across, down)
    kind = rng.random()
    if kind < 0.35:  # a hook to the left
        tail = _curve(side, (across, 1.4), (across * 0.6, 1.9), (-0.1, 2), (-across, 1.8))
    elif kind < 0.6:  # a level foot
        tail = np.concatenate(
            [_line(side, (across - 0.05, 1.95)), _line((-rng.uniform(0.2, 0.5), 2))]
        )
    else:
        tail = _line(side, (across - rng.uniform(-0.05, 0.35), 2))
    return [np.concatenate([loop, tail])]


_STROKES: tuple[Callable[[Rng], list[Stroke]], ...] = (
    *(_zero, _one, _two, _three, _four),
    *(_five, _six, _seven, _eight, _nine),
)
