"""Whether an exported network gives the same outputs where it went to."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numcnn.interchange.onnx_writer import IMAGE
from numcnn.interchange.optional_library import require
from numcnn.interchange.torch_writer import MODULE
from numcnn.nn import Array, Sequential

_IMAGES = 4


def onnx_difference(path: str | os.PathLike[str], model: Sequential) -> float:
    """Run a file that `numcnn.interchange.write_onnx` wrote with onnxruntime.

    Args:
        path: The file.
        model: The network that it was made of.

    Returns:
        The largest difference of the probabilities, or of the values, of a few random images, as a
        share of the largest number.

    Raises:
        ImportError: There is no ``onnxruntime``.
    """
    runtime = require("onnxruntime")
    session = runtime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    pixels = _pixels(model)
    images: NDArray[Any] = pixels if "uint8" in given.type else pixels.astype(np.float32)
    if given.shape[1:] != list(model.input_shape):
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    found = session.run(None, {IMAGE: images})[-1]
    is_values = model.task.kind == "values"
    wanted = model.predict(pixels) if is_values else model.predict_proba(pixels)
    return _difference(found.reshape(wanted.shape), wanted)


def torch_difference(folder: str | os.PathLike[str], model: Sequential) -> float:
    """Run what `numcnn.interchange.write_torch` wrote with PyTorch.

    Args:
        folder: Where it wrote.
        model: The network that it was made of.

    Returns:
        As `onnx_difference`, of the outputs.

    Raises:
        ImportError: There is no PyTorch.
    """
    torch = require("torch")
    file = Path(folder) / MODULE
    module: Any = ModuleType("numcnn_exported")
    module.__file__ = str(file)
    # Run, and not imported: importing would leave a folder of bytecode beside it.
    exec(compile(file.read_bytes(), file, "exec"), module.__dict__)
    load: Callable[[], Any] = module.load
    pixels = _pixels(model)
    is_image = len(model.input_shape) == 3
    moved = np.moveaxis(pixels, -1, 1) if is_image else pixels
    with torch.inference_mode():
        found = load()(torch.from_numpy(np.array(moved, np.float32, order="C", copy=True))).numpy()
    found = np.moveaxis(found, 1, -1) if found.ndim == 4 else found
    return _difference(found, model.outputs(pixels))


def _pixels(model: Sequential) -> NDArray[np.uint8]:
    shape = (_IMAGES, *model.input_shape)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def _difference(found: Array, wanted: NDArray[Any]) -> float:
    return float(np.abs(found - wanted).max() / max(float(np.abs(wanted).max()), 1e-30))
