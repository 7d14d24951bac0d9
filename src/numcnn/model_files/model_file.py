"""A model file: weights, architecture, preprocessing, class names and a model card."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.model_files.architecture import build_described
from numcnn.model_files.array_file import read_arrays, write_arrays
from numcnn.nn import usual_loss
from numcnn.nn.layers import LAYERS, BatchNorm, Layer, Normalization, Rescaling
from numcnn.nn.model import Sequential
from numcnn.nn.task import MOST_CLASS_NAME, Task

FORMAT_VERSION = 1
"""Increased with each change that older versions cannot read."""

_KIND = "model"


@final
@dataclass(frozen=True)
class ModelFile:
    """What a model file holds.

    Attributes:
        model: The network, built and with its weights. It takes raw pixels.
        classes: The names of the classes or labels, in the order of the outputs; empty for values.
        card: Data set, recipe, seed, measured accuracy, versions: how the model was made.
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
        classes: A name for each class; if empty, those that the model was trained with, or else
            their numbers.
        card: How the model came about, as JSON can hold it.

    Raises:
        ValueError: The model is not built, a weight is not finite, or there is not one class name
            for each output.
        OSError: The file cannot be written; what was there before is left as it was.
    """
    if isinstance(path, Sequential) or not isinstance(model, Sequential):
        raise ValueError(
            f"path is a {type(path).__name__} and model a {type(model).__name__}; give the path "
            "first: save_model(path, model)"
        )
    if not model.input_shape:
        raise ValueError("model has no weights yet; call build(input_shape) first")
    if not (np.isfinite(model.parameters).all() and np.isfinite(model.statistics).all()):
        raise ValueError(
            "model has weights that are not finite, so it can predict nothing; "
            "train it again with a lower learning rate"
        )
    outputs = model.task.count(model.output_shape)
    known = model.task.names or range(outputs)
    names = [str(name) for name in classes] or [str(name) for name in known]
    if len(names) != outputs:
        raise ValueError(f"classes has {len(names)} names for {outputs} outputs; give one for each")
    if long := [name for name in names if len(name) > MOST_CLASS_NAME]:
        raise ValueError(
            f"class {long[0][:40]!r}... has {len(long[0]):,} characters; give at most "
            f"{MOST_CLASS_NAME:,}"
        )
    header = {
        "kind": _KIND,
        "format_version": FORMAT_VERSION,
        "architecture": {"input_shape": model.input_shape, "layers": model.config()},
        "preprocessing": _preprocessing(model),
        "classes": names,
        "card": dict(card or {}),
    }
    if model.task != Task():
        header["task"] = asdict(model.task)
    write_arrays(path, model.state_dict(), header)


def load_model(
    path: str | os.PathLike[str], known: Mapping[str, type[Layer]] | None = None
) -> ModelFile:
    """Read a model that `save_model` wrote.

    Args:
        path: The file.
        known: The layer classes that the file may name; numcnn's own if None. To read a model with
            layers of your own: ``load_model(path, {**LAYERS, "Scale": Scale})``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, not a model, of a newer numcnn, does not fit together, or
            is larger than the limits in `numcnn.model_files.architecture`.
        MemoryError: The weights do not fit into the memory.
    """
    arrays, header = read_arrays(path, _KIND)
    version = header.get("format_version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise ValueError(
            f"{path}: written in format {version}, and this numcnn reads up to {FORMAT_VERSION}; "
            "upgrade it: pip install --upgrade numcnn"
        )
    try:
        for part, kind in (("architecture", dict), ("classes", list), ("card", dict)):
            if not isinstance(header.get(part), kind):
                raise ValueError(f"{part!r} is missing, or not what it should be")
        shapes = {name: array.shape for name, array in _float32(arrays).items()}
        model = build_described(header["architecture"], shapes, known or LAYERS)
        model.load_state_dict(arrays)
        _require_variances(model)
        if (task := header.get("task")) is not None:
            names = task.get("names")
            model.task = Task(**{**task, "names": None if names is None else tuple(names)})
        model.loss = usual_loss(model.task)
        count = model.task.count(model.output_shape)
        if model.task.names is not None and len(model.task.names) != count:
            raise ValueError(f"{len(model.task.names)} names for {count} classes")
        classes = _class_names(header["classes"], count)
        return ModelFile(model, classes, header["card"])
    except MemoryError as error:
        size = sum(array.nbytes for array in arrays.values()) / 1e9
        raise MemoryError(f"{path}: not enough memory for a model of {size:.1f} GB") from error
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(
            f"{path}: the file is damaged, its parts do not fit together: {error}; get the file "
            "again, or save the model again"
        ) from error


def _preprocessing(model: Sequential) -> dict[str, Any]:
    """What the first layers do to raw pixels, in numbers, for whoever reads the file elsewhere."""
    steps = []
    for layer in model.layers:
        if not isinstance(layer, Rescaling | Normalization):
            break
        statistics = {name: array.tolist() for name, array in layer.state.items()}
        steps.append({**layer.config(), **statistics})
    is_image = len(model.input_shape) == 3
    what = "pixels from 0 to 255, (height, width, channels)" if is_image else "numbers"
    return {"input": what, "layers": steps}


def _float32(arrays: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
    for name, array in arrays.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ValueError(f"{name} is not an array of finite float32 numbers")
    return arrays


def _class_names(names: list[Any], outputs: int) -> tuple[str, ...]:
    if len(names) != outputs:
        raise ValueError(f"{len(names)} class names for {outputs} outputs")
    for name in names:
        if not isinstance(name, str) or len(name) > MOST_CLASS_NAME:
            raise ValueError(f"a class name is not text of at most {MOST_CLASS_NAME:,} characters")
    return tuple(names)


def _require_variances(model: Sequential) -> None:
    """Refuse statistics whose square root or reciprocal is no number."""
    for name, layer in model.named_layers():
        if isinstance(layer, BatchNorm) and (layer.state["variance"] < 0).any():
            raise ValueError(f"{name}.variance holds numbers below 0")
        if isinstance(layer, Normalization) and (layer.state["variance"] <= 0).any():
            raise ValueError(f"{name}.variance holds numbers that are not above 0")
