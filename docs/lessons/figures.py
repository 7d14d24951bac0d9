"""Figures of the lessons: SVG that moves by itself, and stands still where that is asked for.

A figure is a row of frames. They are shown in turn by a style sheet inside the picture, without
any script; with reduced motion, and where styles are ignored, the last frame alone is seen.
"""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import count

import numpy as np
from IPython.display import HTML
from numpy.typing import ArrayLike

_NUMBERS = count()


def moving(
    frames: Sequence[str],
    caption: str,
    *,
    always: str = "",
    size: tuple[int, int] = (640, 260),
    seconds: float = 1.2,
) -> HTML:
    """Show frames one after another, again and again.

    Args:
        frames: SVG elements of each frame.
        caption: What is to be seen, in a sentence or two; read to those who cannot see it.
        always: SVG elements behind all frames.
        size: Width and height of the drawing.
        seconds: How long each frame is shown.
    """
    name, number = f"figure-{next(_NUMBERS)}", len(frames)
    share = 100 / number
    style = (
        f"@keyframes {name} {{ 0%, {share:.4f}% {{ visibility: visible }} "
        f"{share + 0.001:.4f}%, 100% {{ visibility: hidden }} }} "
        "@media (prefers-reduced-motion: no-preference) { "
        f".{name} {{ animation: {name} {number * seconds:.2f}s step-end infinite; "
        "visibility: hidden } } "
        f"@media (prefers-reduced-motion: reduce) {{ .{name}:not(:last-child) "
        "{ visibility: hidden } }"
    )
    groups = "".join(
        f'<g class="{name}" style="animation-delay: {place * seconds:.2f}s">{frame}</g>'
        for place, frame in enumerate(frames)
    )
    return HTML(
        f'<figure class="moving"><svg viewBox="0 0 {size[0]} {size[1]}" role="img" '
        f'aria-label="{escape(caption)}"><style>{style}</style>{always}<g>{groups}</g></svg>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def text(x: float, y: float, words: object, anchor: str = "start", kind: str = "") -> str:
    """Words at a place."""
    shown = escape(str(words))
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{shown}</text>'


def line(x: Iterable[float], y: Iterable[float], kind: str = "line") -> str:
    """A line through points."""
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return f'<polyline points="{points}" class="{kind}"/>'


def dot(x: float, y: float, kind: str = "one", radius: float = 5) -> str:
    """A point."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" class="{kind}"/>'


def box(x: float, y: float, width: float, height: float, kind: str = "cell") -> str:
    """A rectangle."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{kind}"/>'
    )


def table(
    values: ArrayLike,
    x: float,
    y: float,
    side: float = 34,
    lit: Iterable[tuple[int, int]] = (),
    digits: int = 0,
) -> str:
    """Numbers in cells; some of them lit."""
    lit = set(lit)
    drawn = []
    for (row, column), value in np.ndenumerate(np.atleast_2d(np.asarray(values, float))):
        kind = "lit" if (row, column) in lit else "cell"
        left, top = x + column * side, y + row * side
        drawn.append(box(left, top, side, side, kind))
        if not np.isnan(value):
            shown = f"{value + 0.0:.{digits}f}"
            drawn.append(text(left + side / 2, top + side / 2 + 5, shown, "middle"))
    return "".join(drawn)


def image(values: ArrayLike, x: float, y: float, side: float = 6) -> str:
    """A gray image, 0 black to 1 white, a square a pixel."""
    pixels = np.clip(np.asarray(values, float), 0, 1)
    return "".join(
        f'<rect x="{x + column * side:.1f}" y="{y + row * side:.1f}" width="{side:g}" '
        f'height="{side:g}" fill="rgb({level},{level},{level})"/>'
        for (row, column), value in np.ndenumerate(pixels)
        for level in [round(255 * float(value))]
    )


class Axes:
    """A place to draw curves in: from numbers to the drawing's coordinates."""

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        place: tuple[float, float, float, float] = (50, 20, 560, 200),
    ) -> None:
        self._x, self._y, self._place = x, y, place

    def at(self, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Where a point lies in the drawing."""
        left, top, width, height = self._place
        across = (np.asarray(x, float) - self._x[0]) / (self._x[1] - self._x[0])
        up = (np.asarray(y, float) - self._y[0]) / (self._y[1] - self._y[0])
        return left + width * across, top + height * (1 - up)

    def curve(self, x: ArrayLike, y: ArrayLike, kind: str = "line") -> str:
        """A curve; what lies far outside is cut off."""
        reach = self._y[1] - self._y[0]
        inside = np.clip(np.asarray(y, float), self._y[0] - 0.02 * reach, self._y[1] + 0.02 * reach)
        return line(*self.at(x, inside), kind)

    def point(self, x: float, y: float, kind: str = "one", radius: float = 5) -> str:
        """A point."""
        across, down = self.at(x, y)
        return dot(float(across), float(down), kind, radius)

    def frame(self, across: str = "", up: str = "") -> str:
        """The axes, with the numbers at their ends."""
        left, top, width, height = self._place
        bottom = top + height
        return (
            line([left, left, left + width], [top, bottom, bottom], "soft")
            + text(left, bottom + 18, f"{self._x[0]:g}", "middle")
            + text(left + width, bottom + 18, f"{self._x[1]:g}", "middle")
            + text(left + width / 2, bottom + 18, across, "middle")
            + text(left - 6, bottom, f"{self._y[0]:g}", "end")
            + text(left - 6, top + 10, f"{self._y[1]:g}", "end")
            + text(left + 6, top + 4, up)
        )
