"""Convolutional networks written from scratch with NumPy alone.

``numcnn.read(image)`` reads the digits that are written in a picture; see
`numcnn.handwriting.reader`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numcnn.engine import EngineExecutor
    from numcnn.handwriting.reader import read as read
    from numcnn.model_files import load_model as load_model
    from numcnn.model_files import save_model as save_model
    from numcnn.nn.layers.chain import Chain

__version__ = "0.1.0"

_ROOMS = ("augmentation", "data", "estimator", "model_files", "nn", "plots", "recipes", "training")

# Loaded when they are asked for: reading needs Pillow and SciPy, which a training does not.
_NAMES = {
    "load_model": "numcnn.model_files",
    "read": "numcnn.handwriting.reader",
    "save_model": "numcnn.model_files",
}


def executor(chain: "Chain") -> "EngineExecutor":
    """Make what computes a model fast: `numcnn.nn` asks for it here, and knows no other room.

    The one place where the engine is wired in. It is loaded when a model is first computed.
    """
    from numcnn.engine import EngineExecutor

    return EngineExecutor(chain)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"numcnn.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*_NAMES, *_ROOMS, "__version__", "__doc__"})
