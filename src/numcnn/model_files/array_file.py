"""Named arrays and a JSON header in one safetensors file: the container of models and checkpoints.

Safetensors holds plain numbers and text, so a file from a stranger can do no more than be wrong.
"""

from __future__ import annotations

import json
import math
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

MOST_HEADER_BYTES = 16_000_000
"""The longest description of the arrays, with the JSON in it; ten thousand epochs take 3 MB."""

MOST_HEADER_VALUES = 1_000_000
"""Values in the JSON. Each takes a hundred bytes in memory, of which the file may have two."""


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
    if len(text) > MOST_HEADER_BYTES // 2 or _values(text) > MOST_HEADER_VALUES:
        raise ValueError(
            f"{path}: the header has {len(text):,} characters and {_values(text):,} values, too "
            "many to be read again; leave something out"
        )
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
            another part of numcnn wrote it, or its header is longer than any of numcnn's.
        MemoryError: Its arrays do not fit into the memory.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: there is no such file")
    if not Path(path).is_file():
        raise ValueError(f"{path}: not a file; give a {kind} written by numcnn")
    with Path(path).open("rb") as raw:
        header_bytes = int.from_bytes(raw.read(8), "little")
    if MOST_HEADER_BYTES < header_bytes <= Path(path).stat().st_size:
        raise ValueError(
            f"{path}: its header has {header_bytes:,} bytes, and numcnn's at most "
            f"{MOST_HEADER_BYTES:,}; give a {kind} written by numcnn"
        )
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
    if _KEY not in metadata:
        said = ", ".join(f"{key} {value}" for key, value in sorted(metadata.items()))
        raise ValueError(
            f"{path}: a safetensors file, but not numcnn's: it does not say what its arrays are"
            + (f" (it says: {said[:80]})" if said else "")
            + f"; give a {kind} written by numcnn"
        )
    text = metadata[_KEY]
    try:
        if _values(text) > MOST_HEADER_VALUES:
            raise ValueError(f"more than {MOST_HEADER_VALUES:,} values")
        header = json.loads(
            text, object_pairs_hook=_object, parse_constant=_finite, parse_float=_finite
        )
        found = header["kind"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: a safetensors file, but not numcnn's: its header is damaged "
            f"({str(error)[:100]}); give a {kind} written by numcnn"
        ) from error
    if found != kind:
        raise ValueError(f"{path}: this is a {found}, not a {kind}")
    return arrays, header


def _values(text: str) -> int:
    """At least as many as the values in a JSON text."""
    return text.count(",") + text.count("[") + text.count("{")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no name comes twice: of two, programs take the first or the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice in an object of the JSON")
    return found


def _finite(text: str) -> float:
    """A JSON number that is one: 1e999 and the NaN and Infinity that Python adds are not."""
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:40]} is not a finite number")
    return number
