"""A comparison of networks: accuracy, size and speed side by side."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from numcnn.plots.figure import (
    BLUE,
    INK,
    LARGE,
    MUTED,
    NORMAL,
    RULE,
    SMALL,
    blank_figure,
    place_axes,
)
from numcnn.plots.glyphs import legible
from numcnn.plots.sheet import MARGIN, text_width

_PANEL: Final = 1.55
_GAP: Final = 0.3
_ROW: Final = 0.38
_TOP: Final = 1.25  # title, subtitle, and the panels' names
_TICKS: Final = (0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)


_SIZES: Final = {
    "parameters": "Parameters",
    "multiply_adds": "Multiply-adds",
    "seconds": "Training seconds",
    "images_per_second": "Images a second",
}


def comparison_figure(
    rows: Sequence[Mapping[str, Any]], title: str = "Comparison", judged_by: str = "test"
) -> Figure:
    """Draw a row for each network: its accuracy, size, work, time and speed, a dot in each panel.

    The accuracy has a scale on which half the mistakes are always the same step, so that 98% and
    99% stand as far apart as 99% and 99.5%. The other scales are logarithmic. Where there are
    several seeds, the dot is their mean and the line behind it their range.

    Args:
        rows: For each network its ``recipe``, ``accuracies`` from 0 to 1, and the positive numbers
            ``parameters``, ``multiply_adds``, ``seconds`` and ``images_per_second``.
        title: What it is a comparison of.
        judged_by: Which part the accuracy is of.

    Raises:
        ValueError: There are no rows, or a value is missing or out of range.
    """
    _check(rows)
    names = legible([str(row["recipe"]) for row in rows])
    [title] = legible([title])
    left = MARGIN + max(text_width(name, NORMAL, "bold") for name in names) + 0.25
    panels = 1 + len(_SIZES)
    width = left + panels * _PANEL + (panels - 1) * _GAP + MARGIN
    height = len(rows) * _ROW
    figure = blank_figure(width, _TOP + height + 0.55)
    figure.text(
        MARGIN / width,
        1 - 0.42 / figure.get_figheight(),
        title,
        fontsize=LARGE,
        fontweight="bold",
        color=INK,
        parse_math=False,
    )
    seeds = max(len(row["accuracies"]) for row in rows)
    dots = f"Dots are means of {seeds} seeds, lines their range" if seeds > 1 else "One seed each"
    figure.text(
        MARGIN / width,
        1 - 0.66 / figure.get_figheight(),
        f"{dots}; logarithmic scales",
        fontsize=NORMAL,
        color=MUTED,
    )

    axes = place_axes(figure, left, _TOP, _PANEL, height)
    _draw_accuracy(axes, rows, f"{judged_by.capitalize()} accuracy")
    axes.set_yticks(range(len(rows)), names)
    axes.tick_params(axis="y", labelsize=NORMAL, labelcolor=INK)
    for index, (key, name) in enumerate(_SIZES.items(), start=1):
        axes = place_axes(figure, left + index * (_PANEL + _GAP), _TOP, _PANEL, height)
        _draw_size(axes, [float(row[key]) for row in rows], name)
        axes.set_yticks(range(len(rows)), [""] * len(rows))
    for axes in figure.axes:
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        for row in range(len(rows)):
            axes.axhline(row, color=RULE, linewidth=0.8, zorder=0)
    return figure


def short(value: float) -> str:
    """Write a positive number in two or three digits.

    >>> short(0.0123), short(7.26), short(85.2), short(1000), short(601578), short(15162752)
    ('0.012', '7.3', '85', '1k', '602k', '15M')
    """
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")):
        if value >= 0.9995 * limit:
            scaled = value / limit
            digits = f"{scaled:.1f}".removesuffix(".0") if scaled < 9.95 else f"{scaled:.0f}"
            return digits + unit
    return f"{value:.2g}"


def _draw_accuracy(axes: Axes, rows: Sequence[Mapping[str, Any]], name: str) -> None:
    """Dots on a scale of minus the logarithm of the error."""
    everything = [value for row in rows for value in row["accuracies"]]
    errors = [1 - value for value in everything if value < 1]
    # Without a mistake there is no logarithm; such a network stands at the right end.
    least = min(errors, default=0.01) / 2

    def place(accuracy: float) -> float:
        return -math.log10(max(1 - accuracy, least))

    for row, values in enumerate(row["accuracies"] for row in rows):
        mean = sum(values) / len(values)
        ends = place(min(values)), place(max(values))
        if len(values) > 1:
            axes.plot(ends, (row, row), color=BLUE, linewidth=3, alpha=0.35, zorder=2)
        _dot(axes, place(mean), row, f"{mean:.2%}")
    low, high = min(map(place, everything)), max(map(place, everything))
    low, high = _widened(axes, low, high)
    ticks = _spread([tick for tick in _TICKS if low <= place(tick) <= high], place, high - low)
    axes.xaxis.set_major_locator(FixedLocator([place(tick) for tick in ticks]))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{100 * tick:g}%" for tick in ticks]))
    _head(axes, name)


def _draw_size(axes: Axes, values: Sequence[float], name: str) -> None:
    """Dots on a logarithmic scale."""
    logs = [math.log10(value) for value in values]
    for row, value in enumerate(values):
        _dot(axes, logs[row], row, short(value))
    low, high = _widened(axes, min(logs), max(logs))
    decades = [10.0**power for power in range(math.ceil(low), math.floor(high) + 1)]
    ticks = _spread(decades, math.log10, high - low)
    axes.xaxis.set_major_locator(FixedLocator([math.log10(tick) for tick in ticks]))
    axes.xaxis.set_major_formatter(FixedFormatter([short(tick) for tick in ticks]))
    _head(axes, name)


def _dot(axes: Axes, x: float, row: int, label: str) -> None:
    axes.plot([x], [row], marker="o", markersize=6, color=BLUE, zorder=3, linestyle="none")
    axes.annotate(
        label,
        (x, row),
        xytext=(0, 5),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=SMALL,
        color=INK,
    )


def _widened(axes: Axes, low: float, high: float) -> tuple[float, float]:
    """Leave room for the labels of the outermost dots."""
    room = max(0.22 * (high - low), 0.15)
    axes.set_xlim(low - room, high + room)
    axes.xaxis.set_minor_locator(NullLocator())
    return low - room, high + room


def _spread(ticks: Sequence[float], place: Callable[[float], float], span: float) -> list[float]:
    """Leave ticks out whose labels would touch those before them."""
    kept: list[float] = []
    for tick in ticks:
        if not kept or (place(tick) - place(kept[-1])) / span * _PANEL >= 0.42:
            kept.append(tick)
    return kept


def _head(axes: Axes, name: str) -> None:
    axes.set_title(name, fontsize=NORMAL, color=INK, fontweight="bold", pad=10)


def _check(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        raise ValueError("rows is empty; pass at least one network")
    for index, row in enumerate(rows):
        for key in ("recipe", "accuracies", *_SIZES):
            if key not in row:
                raise ValueError(f"rows[{index}] has no {key!r}; pass one for each network")
        accuracies = np.asarray(row["accuracies"], np.float64)
        if (
            accuracies.ndim != 1
            or not accuracies.size
            or not ((accuracies >= 0) & (accuracies <= 1)).all()
        ):
            raise ValueError(
                f"rows[{index}]['accuracies'] is {row['accuracies']!r}; pass shares from 0 to 1"
            )
        for key in _SIZES:
            if not 0 < row[key] < math.inf:
                raise ValueError(f"rows[{index}][{key!r}] is {row[key]!r}; pass a positive number")
