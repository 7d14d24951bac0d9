"""A sheet: images and text placed on a page, in inches.

A page of many small images as many small axes is slow to draw and hard to align. A sheet is one
axes that covers the whole figure, with x to the right and y downward, both in inches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self, final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from numpy.typing import NDArray

from numcnn.plots.figure import INK, LARGE, MUTED, NORMAL, SMALL, blank_figure

MARGIN: Final = 0.3
HEADER: Final = 0.95  # where the content starts, below the title and the subtitle

# matplotlib leaves its renderer untyped.
_ruler: Any = RendererAgg(1, 1, 100)  # type: ignore[no-untyped-call]


def text_width(text: str, size: float = SMALL, weight: str = "normal") -> float:
    """Return the width in inches of ``text`` in one line at ``size`` points."""
    font = FontProperties(size=size, weight=weight)
    # Agg's renderer draws into one buffer, but measuring only reads the font.
    width, _, _ = _ruler.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 100


def shorten(text: str, width: float, size: float = SMALL, weight: str = "normal") -> str:
    """Return ``text`` on one line, cut with an ellipsis where it is wider than ``width`` inches."""
    line = " ".join(text.split())
    if text_width(line, size, weight) <= width:
        return line
    while line and text_width(line + "…", size, weight) > width:
        line = line[:-1].rstrip()
    return line + "…"


@final
@dataclass(frozen=True)
class Sheet:
    """A blank page: ``figure`` is what a plot returns, ``axes`` covers it, in inches."""

    figure: Figure
    axes: Axes

    @classmethod
    def blank(cls, width: float, height: float) -> Self:
        """Return an empty sheet of ``width`` × ``height`` inches."""
        figure = blank_figure(width, height)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_autoscale_on(False)
        return cls(figure, axes)

    def title(self, title: str, subtitle: str = "") -> None:
        """Write the page's title and the line below it, at the top left."""
        self.text(MARGIN, 0.42, title, size=LARGE, weight="bold")
        self.text(MARGIN, 0.66, subtitle, size=NORMAL, color=MUTED)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = SMALL,
        color: str = INK,
        weight: str = "normal",
        align: str = "left",
        vertical: str = "baseline",
        rotation: float = 0,
    ) -> Text:
        """Write ``text`` at ``(x, y)`` inches."""
        return self.axes.text(
            x,
            y,
            text,
            fontsize=size,
            color=color,
            fontweight=weight,
            ha=align,
            va=vertical,
            rotation=rotation,
            rotation_mode="anchor",
            # A class called "$" is no formula.
            parse_math=False,
        )

    def image(
        self,
        pixels: NDArray[Any],
        left: float,
        top: float,
        width: float,
        height: float,
        *,
        colors: Colormap | str = "gray",
        low: float = 0.0,
        high: float = 255.0,
    ) -> None:
        """Draw pixels of shape (h, w), colored, or (h, w, 3 or 4) into a box of inches.

        Pixels stay squares with sharp edges, unless there are so many that they must be merged.
        """
        self.axes.imshow(
            pixels,
            cmap=colors,
            vmin=low,
            vmax=high,
            extent=(left, left + width, top + height, top),
            aspect="auto",
            origin="upper",
            interpolation="antialiased",
            resample=True,
        )
        # imshow turns the axes to the image's own extent; the sheet keeps its inches.
        figure_width, figure_height = self.figure.get_size_inches()
        self.axes.set(xlim=(0, figure_width), ylim=(figure_height, 0))

    def box(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        *,
        edge: str = "none",
        fill: str = "none",
        line_width: float = 0.8,
    ) -> None:
        """Draw a rectangle of inches."""
        self.axes.add_patch(
            Rectangle(
                (left, top), width, height, edgecolor=edge, facecolor=fill, linewidth=line_width
            )
        )


def fit(shape: tuple[int, ...], side: float) -> tuple[float, float]:
    """Return the width and height of an image of ``shape`` (h, w, ...) in a square of ``side``.

    >>> fit((10, 20, 3), 1.0)
    (1.0, 0.5)
    """
    height, width = shape[:2]
    longest = max(height, width)
    return side * width / longest, side * height / longest


def drawable(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return an image of shape (h, w, 1 or 3) as ``Sheet.image`` takes it: gray loses its axis."""
    return image[:, :, 0] if image.shape[2] == 1 else image
