"""Convolutional networks written from scratch with NumPy alone.

``numcnn.read(image)`` reads the digits that are written in a picture; see
`numcnn.handwriting.reader`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from numcnn.handwriting.reader import read as read
    from numcnn.model_files import load_model as load_model
    from numcnn.model_files import save_model as save_model
    from numcnn.nn import Sequential
    from numcnn.nn.executor import Executor
    from numcnn.nn.layers.chain import Chain

__version__ = "0.1.0"

_ROOMS = (
    "augmentation",
    "data",
    "estimator",
    "interchange",
    "model_files",
    "nn",
    "plots",
    "recipes",
    "training",
)

# Loaded when they are asked for: reading needs Pillow and SciPy, which a training does not.
_NAMES = {
    "load_model": "numcnn.model_files",
    "read": "numcnn.handwriting.reader",
    "save_model": "numcnn.model_files",
}


def executor(chain: "Chain", engine: str = "auto") -> "Executor":
    """Make what computes a model fast: `numcnn.nn` asks for it here, and knows no other room.

    The one place where the engines are wired in. One is loaded when a model is first computed.
    """
    if engine == "exact":
        from numcnn.exact import ExactExecutor

        return ExactExecutor(chain)
    from numcnn.engine import EngineExecutor

    return EngineExecutor(chain)


def from_layout(
    layout: str, model: "Sequential", arrays: "Mapping[str, NDArray[Any]]", strict: bool
) -> "Mapping[str, NDArray[Any]]":
    """Turn another library's state dict into one of a model's; `numcnn.nn` asks for it here.

    Args:
        layout: "torch".
        model: A built model, which the arrays are for.
        arrays: By that library's names.
        strict: Whether what the library has no layer for is added, as it is.

    Raises:
        ValueError: The layout is unknown, or the arrays do not fit the model.
    """
    from numcnn.interchange.torch_layout import from_torch_layout

    if layout != "torch":
        raise ValueError(f'layout is {layout!r}; choose "numcnn" or "torch"')
    taken = from_torch_layout(model.links(), model.input_shape, arrays)
    return {**model.state_dict(), **taken} if strict else taken


def require_right_gradients(layers: Any, x: "NDArray[Any]", training: bool, seed: int) -> None:
    """Name the mistakes in a backward pass; `numcnn.nn.check_gradients` asks for it here.

    Raises:
        ValueError: There are some.
    """
    from numcnn.diagnosis import diagnose

    if mistakes := diagnose(layers, x, training=training, seed=seed):
        raise ValueError("; ".join(map(str, mistakes)))


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"numcnn.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*_NAMES, *_ROOMS, "__version__", "__doc__"})
