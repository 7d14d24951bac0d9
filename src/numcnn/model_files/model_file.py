"""A model as one file: weights, architecture, class names, and a card of how it came about."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.model_files.array_file import read_arrays, write_arrays
from numcnn.nn.layers import LAYERS, Layer, Normalization, Rescaling
from numcnn.nn.model import Sequential

FORMAT_VERSION = 1
"""Raised when an older numcnn could not read the file any more."""

_KIND = "model"


@final
@dataclass(frozen=True)
class ModelFile:
    """What a model file holds.

    Attributes:
        model: The network, built and with its weights. It takes raw pixels.
        classes: The classes' names, in the order of the outputs.
        card: Data set, recipe, seed, measured accuracy, versions: how the model came about.
    """

    model: Sequential
    classes: tuple[str, ...]
    card: Mapping[str, Any] = field(default_factory=dict)


def save_model(
    path: str | os.PathLike[str],
    model: Sequential,
    classes: Sequence[str] = (),
    card: Mapping[str, Any] | None = None,
) -> None:
    """Write a model to one safetensors file. The same model gives the same bytes.

    Args:
        path: The file, usually ``*.safetensors``.
        model: A built model.
        classes: A name for each output; their numbers if empty.
        card: How the model came about, as JSON can hold it.

    Raises:
        ValueError: The model is not built, a weight is not finite, or there is not one class name
            for each output.
        OSError: The file cannot be written; what was there before is left as it was.
    """
    if not model.input_shape:
        raise ValueError("model has no weights yet; call build(input_shape) first")
    if not (np.isfinite(model.parameters).all() and np.isfinite(model.statistics).all()):
        raise ValueError(
            "model has weights that are not finite, so it can predict nothing; "
            "train it again with a lower learning rate"
        )
    outputs = model.output_shape[-1]
    names = list(classes) or [str(index) for index in range(outputs)]
    if len(names) != outputs:
        raise ValueError(f"classes has {len(names)} names for {outputs} outputs; give one for each")
    header = {
        "kind": _KIND,
        "format_version": FORMAT_VERSION,
        "architecture": {"input_shape": model.input_shape, "layers": model.config()},
        "preprocessing": _preprocessing(model),
        "classes": names,
        "card": dict(card or {}),
    }
    write_arrays(path, model.state_dict(), header)


def load_model(
    path: str | os.PathLike[str], known: Mapping[str, type[Layer]] = LAYERS
) -> ModelFile:
    """Read a model that `save_model` wrote.

    Args:
        path: The file.
        known: The layer classes that the file may name. To read a model with layers of your own:
            ``load_model(path, {**LAYERS, "Scale": Scale})``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, not a model, of a newer numcnn, or does not fit together.
    """
    arrays, header = read_arrays(path, _KIND)
    version = header.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise ValueError(
            f"{path}: written in format {version}, and this numcnn reads up to {FORMAT_VERSION}; "
            "upgrade it: pip install --upgrade numcnn"
        )
    try:
        architecture = header["architecture"]
        numbers = sum(array.size for array in arrays.values())
        _require_plausible(architecture, numbers)
        model = Sequential.from_config(architecture["layers"], known)
        model.build(architecture["input_shape"], _Bounded(numbers))
        model.load_state_dict(_float32(arrays))
        classes = tuple(map(str, header["classes"]))
        if len(classes) != model.output_shape[-1]:
            raise ValueError(f"{len(classes)} class names for {model.output_shape[-1]} outputs")
        return ModelFile(model, classes, dict(header["card"]))
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(
            f"{path}: the file is damaged, its parts do not fit together: {error}"
        ) from error


def _preprocessing(model: Sequential) -> dict[str, Any]:
    """What the first layers do to raw pixels, in numbers, for whoever reads the file elsewhere."""
    steps = []
    for layer in model.layers:
        if not isinstance(layer, Rescaling | Normalization):
            break
        statistics = {name: array.tolist() for name, array in layer.state.items()}
        steps.append({**layer.config(), **statistics})
    return {"input": "pixels from 0 to 255, (height, width, channels)", "layers": steps}


def _float32(arrays: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
    for name, array in arrays.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ValueError(f"{name} is not an array of finite float32 numbers")
    return arrays


@final
class _Bounded(np.random.Generator):
    """Draws the start that the file's weights will replace, and no more numbers than those.

    Small sizes can have a large product, and only building the layers shows it.
    """

    def __init__(self, numbers: int) -> None:
        super().__init__(np.random.PCG64(0))
        self._left = self._numbers = numbers

    def standard_normal(self, size: Any = None, *args: Any, **settings: Any) -> Any:
        """As ever, within bounds."""
        self._count(size)
        return super().standard_normal(size, *args, **settings)

    def random(self, size: Any = None, *args: Any, **settings: Any) -> Any:
        """As ever, within bounds."""
        self._count(size)
        return super().random(size, *args, **settings)

    def _count(self, size: Any) -> None:
        self._left -= math.prod(np.atleast_1d(size).tolist()) if size is not None else 1
        if self._left < 0:
            raise ValueError(f"the layers need more weights than the file's {self._numbers}")


def _require_plausible(value: Any, numbers: int) -> None:
    """Refuse sizes that the file's own weights rule out, before memory is taken for them."""
    if isinstance(value, Mapping):
        for inner in value.values():
            _require_plausible(inner, numbers)
    elif isinstance(value, list):
        for inner in value:
            _require_plausible(inner, numbers)
    elif isinstance(value, int) and value > max(numbers, 1 << 16):
        raise ValueError(f"a size of {value} in a file of {numbers} weights")
