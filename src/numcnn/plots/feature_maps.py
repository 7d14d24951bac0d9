"""Feature maps of one image: what each layer makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from numcnn.nn.layers.activation import softmax
from numcnn.plots.argument import check_classes, check_reals
from numcnn.plots.figure import (
    BLUE,
    MISSING,
    MUTED,
    NORMAL,
    QUIET,
    RULE,
    SIGNED_COLORS,
    SMALL,
    percent,
)
from numcnn.plots.sheet import HEADER, MARGIN, Sheet, drawable, fit, shorten, text_width

_MOST_MAPS: Final = 16
_MOST_BARS: Final = 10
_LABELS: Final = 1.75  # inches for the column of layer names
_INPUT, _TILE, _STRIP, _BAR = 1.25, 0.56, 0.26, 0.19
_GAP: Final = 0.06  # between maps
_SPACE: Final = 0.2  # between layers


def feature_maps(
    image: ArrayLike,
    activations: Sequence[tuple[str, ArrayLike]],
    classes: Sequence[str] | None = None,
) -> Figure:
    """Draw one image and, row by row, what each layer makes of it.

    A layer of maps shows its first 16, a layer of numbers one strip of them. White is zero,
    orange above and blue below. All values of a layer have one scale, whose ends stand beside it:
    maps of one layer may be compared, maps of two layers may not. Values that are not finite are
    gray.

    With ``classes``, the last layer must be a vector, drawn as bars of the class probabilities,
    of more than 10 classes the 10 most probable. If it is no probability distribution, it is
    taken for logits and the bars show its softmax, which the label says.

    Args:
        image: The input, shape (height, width, 1 or 3): uint8 pixels, or floats of any range,
            which are then stretched from the lowest to the highest.
        activations: A pair per layer, in order: its name, and its output for this image alone,
            without a batch axis, of shape (height, width, channels) or (n,).
        classes: A name per class.

    Raises:
        ValueError: No layer, an array of another shape, or ``classes`` that does not fit.
    """
    pixels = _check_image(image)
    layers = check_layers(activations)
    bars = None
    if classes is not None:
        name, vector = layers[-1]
        if vector.ndim != 1:
            raise ValueError(
                f"activations ends with {name!r} of shape {vector.shape}, but classes needs a "
                "vector there; end with the model's output, or leave classes out"
            )
        bars = check_classes(classes, vector.size, f"activations[{len(layers) - 1}]")

    rows = LayerRows.of(layers, bars)
    total = HEADER + _INPUT + rows.height + MARGIN
    sheet = Sheet.blank(MARGIN + _LABELS + rows.width + MARGIN, total)
    sheet.title(
        "Layer by layer", "White is zero, orange above, blue below; each layer has its own scale"
    )

    left, top = MARGIN + _LABELS, HEADER
    _label(sheet, top, "input", _shape(pixels), "")
    image_width, image_height = fit(pixels.shape, _INPUT)
    low, high = (0.0, 255.0) if pixels.dtype == np.uint8 else (0.0, 1.0)
    sheet.image(drawable(pixels), left, top, image_width, image_height, low=low, high=high)
    sheet.box(left, top, image_width, image_height, edge=RULE)

    rows.draw(sheet, MARGIN, top + _INPUT + _SPACE)
    return sheet.figure


@final
@dataclass(frozen=True, eq=False)
class LayerRows:
    """A row for each layer, ready to be drawn onto a sheet.

    Attributes:
        layers: Each layer's name and output.
        bars: The classes' names, if the last layer is to be drawn as probabilities.
        width: How wide the maps are, in inches, without the names beside them.
        heights: How high each row is, in inches.
    """

    layers: list[tuple[str, NDArray[np.float64]]]
    bars: list[str] | None
    width: float
    heights: list[float]

    @classmethod
    def of(cls, layers: list[tuple[str, NDArray[np.float64]]], bars: list[str] | None) -> Self:
        """Lay the rows out."""
        # Wide enough for the legend line even when every layer has few maps.
        most = max([value.shape[2] for _, value in layers if value.ndim == 3], default=0)
        columns = min(max(most, 8), _MOST_MAPS)
        heights = [_height(value) for _, value in layers]
        if bars is not None:
            heights[-1] = min(len(bars), _MOST_BARS) * _BAR
        width = columns * (_TILE + _GAP) - _GAP
        return cls(layers, bars, width, [max(height, 0.48) for height in heights])

    @property
    def height(self) -> float:
        """How high all of them are, with the space between them."""
        return sum(self.heights) + len(self.heights) * _SPACE

    def draw(self, sheet: Sheet, left: float, top: float) -> None:
        """Draw them, the names at ``left`` inches, the first row at ``top``."""
        maps = left + _LABELS
        for index, ((name, value), height) in enumerate(
            zip(self.layers, self.heights, strict=True)
        ):
            sheet.axes.hlines(
                top - _SPACE / 2, left, maps + self.width, colors=QUIET, linewidth=0.8
            )
            if self.bars is not None and index == len(self.layers) - 1:
                _bars(sheet, name, value, self.bars, maps, top, self.width)
            else:
                _layer(sheet, name, value, maps, top, self.width)
            top += height + _SPACE


def _check_image(image: ArrayLike) -> NDArray[Any]:
    pixels: NDArray[Any] = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or 0 in pixels.shape:
        raise ValueError(
            f"image has the shape {pixels.shape}; pass one image as (height, width, channels), "
            "with 1 channel for gray or 3 for color"
        )
    if pixels.dtype == np.uint8:
        return pixels
    values = check_reals("image", pixels)
    if not np.isfinite(values).all():
        raise ValueError("image has values that are not finite; pass pixels, such as uint8")
    span = float(np.ptp(values))
    return (values - values.min()) / span if span else np.full_like(values, 0.5)


def check_layers(
    activations: Sequence[tuple[str, ArrayLike]],
) -> list[tuple[str, NDArray[np.float64]]]:
    """Check what `feature_maps` takes, and return it as arrays.

    Raises:
        ValueError: There is no layer, or an array has another shape.
    """
    if not activations:
        raise ValueError("activations is empty; pass a (name, array) pair for at least one layer")
    layers = []
    for index, (name, array) in enumerate(activations):
        value = check_reals(f"activations[{index}]", array)
        if value.ndim not in (1, 3):
            raise ValueError(
                f"activations[{index}], {name!r}, has the shape {value.shape}; pass the output "
                "for one image, (height, width, channels) or (n,), without the batch axis"
            )
        layers.append((name, value))
    return layers


def _is_strip(value: NDArray[np.float64]) -> bool:
    # Maps of one pixel, as after global pooling, are numbers and look better as such.
    return value.ndim == 1 or value.shape[:2] == (1, 1)


def _height(value: NDArray[np.float64]) -> float:
    return _STRIP if _is_strip(value) else fit(value.shape, _TILE)[1]


def _layer(
    sheet: Sheet, name: str, value: NDArray[np.float64], left: float, top: float, width: float
) -> None:
    """Draw a row: maps side by side, or a strip of numbers."""
    finite = np.abs(value[np.isfinite(value)])
    limit = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    shown = np.where(np.isfinite(value), value, np.nan)
    signed = finite.size > 0 and float(np.nanmin(shown)) < 0
    scale = f"{f'±{limit:.2g}' if signed else f'0 to {limit:.2g}'}"
    if finite.size < value.size:
        scale += f", {value.size - finite.size} not finite"

    if _is_strip(value):
        _label(sheet, top, name, _shape(value), scale)
        numbers = shown.reshape(1, -1)
        # Few numbers make few squares, not one bar of wide blocks.
        strip = min(width, numbers.size * _STRIP)
        sheet.image(numbers, left, top, strip, _STRIP, colors=SIGNED_COLORS, low=-limit, high=limit)
        sheet.box(left, top, strip, _STRIP, edge=RULE)
        return
    channels = value.shape[2]
    if channels > _MOST_MAPS:
        scale = f"first {_MOST_MAPS} maps, {scale}"
    _label(sheet, top, name, _shape(value), scale)
    map_width, map_height = fit(value.shape, _TILE)
    for k in range(min(channels, _MOST_MAPS)):
        x = left + k * (_TILE + _GAP)
        sheet.image(
            shown[:, :, k],
            x,
            top,
            map_width,
            map_height,
            colors=SIGNED_COLORS,
            low=-limit,
            high=limit,
        )
        sheet.box(x, top, map_width, map_height, edge=RULE, line_width=0.6)


def _bars(
    sheet: Sheet,
    name: str,
    vector: NDArray[np.float64],
    classes: list[str],
    left: float,
    top: float,
    width: float,
) -> None:
    """Draw the probabilities of the classes, the highest dark."""
    probabilities, note = _distribution(vector)
    order = np.arange(len(classes))
    if len(classes) > _MOST_BARS:
        order = np.argsort(-probabilities, kind="stable")[:_MOST_BARS]
        note = f"{note}, top {_MOST_BARS}" if note else f"top {_MOST_BARS}"
    _label(sheet, top, name, _shape(vector), note)
    names = [shorten(classes[k], 1.6, weight="bold") for k in order]
    start = left + max(text_width(each, weight="bold") for each in names) + 0.1
    length = min(width - (start - left) - 0.6, 3.2)
    best = int(np.nanargmax(probabilities)) if np.isfinite(probabilities).any() else -1
    for row, k in enumerate(order):
        middle = top + (row + 0.5) * _BAR
        share = float(probabilities[k])
        weight = "bold" if k == best else "normal"
        sheet.text(
            start - 0.08, middle, names[row], weight=weight, align="right", vertical="center"
        )
        sheet.box(start, middle - 0.055, length, 0.11, fill=QUIET)
        if np.isfinite(share):
            color = BLUE if k == best else MISSING
            sheet.box(start, middle - 0.055, length * share, 0.11, fill=color)
        text = percent(share) if np.isfinite(share) else "not finite"
        sheet.text(start + length + 0.07, middle, text, weight=weight, vertical="center")


def _distribution(vector: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Return probabilities of shape (n,), and how they came from ``vector`` if not directly."""
    if not np.isfinite(vector).all():
        return np.full_like(vector, np.nan), "not finite"
    if vector.min() >= 0 and abs(vector.sum() - 1) <= 0.01:
        return vector, ""
    return np.asarray(softmax(vector), np.float64), "softmax of these logits"


def _label(sheet: Sheet, top: float, name: str, shape: str, note: str) -> None:
    room = _LABELS - 0.15
    sheet.text(MARGIN, top + 0.12, shorten(name, room, NORMAL, "bold"), size=NORMAL, weight="bold")
    sheet.text(MARGIN, top + 0.28, shape, color=MUTED)
    sheet.text(MARGIN, top + 0.42, shorten(note, room), color=MUTED, size=SMALL)


def _shape(array: NDArray[Any]) -> str:
    return " × ".join(str(size) for size in array.shape)  # noqa: RUF001
