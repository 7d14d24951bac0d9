"""Checkpoints: all that an interrupted training needs to go on, in one file."""

from __future__ import annotations

import json
import os
import warnings
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.engine import blas_kernels, is_shards
from numcnn.model_files import read_arrays, write_arrays
from numcnn.nn import Array, MovingAverage, Optimizer, Sequential
from numcnn.nn.validation import is_whole
from numcnn.training.history import History
from numcnn.training.resume_rules import (
    goes_on_longer,
    require_possible_history,
    require_same_settings,
    with_shards,
)

_KIND = "checkpoint"


class ReproducibilityWarning(UserWarning):
    """The same seed may not give the same last bits this time."""


@final
@dataclass(frozen=True)
class Weights:
    """A copy of all numbers of a model at one moment.

    Attributes:
        parameters: What `Sequential.parameters` was.
        statistics: What `Sequential.statistics` was.
    """

    parameters: Array
    statistics: Array

    @staticmethod
    def of(model: Sequential) -> Weights:
        """Copy a model's numbers."""
        return Weights(model.parameters.copy(), model.statistics.copy())

    def put_into(self, model: Sequential) -> None:
        """Write the numbers into the model they came from, or one of the same architecture."""
        model.parameters[:] = self.parameters
        model.statistics[:] = self.statistics


def save_checkpoint(
    path: str | os.PathLike[str],
    *,
    settings: Mapping[str, Any],
    model: Sequential,
    optimizer: Optimizer,
    average: MovingAverage | None,
    best: Weights,
    history: History,
) -> None:
    """Write the state after an epoch. The file before it survives until this one is whole.

    No random generator is in it: what an epoch draws follows from the seed and its number.

    Args:
        path: The file.
        settings: What the training must be given again to be the same training.
        model: After the epoch's last step.
        optimizer: With its slots.
        average: The moving average of the weights, if there is one.
        best: The weights of the best epoch so far.
        history: All epochs so far.

    Raises:
        OSError: The file cannot be written, or the disk is full.
    """
    arrays = {
        "parameters": model.parameters,
        "statistics": model.statistics,
        "best.parameters": best.parameters,
        "best.statistics": best.statistics,
        **{f"optimizer.{name}": slot for name, slot in optimizer.slots.items()},
    }
    if average is not None:
        arrays |= {f"average.{index}": vector for index, vector in enumerate(average.average)}
    header = {
        "kind": _KIND,
        "settings": dict(settings),
        "computed_by": _computed_by(),
        "iterations": optimizer.iterations,
        "average_iterations": average.iterations if average else 0,
        "history": [record.as_dict() for record in history.records],
    }
    write_arrays(path, arrays, {**header, "checksum": checksum(arrays, header)})


def checksum(arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> str:
    """Compute what a checkpoint's header says as ``"checksum"``.

    A bit that turned in a weight would change the training and could not be seen otherwise.

    Args:
        arrays: All arrays of the file.
        header: Its header; an entry ``"checksum"`` does not count.
    """
    content = {name: value for name, value in header.items() if name != "checksum"}
    value = zlib.crc32(json.dumps(content, sort_keys=True).encode())
    for name in sorted(arrays):
        value = zlib.crc32(name.encode(), value)
        value = zlib.crc32(np.ascontiguousarray(arrays[name]).data, value)
    return f"CRC-32 {value:08x}"


def load_checkpoint(
    path: str | os.PathLike[str],
    *,
    settings: Mapping[str, Any],
    model: Sequential,
    optimizer: Optimizer,
    average: MovingAverage | None,
    batches: int | None = None,
) -> tuple[Weights, History]:
    """Put the state of a checkpoint into model, optimizer and average.

    Args:
        path: The file.
        settings: Of the training that is to go on, as `save_checkpoint` got them.
        model: Gets the weights.
        optimizer: Gets its slots and the number of its steps.
        average: Gets the averaged weights; None if the training has none.
        batches: How many steps an epoch has; None if not known, and then not compared.

    Returns:
        The best weights so far, and the history.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, contradicts itself, or belongs to a training with other
            settings; nothing was changed then.
    """
    arrays, header = read_arrays(path, _KIND)
    try:
        before = with_shards(dict(header["settings"]))
        others = []
        if "computed_by" not in header:
            # Of a version that knew no shards, nor all other settings that are there today.
            others.append("an unknown number of shards")
            before = {**settings, **before}
        longer = goes_on_longer(before, settings, optimizer)
        if longer is not None:
            others += [f"a schedule over {before['epochs']} epochs"] if longer else []
            before["epochs"] = settings["epochs"]
        require_same_settings(before, settings)
        computed_by = dict(header.get("computed_by", {}))
        is_checked = "checksum" in header or "computed_by" in header
        if is_checked and header["checksum"] != checksum(arrays, header):
            raise ValueError(
                "the file is damaged: its checksum is not that of its content; start anew"
            )
        history = History.from_rows(header["history"])
        require_possible_history(history, settings)
        steps = None if batches is None else batches * len(history)
        iterations = _count(header, "iterations", steps)
        average_iterations = _count(header, "average_iterations", steps if average else 0)
        if average and steps is not None and average_iterations != steps:
            raise ValueError(f"average_iterations is {average_iterations} after {steps} steps")
        slots = {name: f"optimizer.{name}" for name in optimizer.slot_names}
        averages = ["average.0", "average.1"] if average else []
        like_parameters = ["parameters", "best.parameters", *slots.values(), *averages[:1]]
        like_statistics = ["statistics", "best.statistics", *averages[1:]]
        if wrong := sorted(arrays.keys() ^ {*like_parameters, *like_statistics}):
            raise ValueError(f"{wrong} are missing or too much for {optimizer!r}")
        _require_like(model.parameters, arrays, like_parameters)
        _require_like(model.statistics, arrays, like_statistics)
    except KeyError as error:
        raise ValueError(f"{path}: there is no {error} in it; start anew") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error
    now = _computed_by()
    for name, was in computed_by.items():
        # Exact sums are the same, whatever computes them.
        if was != now.get(name) and settings.get("engine") != "exact":
            others.append(f"{name} {was} instead of {now.get(name)}")
    if others:
        warnings.warn(
            f"{path}: written with {' and '.join(others)}; the training goes on, but its last bits "
            "may not be those of one that was not interrupted",
            ReproducibilityWarning,
            stacklevel=3,
        )
    Weights(arrays["parameters"], arrays["statistics"]).put_into(model)
    optimizer.slots = {name: arrays[key] for name, key in slots.items()}
    optimizer.iterations = iterations
    if average is not None:
        average.average = [arrays[name] for name in averages]
        average.iterations = average_iterations
    return Weights(arrays["best.parameters"], arrays["best.statistics"]), history


def checkpoint_shards(path: str | os.PathLike[str]) -> int | None:
    """Say into how many shards the training of a checkpoint cuts its batches.

    Returns:
        The number; None if there is no such file, or it does not say.

    Raises:
        ValueError: The file is damaged.
    """
    try:
        settings = read_arrays(path, _KIND)[1].get("settings")
    except FileNotFoundError:
        return None
    shards = with_shards(settings).get("shards") if isinstance(settings, dict) else None
    if shards is not None and not is_shards(shards):
        raise ValueError(f"{path}: shards is {shards!r}, and no power of two; start anew")
    return shards


def _computed_by() -> dict[str, str]:
    """What decides the last bits of the same sums, beside the order in which they are taken."""
    return {"NumPy": np.__version__, "BLAS": blas_kernels()}


def _count(header: Mapping[str, Any], name: str, least: int | None) -> int:
    """A number of steps: an optimizer may have made some before the training."""
    value = header[name]
    if not is_whole(value, least or 0, (1 << 62) - 1):
        raise ValueError(f"{name} is {value!r}, which is no number of steps of this training")
    return value


def _require_like(own: Array, arrays: Mapping[str, NDArray[Any]], names: Iterable[str]) -> None:
    for name in names:
        array = arrays[name]
        if array.shape != own.shape or array.dtype != np.float32:
            raise ValueError(
                f"{name} is {array.dtype} {array.shape} where this model has {own.shape}"
            )
        # What an optimizer remembers may overflow to infinity and still make steps of zero.
        is_slot = name.startswith("optimizer.")
        if not (~np.isnan(array) if is_slot else np.isfinite(array)).all():
            raise ValueError(f"{name} holds numbers that are not finite")
