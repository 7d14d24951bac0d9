"""The filters of a convolution as images."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from numcnn.plots.argument import check_reals
from numcnn.plots.figure import INK, LARGE, MUTED, NORMAL, RULE, SIGNED_COLORS, SMALL, place_axes
from numcnn.plots.sheet import HEADER, MARGIN, Sheet, fit, text_width

_MOST_FILTERS: Final = 64  # in a grid
_MOST_ROWS: Final = 16  # in a table of filters × channels
_TILE: Final = 0.6
_SMALL_TILE: Final = 0.42


def filter_grid(weights: ArrayLike, name: str = "") -> Figure:
    """Draw the filters of a convolution.

    What a filter looks like depends on the number of input channels:

    - 1 channel: a grid of filters, white for zero, blue below and orange above, with one scale for
      all of them, symmetric about zero.
    - 3 channels: a grid of filters as RGB. All weights are scaled together so that the largest in
      magnitude reaches full color; mid-gray is zero.
    - otherwise: a table with a filter per row and an input channel per column, colored as for 1
      channel. There is no mean over the channels, in which weights of opposite sign would cancel
      and a strong filter could look like none.

    Up to 64 filters are drawn in a grid, and up to 16 × 16 in a table: the first ones, which the
    subtitle says. Weights that are not finite are gray.

    Args:
        weights: Shape (height, width, in_channels, filters).
        name: The layer's name, for the title.

    Raises:
        ValueError: ``weights`` has another number of axes, no values, or is not of real numbers.
    """
    values = check_reals("weights", weights)
    if values.ndim != 4:
        raise ValueError(
            f"weights has the shape {values.shape}; "
            "pass (height, width, in_channels, filters), as a convolution keeps them"
        )
    height, width, channels, filters = values.shape
    title = f"{filters} filter{'s' * (filters != 1)} of {height} × {width}"  # noqa: RUF001
    if name:
        title = f"{name}: {title}"
    # A layer of zeros would have an empty scale.
    finite = np.abs(values[np.isfinite(values)])
    limit = float(finite.max()) if finite.size and finite.max() > 0 else 1.0

    if channels in (1, 3):
        tiles = [values[:, :, :, k] for k in range(min(filters, _MOST_FILTERS))]
        return _grid(title, tiles, filters, limit)
    return _table(title, values, limit)


def _grid(title: str, tiles: list[NDArray[np.float64]], filters: int, limit: float) -> Figure:
    colored = tiles[0].shape[2] == 3
    columns = min(len(tiles), 8)
    if len(tiles) > 32:
        columns = min(len(tiles), 16)
    rows = math.ceil(len(tiles) / columns)
    subtitle = "RGB input, mid-gray is zero" if colored else "1 input channel"
    if len(tiles) < filters:
        subtitle += f"; the first {len(tiles)} filters are shown"

    pitch = _TILE + 0.1
    left = MARGIN + 0.3
    sheet = _page(title, subtitle, left + columns * pitch, rows * pitch, scale=not colored)
    for k, tile in enumerate(tiles):
        row, column = divmod(k, columns)
        x, y = left + column * pitch, HEADER + row * pitch
        if column == 0:
            sheet.text(
                left - 0.1, y + _TILE / 2, str(k), color=MUTED, align="right", vertical="center"
            )
        _tile(sheet, tile if colored else tile[:, :, 0], x, y, _TILE, limit)
    if not colored:
        _color_scale(sheet, left + columns * pitch + 0.15, max(rows * pitch - 0.1, 1.0), limit)
    return sheet.figure


def _table(title: str, values: NDArray[np.float64], limit: float) -> Figure:
    _, _, channels, filters = values.shape
    rows, columns = min(filters, _MOST_ROWS), min(channels, _MOST_ROWS)
    subtitle = f"{channels} input channels"
    if (rows, columns) != (filters, channels):
        subtitle += f"; the first {rows} filters and {columns} channels are shown"

    pitch = _SMALL_TILE + 0.07
    left, top = MARGIN + 0.55, HEADER + 0.35
    height = max(rows * pitch, 1.0) + 0.35
    sheet = _page(title, subtitle, left + columns * pitch, height, scale=True)
    sheet.text(left, top - 0.24, "Input channel", color=MUTED)
    sheet.text(
        MARGIN + 0.1,
        top + rows * pitch / 2,
        "Filter",
        color=MUTED,
        align="center",
        rotation=90,
    )
    for column in range(columns):
        x = left + column * pitch
        sheet.text(x + _SMALL_TILE / 2, top - 0.07, str(column), color=MUTED, align="center")
        for row in range(rows):
            y = top + row * pitch
            _tile(sheet, values[:, :, column, row], x, y, _SMALL_TILE, limit)
    for row in range(rows):
        middle = top + row * pitch + _SMALL_TILE / 2
        sheet.text(left - 0.1, middle, str(row), color=MUTED, align="right", vertical="center")
    _color_scale(
        sheet, left + columns * pitch + 0.15, max(rows * pitch - 0.07, 1.0), limit, top=top
    )
    return sheet.figure


def _page(title: str, subtitle: str, right: float, height: float, *, scale: bool) -> Sheet:
    needed = max(text_width(title, LARGE, "bold"), text_width(subtitle, NORMAL))
    sheet = Sheet.blank(
        max(right + (0.95 if scale else 0.0) + MARGIN - 0.1, needed + 2 * MARGIN),
        HEADER + max(height, 1.0 if scale else 0.0) + MARGIN,
    )
    sheet.title(title, subtitle)
    return sheet


def _tile(
    sheet: Sheet, tile: NDArray[np.float64], left: float, top: float, side: float, limit: float
) -> None:
    width, height = fit(tile.shape, side)
    left, top = left + (side - width) / 2, top + (side - height) / 2
    if tile.ndim == 3:
        # NaN has no color of its own in RGB; zero's gray is the least conspicuous.
        tile = 0.5 + np.nan_to_num(tile, posinf=limit, neginf=-limit) / (2 * limit)
        sheet.image(tile, left, top, width, height)
    else:
        tile = np.where(np.isfinite(tile), tile, np.nan)
        sheet.image(tile, left, top, width, height, colors=SIGNED_COLORS, low=-limit, high=limit)
    # The frame holds a filter together whose edges are white.
    sheet.box(left, top, width, height, edge=RULE, line_width=0.6)


def _color_scale(
    sheet: Sheet, left: float, height: float, limit: float, top: float = HEADER
) -> None:
    height = min(height, 2.6)
    axes = place_axes(sheet.figure, left, top, 0.13, height)
    bar = sheet.figure.colorbar(
        ScalarMappable(Normalize(-limit, limit), SIGNED_COLORS), cax=axes, ticks=[-limit, 0, limit]
    )
    bar.ax.set_yticklabels([f"−{limit:.2g}", "0", f"{limit:.2g}"])  # noqa: RUF001
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=MUTED, labelcolor=INK, labelsize=SMALL, length=2)
    bar.set_label("Weight", color=MUTED, fontsize=SMALL)
