"""Learning curves: loss and error by epoch.

The rows are those of a run's ``history.jsonl``. The lower panel shows the error, not the
accuracy: from 98% to 99% a network halves its mistakes, which an error curve shows and an accuracy
curve, pressed against 100%, hides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FixedLocator,
    Formatter,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullLocator,
)
from numpy.typing import NDArray

from numcnn.plots.figure import (
    BLUE,
    INK,
    MUTED,
    NORMAL,
    PAPER,
    RULE,
    SMALL,
    VERMILION,
    blank_figure,
    place_axes,
)

Row = Mapping[str, float | None]

_WIDTH: Final = 7.2
_LEFT: Final = 0.95
_RIGHT: Final = 0.25
_MARKED_EPOCHS: Final = 40  # with more epochs, a marker on each would hide the line


class _Series(NamedTuple):
    """One curve: values of shape (k,) at epochs of shape (k,), NaN where not finite."""

    epochs: NDArray[np.float64]
    values: NDArray[np.float64]


def learning_curves(history: Sequence[Row]) -> Figure:
    """Draw loss, error and, where the rows have it, the learning rate over the epochs.

    The loss is drawn on a logarithmic scale where it spans more than two decades, the error where
    it spans more than one. A loss that is not a finite number, as when training diverges, leaves
    a gap and a cross at the panel's upper edge.

    The best epoch is the one with the highest ``validation_accuracy``, and of equal ones the one
    with the lowest ``validation_loss``: the one whose weights training keeps. Without validation
    none is marked.

    Args:
        history: A row per epoch, in order, with ``epoch`` (from 1), ``loss`` and ``accuracy``
            (from 0 to 1), and optionally ``validation_loss``, ``validation_accuracy`` and
            ``learning_rate``, which single rows may leave out. Other keys are ignored.

    Raises:
        ValueError: No rows, a missing key, epochs out of order, or a value out of range.
    """
    epochs = _epochs(history)
    loss = _series(history, epochs, "loss", required=True)
    accuracy = _shares(history, epochs, "accuracy", required=True)
    validation_loss = _series(history, epochs, "validation_loss")
    validation_accuracy = _shares(history, epochs, "validation_accuracy")
    rate = _series(history, epochs, "learning_rate")

    strip = 0.95 if rate.values.size else 0.0
    panel, gap, top = 2.25, 0.42, 0.5
    figure = blank_figure(_WIDTH, top + 2 * panel + gap + strip + 0.6)
    width = _WIDTH - _LEFT - _RIGHT

    losses = place_axes(figure, _LEFT, top, width, panel)
    _draw(losses, loss, validation_loss, decades=2)
    _name(losses, "Loss")

    errors = place_axes(figure, _LEFT, top + panel + gap, width, panel)
    error, validation_error = _error(accuracy), _error(validation_accuracy)
    _draw(errors, error, validation_error, decades=1, formatter=FuncFormatter(_as_percent))
    _name(errors, "Error")

    panels = [losses, errors]
    if strip:
        rates = place_axes(figure, _LEFT, top + 2 * panel + gap + 0.4, width, strip - 0.4)
        _draw_rate(rates, rate)
        panels.append(rates)

    _mark_best(panels, validation_error, validation_loss)
    _legend(losses, validation=bool(validation_loss.values.size or validation_error.values.size))
    margin = max(0.5, 0.02 * (epochs[-1] - epochs[0])) if epochs.size > 1 else 0.5
    for axes in panels:
        axes.set_xlim(epochs[0] - margin, epochs[-1] + margin)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True, min_n_ticks=1))
        axes.tick_params(labelbottom=axes is panels[-1])
    panels[-1].set_xlabel("Epoch")
    return figure


def _epochs(history: Sequence[Row]) -> NDArray[np.float64]:
    if not history:
        raise ValueError("history is empty; pass at least one row, as a finished epoch writes it")
    epochs = _series(history, np.zeros(len(history)), "epoch", required=True).values
    previous = 0.0
    for index, epoch in enumerate(epochs):
        if not (epoch > previous and epoch == int(epoch)):
            raise ValueError(
                f"history[{index}]['epoch'] is {epoch:g} after {previous:g}; "
                "number the epochs upward from 1, one row for each"
            )
        previous = epoch
    return epochs


def _series(
    history: Sequence[Row], epochs: NDArray[np.float64], key: str, *, required: bool = False
) -> _Series:
    """Return the curve of ``key``: missing points are left out, those not finite become NaN."""
    there: list[bool] = []
    values: list[float] = []
    for index, row in enumerate(history):
        if required and key not in row:
            raise ValueError(
                f"history[{index}] has no {key!r}, only {sorted(row)}; "
                "pass rows with at least 'epoch', 'loss' and 'accuracy'"
            )
        # The rows come from a file, so that their type is hope, not knowledge.
        value: object = row.get(key)
        if value is None:
            # JSON has no NaN, so a null where a number must be stands for one.
            value = float("nan")
            there.append(required)
        else:
            there.append(True)
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ValueError(f"history[{index}][{key!r}] is {value!r}; pass a number")
        values.append(float(value))
    if key == "epoch" and not np.isfinite(values).all():
        raise ValueError("history has an epoch that is not a number; number the epochs from 1")
    keep = np.array(there)
    column = np.array(values)
    return _Series(epochs[keep], np.where(np.isfinite(column), column, np.nan)[keep])


def _shares(
    history: Sequence[Row], epochs: NDArray[np.float64], key: str, *, required: bool = False
) -> _Series:
    series = _series(history, epochs, key, required=required)
    for epoch, value in zip(*series, strict=True):
        if not np.isnan(value) and not 0 <= value <= 1:
            raise ValueError(
                f"{key} is {value:g} in epoch {epoch:g}; pass a share from 0 to 1, not a percentage"
            )
    return series


def _error(accuracy: _Series) -> _Series:
    return _Series(accuracy.epochs, 1 - accuracy.values)


def _draw(
    axes: Axes,
    training: _Series,
    validation: _Series,
    *,
    decades: float,
    formatter: Formatter | None = None,
) -> None:
    """Draw the two curves of a panel, on a scale that suits their span."""
    floor = _scale(axes, np.concatenate([training.values, validation.values]), decades, formatter)
    _line(axes, training, BLUE, "o", "-", floor)
    _line(axes, validation, VERMILION, "s", "--", floor)
    missing = int(np.isnan(training.values).sum() + np.isnan(validation.values).sum())
    if missing:
        axes.text(
            0.985,
            0.93,
            f"× not a finite number ({missing})",  # noqa: RUF001
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=SMALL,
            color=MUTED,
        )


def _line(
    axes: Axes, series: _Series, color: str, marker: str, style: str, floor: float = 0.0
) -> None:
    """Draw one curve, zeros at ``floor``, with a cross at the upper edge for each NaN."""
    epochs, values = series
    lost = np.isnan(values)
    axes.plot(
        epochs,
        np.where(values == 0, floor, values),
        color=color,
        linestyle=style,
        linewidth=1.6,
        # A lone point makes no line, so a curve with gaps has markers however long it is.
        marker=marker if epochs.size <= _MARKED_EPOCHS or lost.any() else "",
        markersize=3.5,
        clip_on=False,
    )
    axes.plot(
        epochs[lost],
        np.ones(lost.sum()),
        color=color,
        linestyle="",
        marker="x",
        markersize=5,
        transform=axes.get_xaxis_transform(),
        clip_on=False,
    )


def _scale(
    axes: Axes, values: NDArray[np.float64], decades: float, formatter: Formatter | None = None
) -> float:
    """Choose the panel's scale and limits; return where on it a zero is drawn."""
    label = formatter or FuncFormatter(_as_number)
    finite = values[np.isfinite(values)]
    positive = finite[finite > 0]
    floor = 0.0
    axes.grid(True, color=RULE, linewidth=0.7)
    if positive.size and finite.min() >= 0 and positive.max() > 10**decades * positive.min():
        zeros = positive.size < finite.size
        low, high = float(positive.min()), float(positive.max())
        floor = low / (max(3, (high / low) ** 0.25) if zeros else 1.5)
        axes.set_yscale("log")
        axes.set_ylim(floor, high * 1.3)
        wide = high > 1e3 * low
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_locator(NullLocator())
        if zeros:
            # A zero has no place on this scale, so it gets the lower edge, and the edge its name;
            # the other ticks keep away from there.
            ticks = axes.yaxis.get_major_locator().tick_values(low, high)
            axes.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if tick > low / 2]))
            axes.yaxis.set_minor_locator(FixedLocator([floor]))
            axes.yaxis.set_minor_formatter(FuncFormatter(lambda _, place: label(0.0, place)))
    elif finite.size == 0:
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
        low, high = float(finite.min()), float(finite.max())
        reach = 0.06 * (high - low) or 0.5 * abs(high) or 0.5
        # No room below zero where nothing can be.
        axes.set_ylim(max(low - reach, -0.02 * high) if low >= 0 else low - reach, high + reach)
    axes.yaxis.set_major_formatter(label)
    return floor


def _draw_rate(axes: Axes, rate: _Series) -> None:
    """Draw the learning rate into its strip, which has room for the two ends of its scale."""
    _line(axes, rate, MUTED, "o", "-", _scale(axes, rate.values, decades=2))
    axes.set_title("Learning rate", loc="left", fontsize=SMALL, color=INK, pad=5)
    drawn = rate.values[np.isfinite(rate.values)]
    if axes.get_yscale() == "log":
        drawn = drawn[drawn > 0]
    ends = sorted({float(drawn.min()), float(drawn.max())}) if drawn.size else []
    axes.yaxis.set_major_locator(FixedLocator(ends))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))


def _as_number(value: float, _position: int | None) -> str:
    return f"{value:.4g}"


def _as_percent(value: float, _position: int | None) -> str:
    return f"{value * 100:.4g}%"


def _name(axes: Axes, name: str) -> None:
    axes.set_ylabel(f"{name} (log scale)" if axes.get_yscale() == "log" else name)
    # One place for both, whatever the width of their numbers.
    axes.yaxis.set_label_coords(-0.7 / (_WIDTH - _LEFT - _RIGHT), 0.5)


def _mark_best(panels: list[Axes], error: _Series, loss: _Series) -> None:
    """Draw a line through all panels at the best validation epoch, and a ring at its value."""
    axes, (epochs, values) = panels[1], error
    if not np.isfinite(values).any():
        axes, (epochs, values) = panels[0], loss
    if not np.isfinite(values).any():
        return
    losses = dict(zip(loss.epochs.tolist(), loss.values.tolist(), strict=True))
    ties = np.flatnonzero(values == np.nanmin(values)).tolist()
    # The rule by which training keeps an epoch's weights: of equal errors the lowest loss.
    index = min(ties, key=lambda tie: losses.get(epochs[tie], np.inf))
    epoch, value = epochs[index], values[index]
    for each in panels:
        each.axvline(epoch, color=MUTED, linewidth=0.9, linestyle=":", zorder=1)
    axes.plot(
        [epoch],
        [max(value, axes.get_ylim()[0])],
        marker="o",
        markersize=10,
        markerfacecolor="none",
        markeredgecolor=INK,
        markeredgewidth=1.3,
        clip_on=False,
    )
    measured = (
        f"{value:.2%} error, {1 - value:.2%} correct" if axes is panels[1] else f"loss {value:.4g}"
    )
    axes.text(
        1,
        1.04,
        f"○ best validation: epoch {epoch:g}, {measured}",
        transform=axes.transAxes,
        ha="right",
        fontsize=SMALL,
        color=INK,
    )


def _legend(axes: Axes, *, validation: bool) -> None:
    handles = [Line2D([], [], color=BLUE, marker="o", markersize=3.5, label="training")]
    if validation:
        handles.append(
            Line2D(
                [],
                [],
                color=VERMILION,
                linestyle="--",
                marker="s",
                markersize=3.5,
                label="validation",
            )
        )
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=2,
        frameon=False,
        fontsize=NORMAL,
        labelcolor=INK,
        facecolor=PAPER,
    )
