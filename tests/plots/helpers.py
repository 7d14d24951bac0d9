"""What the tests of the plots share: reading a figure's words, and drawing it."""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text


def words(figure: Figure) -> list[str]:
    """Return every text that the figure shows, after drawing it."""
    _draw(figure)
    texts = [text for text in figure.findobj(Text) if text.get_visible()]
    return [text.get_text() for text in texts if text.get_text()]


def assert_nothing_clipped(figure: Figure) -> None:
    """Check that every text lies within the figure."""
    _draw(figure)
    width, height = figure.bbox.width, figure.bbox.height
    beyond = set(_labels_beyond_the_axes(figure))
    for text in figure.findobj(Text):
        if not (text.get_visible() and text.get_text()) or text in beyond:
            continue
        box = text.get_window_extent()
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert inside, f"{text.get_text()!r} leaves the figure: {box} in {width:g} by {height:g}"


def rendered(figure: Figure) -> np.ndarray:
    """Return the figure's pixels, shape (height, width, 4)."""
    _draw(figure)
    return np.asarray(figure.canvas.buffer_rgba())


def _draw(figure: Figure) -> None:
    if figure.stale:
        figure.canvas.draw()


def _labels_beyond_the_axes(figure: Figure) -> Iterator[Text]:
    """Yield the labels of ticks outside the limits: matplotlib keeps them but does not draw."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low <= tick.get_loc() <= high:
                    yield tick.label1
