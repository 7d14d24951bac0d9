"""A drawing of a network's architecture: its feature maps to scale, as SVG.

Each box is what a layer puts out: as high and wide as the maps, as deep as there are channels (by
their logarithm, or the last layers would fill the page). Above stands the layer that made it, with
its parameters; below the shape, and what is done to it without changing its shape. Light and dark
pages are both served, by a style sheet inside the drawing.
"""

import math
from dataclasses import dataclass, field
from html import escape
from typing import final

from numcnn.nn import Sequential
from numcnn.nn.arrays import Shape, size_text
from numcnn.nn.layers import AveragePool2D, Conv2D, Dense, Layer, MaxPool2D, Residual

_TALLEST, _LOWEST = 150.0, 16.0
_GAP, _MARGIN, _TOP = 52.0, 24.0, 64.0
_SLICE = 6.0  # pixels that one channel's map is shifted against the one before
_MOST_SLICES = 9

_STYLE = """
.d{font:12px system-ui,sans-serif;fill:#1f2937}.s{fill:#4b5563;font-size:11px}
.m{fill:#dbeafe;stroke:#1d4ed8}.p{fill:#dcfce7;stroke:#15803d}.v{fill:#ffedd5;stroke:#c2410c}
.i{fill:#f3f4f6;stroke:#374151}.a{stroke:#6b7280;fill:none}.bg{fill:#fff}
@media (prefers-color-scheme:dark){.d{fill:#e5e7eb}.s{fill:#9ca3af}.m{fill:#1e3a8a;stroke:#93c5fd}
.p{fill:#14532d;stroke:#86efac}.v{fill:#7c2d12;stroke:#fdba74}.i{fill:#374151;stroke:#d1d5db}
.bg{fill:#111827}}
"""


@final
@dataclass
class _Stage:
    """What one layer puts out, and what follows without changing its shape."""

    title: str
    shape: Shape
    parameters: int
    kind: str
    after: list[str] = field(default_factory=list)


def diagram(model: Sequential, title: str = "") -> str:
    """Draw a model's architecture.

    Args:
        model: A built model.
        title: What stands above it.

    Returns:
        An SVG file's content.

    Raises:
        ValueError: The model is not built.
    """
    stages = _stages(model)
    largest = max((max(each.shape[:2]) for each in stages if len(each.shape) == 3), default=1)
    x, boxes = _MARGIN, []
    middle = _TOP + _TALLEST / 2 + 20
    for place, stage in enumerate(stages):
        width, height = _size(stage, largest)
        label = max(width, 6.2 * max(len(stage.title), len(size_text(stage.shape))))
        left = x + (label - width) / 2
        drawn = _box(stage, left, middle, largest)
        if place:
            drawn += _arrow(x - _GAP + 6, left - 5, middle)
        center = x + label / 2
        drawn += _text(center, middle - height / 2 - 22, stage.title)
        if stage.parameters:
            drawn += _text(center, middle - height / 2 - 8, f"{stage.parameters:,}", "d s")
        drawn += _text(center, middle + height / 2 + 18, size_text(stage.shape))
        for row, name in enumerate(stage.after):
            drawn += _text(center, middle + height / 2 + 33 + 14 * row, name, "d s")
        boxes.append(drawn)
        x += label + _GAP
    rows = max(len(stage.after) for stage in stages)
    full = x - _GAP + _MARGIN, middle + _TALLEST / 2 + 60 + 14 * rows
    total = sum(stage.parameters for stage in stages)
    head = f"{title + ': ' if title else ''}{total:,} parameters"
    told = escape(_told(stages))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full[0]:.0f} {full[1]:.0f}" '
        f'width="{full[0]:.0f}" height="{full[1]:.0f}" role="img" aria-label="{told}">'
        f"<style>{_STYLE}</style>"
        f'<rect class="bg" width="100%" height="100%"/>'
        f"{_text(_MARGIN, 26, head, 'd', 'start')}{''.join(boxes)}</svg>\n"
    )


def _stages(model: Sequential) -> list[_Stage]:
    """The layers, those that only change numbers with the one before."""
    links = model.links()
    stages = [_Stage("input", model.input_shape, 0, "i")]
    for link in links:
        parameters = sum(
            array.size for _, inner in link.layer.walk() for array in inner.params.values()
        )
        is_bare = not isinstance(link.layer, Conv2D | Dense | Residual)
        if is_bare and link.output_shape == stages[-1].shape:
            stages[-1].after.append(type(link.layer).__name__)
            stages[-1].parameters += parameters
            continue
        stages.append(_Stage(_name(link.layer), link.output_shape, parameters, _kind(link.layer)))
    return stages


def _name(layer: Layer) -> str:
    if isinstance(layer, Conv2D):
        size = layer.window.size
        stride = layer.window.stride
        return f"Conv2D {size_text(size)}{'' if max(stride) == 1 else f', stride {stride[0]}'}"
    if isinstance(layer, MaxPool2D | AveragePool2D):
        return f"{type(layer).__name__} {size_text(layer.window.size)}"
    if isinstance(layer, Residual):
        kernels = sum(isinstance(inner, Conv2D) for _, inner in layer.walk())
        return f"Residual, {kernels} Conv2D"
    return type(layer).__name__


def _kind(layer: Layer) -> str:
    if isinstance(layer, Conv2D | Residual):
        return "m"
    return "v" if isinstance(layer, Dense) else "p"


def _maps(stage: _Stage, largest: int) -> tuple[float, float, int]:
    """A feature map's width and height in the drawing, and how many are drawn."""
    rows, columns, channels = stage.shape
    # The square root keeps small maps in sight; foreshortened, as they stand one behind another.
    unit = 0.8 * _TALLEST / math.sqrt(largest)
    wide, tall = (max(_LOWEST, unit * math.sqrt(side)) for side in (columns, rows))
    return 0.55 * wide, tall, min(_MOST_SLICES, 1 + round(math.log2(max(1, channels))))


def _size(stage: _Stage, largest: int) -> tuple[float, float]:
    """A stage's width and height in the drawing."""
    if len(stage.shape) == 3:
        wide, tall, slices = _maps(stage, largest)
        return wide + _SLICE * (slices - 1), tall + _SLICE * (slices - 1)
    return 16.0, min(_TALLEST, 24 + 13 * math.log2(max(1, math.prod(stage.shape))))


def _box(stage: _Stage, x: float, middle: float, largest: int) -> str:
    """Draw a stage with its left edge at ``x``."""
    width, height = _size(stage, largest)
    top = middle - height / 2
    if len(stage.shape) != 3:
        return _rectangle(x, top, width, height, stage.kind)
    wide, tall, slices = _maps(stage, largest)
    return "".join(
        _rectangle(x + _SLICE * k, top + _SLICE * k, wide, tall, stage.kind) for k in range(slices)
    )


def _rectangle(x: float, y: float, width: float, height: float, kind: str) -> str:
    size = f'width="{width:.1f}" height="{height:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} class="{kind}"/>'


def _arrow(start: float, end: float, y: float) -> str:
    return (
        f'<path class="a" d="M{start:.1f} {y:.1f}H{end:.1f}M{end - 6:.1f} {y - 4:.1f}'
        f'L{end:.1f} {y:.1f}L{end - 6:.1f} {y + 4:.1f}"/>'
    )


def _text(x: float, y: float, words: str, kind: str = "d", anchor: str = "middle") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} class="{kind}">{escape(words)}</text>'


def _told(stages: list[_Stage]) -> str:
    """The same in words."""
    return "; ".join(
        f"{', '.join([stage.title, *stage.after])}: {size_text(stage.shape)}" for stage in stages
    )
