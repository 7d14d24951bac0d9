"""The architecture in a model file, checked against the file's arrays before anything is built.

A few bytes can describe a network of any size. So each layer is asked what it would make before it
makes it, and may make only what the file holds; what a file can ask for without weights (layers,
activations, windows) has limits of its own.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

from numcnn.nn.arrays import Shape
from numcnn.nn.layers import Conv2D, Layer, Pool2D, Residual
from numcnn.nn.layers.chain import Chain
from numcnn.nn.model import Sequential
from numcnn.nn.validation import whole

MOST_LAYERS = 10_000
"""Layers in a file, those inside others counted. The deepest published ResNet has about 4,000."""

MOST_DEPTH = 100
"""Layers around a layer."""

MOST_AXES = 8
"""Axes of an input; images have 3."""

MOST_ACTIVATIONS = 1 << 26
"""Numbers that one layer makes of one example: 256 MB, an image of 8,192 x 8,192."""

MOST_WINDOW_CELLS = 1 << 16
"""Pixels in the window of a convolution or of pooling: 256 x 256."""

MOST_WINDOW_VALUES = 1 << 28
"""Numbers that a window sees at all its positions in one example, 1 GB if they are laid out."""


def build_described(
    architecture: Any, array_shapes: Mapping[str, Shape], known: Mapping[str, type[Layer]]
) -> Sequential:
    """Build the model that a file describes, for weights that are about to be loaded into it.

    Args:
        architecture: ``{"input_shape": [...], "layers": [...]}``, from the file.
        array_shapes: The shapes of the file's arrays by name.
        known: The layer classes that may be named.

    Returns:
        The model, built; its numbers mean nothing yet.

    Raises:
        ValueError: The description is none, exceeds a limit, or asks for other arrays than those
            in the file. No memory was taken then but for what the file holds.
    """
    if not isinstance(architecture, Mapping) or not isinstance(architecture.get("layers"), list):
        raise ValueError("the architecture has no list of layers")
    layers = architecture["layers"]
    _require_few_layers(layers)
    input_shape = _input_shape(architecture.get("input_shape"))
    model = Sequential.from_config(layers, known)
    numbers = sum(math.prod(shape) for shape in array_shapes.values())
    _require_arrays("", Chain(model.layers), input_shape, array_shapes, _Zeros(numbers))
    model.build(input_shape, _Zeros(numbers))
    return model


def _require_few_layers(layers: list[Any]) -> None:
    """Count layers and their depth without recursion, which a deep file would exhaust."""
    count, left = 0, [(layer, 0) for layer in layers]
    while left:
        layer, depth = left.pop()
        count += 1
        if depth > MOST_DEPTH:
            raise ValueError(f"layers inside layers, more than {MOST_DEPTH} deep")
        if count + len(left) > MOST_LAYERS:
            raise ValueError(f"more than {MOST_LAYERS:,} layers")
        if isinstance(layer, Mapping):
            lists = [value for value in layer.values() if isinstance(value, list)]
            left += [(inner, depth + 1) for value in lists for inner in value]


def _input_shape(value: Any) -> Shape:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_AXES:
        raise ValueError("input_shape is not a list of sizes")
    shape = tuple(whole("input_shape", size) for size in value)
    _require_few_activations("the input", shape)
    return shape


def _require_few_activations(what: str, shape: Sequence[int]) -> None:
    if (count := math.prod(shape)) > MOST_ACTIVATIONS:
        raise ValueError(
            f"{what} has {_counted(count)} numbers an example; the limit is {MOST_ACTIVATIONS:,}"
        )


def _require_arrays(
    prefix: str,
    chain: Chain,
    shape: Shape,
    found: Mapping[str, Shape],
    rng: np.random.Generator,
) -> Shape:
    """Follow an example's shape through a chain; each layer may make only what the file holds."""
    for name, layer in chain:
        path = f"{prefix}{name}"
        try:
            wanted = layer.array_shapes(shape)
            for key, array in wanted.items():
                _require_shape(f"{path}.{key}", array, found)
            if isinstance(layer, Conv2D | Pool2D):
                _require_small_window(path, layer, shape)
            if isinstance(layer, Residual):
                # Not built here: that would build what is inside again, at each depth twice.
                branch, shortcut = layer.ways
                around = _require_arrays(f"{path}.shortcut.", shortcut, shape, found, rng)
                shape = _require_arrays(f"{path}.branch.", branch, shape, found, rng)
                _require_few_activations(path, around)
            else:
                shape = layer.build(shape, rng)
        except ValueError as error:
            raise ValueError(_located(path, error)) from error
        _require_few_activations(path, shape)
    return shape


def _located(path: str, error: ValueError) -> str:
    """An error's words, with the layer where they do not name it yet."""
    text = str(error)
    return text if text.startswith(path) else f"{path}: {text}"


def _require_shape(name: str, wanted: Shape, found: Mapping[str, Shape]) -> None:
    if name not in found:
        raise ValueError(f"{name} is missing from the file")
    if found[name] != wanted:
        shown = ", ".join(map(_counted, wanted))
        raise ValueError(f"{name} is {found[name]}, but this model's is ({shown})")


def _require_small_window(path: str, layer: Conv2D | Pool2D, shape: Shape) -> None:
    window = layer.window
    positions = math.prod(window.positions(shape))
    cells = math.prod(window.size)
    if cells > MOST_WINDOW_CELLS or positions * cells * shape[2] > MOST_WINDOW_VALUES:
        raise ValueError(
            f"{path}: a window of {' x '.join(map(_counted, window.size))} on an input of "
            f"{shape[0]} x {shape[1]} x {shape[2]} is too much work"
        )
    margins = window.margins(shape)
    padded = (size + sum(margin) for size, margin in zip(shape[:2], margins, strict=True))
    _require_few_activations(f"{path}'s padded input", (*padded, shape[2]))


def _counted(number: int) -> str:
    """A count as text; Python writes no integer of more than 4,300 digits."""
    return f"{number}" if number < 10**18 else "over 10^18"


@final
class _Zeros(np.random.Generator):
    """Draws zeros for a start that the file's weights will replace, and no more than those.

    The limit is for layers of one's own, which may draw without having said how much.
    """

    def __init__(self, numbers: int) -> None:
        super().__init__(np.random.PCG64(0))
        self._left = self._numbers = numbers

    def standard_normal(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Zeros, within bounds."""
        return self._zeros(size, dtype, out)

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Zeros, within bounds."""
        return self._zeros(size, dtype, out)

    def _zeros(self, size: Any, dtype: Any, out: Any) -> Any:
        shape = () if size is None else tuple(np.atleast_1d(size).tolist())
        if out is not None:
            out[...] = 0
            return out
        self._left -= math.prod(shape)
        if self._left < 0:
            raise ValueError(f"the layers need more weights than the file's {self._numbers}")
        return np.zeros(shape, dtype)[()]
