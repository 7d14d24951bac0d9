"""The confusion matrix as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike, NDArray

from numcnn.plots.argument import check_classes
from numcnn.plots.figure import (
    BLUE,
    INK,
    LARGE,
    MUTED,
    NORMAL,
    PAPER,
    QUIET,
    RULE,
    SHARE_COLORS,
    SMALL,
    percent,
    place_axes,
)
from numcnn.plots.sheet import HEADER, MARGIN, Sheet, shorten, text_width

MOST_CLASSES: Final = 100
_NUMBERED_CLASSES: Final = 25  # with more, a cell is too small for its number
_LONGEST_NAME: Final = 1.7  # inches
_PALEST_FULL_SCALE: Final = 0.02  # a share so small never gets the darkest color


def confusion_matrix_figure(
    matrix: ArrayLike, classes: Sequence[str], most: int | None = None
) -> Figure:
    """Draw a confusion matrix so that the mistakes stand out.

    A cell off the diagonal is colored by its share of its row: of all images of the true class,
    the part that was taken for the predicted one. The diagonal, which holds nearly everything and
    would drown the rest, stays pale. Up to 25 classes, the cells show their counts, zeros left
    out. At the right stands each class's recall, the share of its images that were recognized.

    Args:
        matrix: Counts, integers of shape (classes, classes): true classes in rows, predicted
            classes in columns. A row may be empty; its recall is a dash.
        classes: A name per class, 2 to 100 of them, or more if ``most`` says which to draw.
        most: Draw only so many classes, 2 to 100: those that take part in most mistakes, in their
            order. Accuracy, shares and recall stay those of all.

    Raises:
        ValueError: ``matrix`` is not square, not of counts or empty, or ``classes`` does not fit.
    """
    counts = _wholes(matrix, most)
    names = check_classes(classes, len(counts), "matrix")
    per_class = counts.sum(axis=1)
    shares = counts / np.maximum(per_class, 1)[:, None]
    total, correct = int(counts.sum()), int(np.trace(counts))
    title = f"Confusion matrix, accuracy {percent(correct / total, 2)}"
    subtitle = f"{correct:,} of {total:,} images on the diagonal, {total - correct:,} beside it"
    if most is not None and most < len(names):
        shown = _most_confused(counts, most)
        title += f": the {most} of {len(names)} classes that are confused most"
        subtitle = f"{correct:,} of all {total:,} images are right, {total - correct:,} wrong"
        names = [names[k] for k in shown]
        counts, shares = counts[np.ix_(shown, shown)], shares[np.ix_(shown, shown)]
        per_class = per_class[shown]
    n = len(names)

    cell = float(np.clip(4.6 / n, 0.42, 1.1) if n <= _NUMBERED_CLASSES else np.clip(9 / n, 0.11, 1))
    size = min(SMALL + 0.5, cell * 72 * 0.62)
    names = [shorten(name, _LONGEST_NAME, size) for name in names]
    widest = max(text_width(name, size) for name in names)
    level = widest <= 0.9 * cell
    slant = 0 if level else 45 if cell > 0.3 else 90
    label_height = (size / 72) if level else widest * (0.71 if slant == 45 else 1) + 0.08

    side = n * cell
    left, top = MARGIN + 0.3 + widest + 0.12, HEADER + 0.2
    bars = left + side + 0.15
    scale = bars + 1.45
    sheet = Sheet.blank(
        max(
            scale + 1.0,
            2 * MARGIN + text_width(title, LARGE, "bold"),
            2 * MARGIN + text_width(subtitle, NORMAL),
        ),
        top + side + 0.12 + label_height + 0.5,
    )
    sheet.title(title, subtitle)

    off_diagonal = shares * (1 - np.eye(n))
    # A power below 1 keeps the many small mistakes visible beside a large one.
    scaled = PowerNorm(0.7, 0, max(float(off_diagonal.max()), _PALEST_FULL_SCALE))
    colors = SHARE_COLORS(scaled(off_diagonal))
    colors[np.arange(n), np.arange(n), :3] = [int(QUIET[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    sheet.image(colors, left, top, side, side)
    _rule(sheet, left, top, n, cell)
    if n <= _NUMBERED_CLASSES:
        _number(sheet, counts, colors, left, top, cell)

    for k, name in enumerate(names):
        middle = (k + 0.5) * cell
        sheet.text(left - 0.1, top + middle, name, size=size, align="right", vertical="center")
        below = top + side + (0.1 if slant else 0.08)
        if level:
            sheet.text(left + middle, below, name, size=size, align="center", vertical="top")
        else:
            sheet.text(
                left + middle,
                below,
                name,
                size=size,
                align="right",
                vertical="top" if slant == 45 else "center",
                rotation=slant,
            )
    axis = top + side / 2
    sheet.text(
        MARGIN + 0.1, axis, "True class", size=NORMAL, align="center", rotation=90, color=MUTED
    )
    sheet.text(
        left + side / 2,
        top + side + 0.12 + label_height + 0.26,
        "Predicted class",
        size=NORMAL,
        align="center",
        color=MUTED,
    )
    _recall(sheet, counts, per_class, bars, top, cell, size)
    _color_scale(sheet, scaled, scale, top, min(side, 2.4))
    return sheet.figure


def _most_confused(counts: NDArray[np.int64], most: int) -> NDArray[np.intp]:
    """The classes with the most images that are taken for others, or others for them, in order."""
    mistakes = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    return np.sort(np.argsort(-mistakes, kind="stable")[:most])


def _wholes(matrix: ArrayLike, most: int | None) -> NDArray[np.int64]:
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(
            f"matrix has the shape {counts.shape}; pass a square of counts, (classes, classes)"
        )
    if most is not None and not 2 <= most <= MOST_CLASSES:
        raise ValueError(f"most is {most}; give 2 to {MOST_CLASSES}")
    if not 2 <= len(counts) <= (MOST_CLASSES if most is None else len(counts)):
        raise ValueError(
            f"matrix has {len(counts)} classes; 2 to {MOST_CLASSES} can be drawn, "
            "so say how many of those that are confused most, such as most=25"
        )
    if not np.issubdtype(counts.dtype, np.integer) or counts.min() < 0:
        raise ValueError(
            f"matrix has the type {counts.dtype} and the smallest value {counts.min()}; "
            "pass counts of images, integers from 0, not shares"
        )
    if not counts.any():
        raise ValueError("matrix holds only zeros; pass the counts of at least one image")
    return counts.astype(np.int64)


def _rule(sheet: Sheet, left: float, top: float, n: int, cell: float) -> None:
    """Draw thin lines between the cells."""
    edges = np.arange(n + 1) * cell
    thickness = 0.6 if n <= _NUMBERED_CLASSES else 0.3
    sheet.axes.hlines(top + edges, left, left + n * cell, colors=RULE, linewidth=thickness)
    sheet.axes.vlines(left + edges, top, top + n * cell, colors=RULE, linewidth=thickness)


def _number(
    sheet: Sheet,
    counts: NDArray[np.int64],
    colors: NDArray[np.float64],
    left: float,
    top: float,
    cell: float,
) -> None:
    """Write each count that is not zero into its cell, light on dark or dark on light."""
    longest = text_width(str(counts.max()), 10)
    size = min(10.0, 10.0 * 0.86 * cell / longest)
    for row, column in zip(*np.nonzero(counts), strict=True):
        # The weights of Rec. 709: how bright red, green and blue look.
        brightness = float(colors[row, column, :3] @ [0.2126, 0.7152, 0.0722])
        sheet.text(
            left + (column + 0.5) * cell,
            top + (row + 0.5) * cell,
            str(counts[row, column]),
            size=size,
            color=INK if brightness > 0.55 else PAPER,
            align="center",
            vertical="center",
        )


def _recall(
    sheet: Sheet,
    counts: NDArray[np.int64],
    per_class: NDArray[np.int64],
    left: float,
    top: float,
    cell: float,
    size: float,
) -> None:
    """Draw a bar from 0 to 100% per class, and its number where there is room."""
    numbers = cell * 72 >= 8
    width = 0.6 if numbers else 1.1
    thickness = min(0.12, 0.6 * cell)
    sheet.text(left, top - 0.09, "Recall", size=SMALL, color=MUTED)
    for k, images in enumerate(per_class):
        middle = top + (k + 0.5) * cell
        sheet.box(left, middle - thickness / 2, width, thickness, fill=QUIET)
        recall = counts[k, k] / images if images else 0.0
        sheet.box(left, middle - thickness / 2, width * recall, thickness, fill=BLUE)
        if numbers:
            text = percent(recall) if images else "–"  # noqa: RUF001
            sheet.text(left + width + 0.07, middle, text, size=size, vertical="center")


def _color_scale(sheet: Sheet, scaled: Normalize, left: float, top: float, height: float) -> None:
    axes = place_axes(sheet.figure, left, top, 0.13, height)
    bar = sheet.figure.colorbar(ScalarMappable(scaled, SHARE_COLORS), cax=axes)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share * 100:.3g}%"))
    bar.ax.tick_params(colors=MUTED, labelcolor=INK, labelsize=SMALL, length=2)
    bar.set_label("Share of the true class", color=MUTED, fontsize=SMALL)
