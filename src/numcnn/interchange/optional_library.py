"""Libraries that only the exchange with others needs."""

import importlib
from typing import Any

_EXTRA = {"onnx": "numcnn[onnx]", "onnxruntime": "numcnn[onnx]"}


def require(name: str) -> Any:
    """Import a library.

    Raises:
        ImportError: It is not installed; the message says how to get it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(
            f"this needs {name}: pip install '{_EXTRA.get(name, name)}'", name=name
        ) from error
