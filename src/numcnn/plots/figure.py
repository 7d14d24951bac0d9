"""Figures: the style that all plots share, and how they are written to files.

Colors are given to each artist, not set in matplotlib's global ``rcParams``, which would change
the pictures of everybody else in the same process. What is left to ``rcParams`` is the font, so
that a user whose class names need another script can choose one.
"""

import os
import threading
from functools import partial
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from numcnn.atomic_file import atomic_file

PAPER = "#ffffff"
INK = "#1f2933"
MUTED = "#5f6b7a"
RULE = "#dde2e8"
QUIET = "#e9eef4"
MISSING = "#b8bec7"

# Blue and vermilion of Okabe and Ito's palette ("Color Universal Design", 2008): they stay apart
# in every common form of color blindness, and in gray print.
BLUE = "#0072b2"
VERMILION = "#d55e00"

# Weights and activations: white is zero, so that sign is hue and size is depth.
SIGNED_COLORS = LinearSegmentedColormap.from_list(
    "signed", ["#08345c", "#0072b2", "#8fc1e3", PAPER, "#f4b183", "#d55e00", "#6b2a00"]
).with_extremes(bad=MISSING)

# Shares of mistakes: white is none.
SHARE_COLORS = LinearSegmentedColormap.from_list(
    "share", [PAPER, "#fbd9c0", "#f0a06a", VERMILION, "#7d3300"]
).with_extremes(bad=MISSING)

SMALL, NORMAL, LARGE = 7.5, 9.0, 12.0  # font sizes in points

# A date or a version number would make two files differ whose pictures do not.
_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_svg_lock = threading.Lock()


def blank_figure(width: float, height: float) -> Figure:
    """Return an empty white figure of ``width`` × ``height`` inches that needs no display."""
    figure = Figure(figsize=(width, height), dpi=100, facecolor=PAPER, edgecolor=PAPER)
    figure.set_layout_engine("none")
    FigureCanvasAgg(figure)
    return figure


def place_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Return new axes in the house style, placed in inches from the figure's top left corner."""
    figure_width, figure_height = figure.get_size_inches()
    axes = figure.add_axes(
        (
            left / figure_width,
            1 - (top + height) / figure_height,
            width / figure_width,
            height / figure_height,
        ),
        facecolor=PAPER,
    )
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(MUTED)
        spine.set_linewidth(0.8)
    axes.grid(False)
    axes.set_axisbelow(True)
    axes.tick_params(
        which="both", colors=MUTED, labelcolor=INK, labelsize=SMALL, length=3, width=0.8
    )
    axes.xaxis.label.set(color=INK, fontsize=NORMAL)
    axes.yaxis.label.set(color=INK, fontsize=NORMAL)
    return axes


def save(figure: Figure, path: str | os.PathLike[str], dpi: float = 150) -> None:
    """Write ``figure`` to ``path``, whole or not at all.

    The same figure gives the same bytes: the file holds no date and no random name.

    Args:
        figure: What a function of this package returned.
        path: The file to write; its suffix, ``.png``, ``.svg`` or ``.pdf``, says the format.
        dpi: Pixels per inch of a PNG, and of images inside SVG and PDF.

    Raises:
        ValueError: Another suffix, or ``dpi`` is not positive.
        OSError: The file cannot be written.
    """
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in _METADATA:
        raise ValueError(
            f"path is {os.fspath(path)!r}, whose suffix names no picture format known here; "
            "end it in .png, .svg or .pdf"
        )
    if not 0 < dpi < float("inf"):
        raise ValueError(f"dpi is {dpi!r}; it must be positive, such as 150")
    with atomic_file(path) as temporary:
        write = partial(
            figure.savefig,
            temporary,
            format=kind,
            dpi=dpi,
            metadata=_METADATA[kind],
            facecolor=figure.get_facecolor(),
            edgecolor=figure.get_edgecolor(),
        )
        if kind != "svg":
            write()
            return
        # matplotlib names an SVG's parts at random unless this global setting says otherwise,
        # and there is no argument for it. The lock keeps two threads from restoring each
        # other's value.
        with _svg_lock:
            before = mpl.rcParams["svg.hashsalt"]
            mpl.rcParams["svg.hashsalt"] = "numcnn"
            try:
                write()
            finally:
                mpl.rcParams["svg.hashsalt"] = before


def percent(share: float, digits: int = 1) -> str:
    """Return a share from 0 to 1 as a percentage, never rounded up to 100% or down to 0%.

    >>> percent(0.98765), percent(0.99999), percent(1.0)
    ('98.8%', '>99.9%', '100%')
    """
    if share in (0, 1):
        return f"{share:.0%}"
    smallest = 10.0 ** -(digits + 2)
    if share < smallest / 2:
        return f"<{smallest:.{digits}%}"
    if share > 1 - smallest / 2:
        return f">{1 - smallest:.{digits}%}"
    return f"{share:.{digits}%}"
