"""All that a training needs to go on as if it had never stopped, in one file."""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.model_files import read_arrays, write_arrays
from numcnn.nn import Array, MovingAverage, Optimizer, Sequential
from numcnn.nn.engine import blas_kernels, is_lanes
from numcnn.training.history import EpochRecord, History

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
    def of(model: Sequential) -> "Weights":
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
    write_arrays(path, arrays, header)


def load_checkpoint(
    path: str | os.PathLike[str],
    *,
    settings: Mapping[str, Any],
    model: Sequential,
    optimizer: Optimizer,
    average: MovingAverage | None,
) -> tuple[Weights, History]:
    """Put the state of a checkpoint into model, optimizer and average.

    Returns:
        The best weights so far, and the history.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or belongs to a training with other settings; nothing
            was changed then.
    """
    arrays, header = read_arrays(path, _KIND)
    try:
        before = dict(header["settings"])
        # Written before there were lanes to choose.
        others = [] if "lanes" in before else ["an unknown number of lanes"]
        before.setdefault("lanes", settings.get("lanes"))
        changed = [
            f"{name} was {before.get(name)!r} and is {settings.get(name)!r}"
            for name in sorted({*settings, *before})
            if settings.get(name) != before.get(name)
        ]
        if changed:
            raise ValueError(
                f"this training has other settings: {'; '.join(changed)}; "
                "resume with the same ones, or start anew without resuming"
            )
        history = History([EpochRecord(**record) for record in header["history"]])
        best = Weights(arrays["best.parameters"], arrays["best.statistics"])
        current = Weights(arrays["parameters"], arrays["statistics"])
        slots = {
            name.removeprefix("optimizer."): array
            for name, array in arrays.items()
            if name.startswith("optimizer.")
        }
        if slots.keys() != {*optimizer.slot_names}:
            raise ValueError(f"it holds {sorted(slots)} of {optimizer!r}")
        averages = [arrays[f"average.{index}"] for index in range(2 if average else 0)]
        _require_size(
            model.parameters,
            [current.parameters, best.parameters, *slots.values(), *averages[:1]],
        )
        _require_size(model.statistics, [current.statistics, best.statistics, *averages[1:]])
        iterations = int(header["iterations"])
        average_iterations = int(header["average_iterations"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    now = _computed_by()
    for name, was in dict(header.get("computed_by", {})).items():
        if was != now.get(name):
            others.append(f"{name} {was} instead of {now.get(name)}")
    if others:
        warnings.warn(
            f"{path}: written with {' and '.join(others)}; the training goes on, but its last bits "
            "may not be those of one that was not interrupted",
            ReproducibilityWarning,
            stacklevel=3,
        )
    current.put_into(model)
    optimizer.slots = slots
    optimizer.iterations = iterations
    if average is not None:
        average.average = averages
        average.iterations = average_iterations
    return best, history


def checkpoint_lanes(path: str | os.PathLike[str]) -> int | None:
    """Say into how many lanes the training of a checkpoint cuts its batches.

    Returns:
        The number; None if there is no such file, or it does not say.

    Raises:
        ValueError: The file is damaged.
    """
    try:
        settings = read_arrays(path, _KIND)[1].get("settings")
    except FileNotFoundError:
        return None
    lanes = settings.get("lanes") if isinstance(settings, dict) else None
    if lanes is not None and not is_lanes(lanes):
        raise ValueError(f"{path}: lanes is {lanes!r}, and no power of two; start anew")
    return lanes


def _computed_by() -> dict[str, str]:
    """What decides the last bits of the same sums, beside the order in which they are taken."""
    return {"NumPy": np.__version__, "BLAS": blas_kernels()}


def _require_size(own: Array, arrays: list[NDArray[Any]]) -> None:
    for array in arrays:
        if array.shape != own.shape or array.dtype != np.float32:
            raise ValueError(
                f"it holds {array.dtype} {array.shape} where this model has {own.shape}; "
                "resume with the architecture of the interrupted training"
            )
