"""Named arrays and a JSON header in one safetensors file: the container of models and checkpoints.

Safetensors holds plain numbers and text, so a file from a stranger can do no more than be wrong.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from numcnn.atomic_file import atomic_file

_KEY = "numcnn"
"""The one metadata entry. There is only one because safetensors writes several in any order, and
the same model is to give the same file."""


def write_arrays(
    path: str | os.PathLike[str],
    arrays: Mapping[str, NDArray[Any]],
    header: Mapping[str, Any],
) -> None:
    """Write arrays and a header. Equal content gives equal bytes; the file is whole or not there.

    Args:
        path: The file to write.
        arrays: By name, of any shapes.
        header: What JSON can hold.

    Raises:
        OSError: The file cannot be written, or the disk is full.
        ValueError: The header holds what JSON cannot, such as NaN or a NumPy number.
    """
    try:
        text = json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: the header cannot be written as JSON: {error}; "
            "give text, plain finite numbers, lists and dictionaries"
        ) from error
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with atomic_file(path) as temporary:
        # Not save_file: it makes files that nobody but their owner can read.
        temporary.write_bytes(save(contiguous, metadata={_KEY: text}))


def read_arrays(
    path: str | os.PathLike[str], kind: str
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read what `write_arrays` wrote.

    Args:
        path: The file.
        kind: What it should be, for the errors and for the header's entry ``"kind"``.

    Returns:
        The arrays by name, and the header.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a safetensors file, it is damaged or cut off, or another program or
            another part of numcnn wrote it.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: there is no such file")
    if not Path(path).is_file():
        raise ValueError(f"{path}: not a file; give a {kind} written by numcnn")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, KeyError, AttributeError) as error:
        # TypeError and AttributeError: number types that NumPy does not have, such as bfloat16.
        raise ValueError(
            f"{path}: not a readable safetensors file, or cut off ({error}); "
            f"give a {kind} written by numcnn, copied whole"
        ) from error
    try:
        header = json.loads(metadata[_KEY])
        found = header["kind"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: a safetensors file, but not numcnn's: it does not say what its arrays are; "
            f"give a {kind} written by numcnn"
        ) from error
    if found != kind:
        raise ValueError(f"{path}: this is a {found}, not a {kind}")
    return arrays, header
