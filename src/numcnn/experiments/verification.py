"""Whether this machine trains to the same bits as others, and if not, where it began to differ.

The recipe ``digits`` is trained with ``engine="exact"``. What it must come to is kept beside this
file: the hash of the weights, a checksum of each array after each step, and of the first steps one
of every operation, in order. ``python -m docs.generate_fingerprints`` writes that file anew, for
whoever changes what the recipe computes.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.exact import weights_sha256
from numcnn.exact.array import AT, WATCH
from numcnn.experiments.run import train
from numcnn.experiments.settings import RunSettings
from numcnn.model_files.array_file import read_arrays, write_arrays
from numcnn.nn import Sequential
from numcnn.training import Callback, Moment

EXPECTED = Path(__file__).with_name("verification.safetensors")
"""What the training must come to."""

SETTINGS = RunSettings(dataset="digits", engine="exact")

_KIND = "record of a training"

_WATCHED_STEPS = 10
"""Steps of which every operation is looked at; a machine that differs does so from the start."""


@final
@dataclass(frozen=True)
class Fingerprints:
    """What a training came to, step by step.

    Attributes:
        sha256: Of the weights that it kept, see `numcnn.exact.weights_sha256`.
        arrays: The names of the model's arrays, such as ``"conv2d_1.weight"``.
        steps: A checksum of each array after each step, uint16 ``(steps, arrays)``.
        operations: The names of the operations of the first steps, one step after another.
        results: A checksum of the result of each, uint16 ``(operations,)``.
    """

    sha256: str
    arrays: tuple[str, ...]
    steps: NDArray[np.uint16]
    operations: tuple[str, ...]
    results: NDArray[np.uint16]

    @property
    def operations_per_step(self) -> int:
        """How many operations a step has."""
        return len(self.operations) // _WATCHED_STEPS

    def difference(self, found: Fingerprints) -> str | None:
        """Say what is the first thing in which another training differs; None if nothing does."""
        both = zip_longest(
            self.operations, self.results, found.operations, found.results, fillvalue=None
        )
        for place, (name, result, its_name, its_result) in enumerate(both):
            if (name, result) != (its_name, its_result):
                step = place // max(self.operations_per_step, 1) + 1
                return f"step {step}: {name or its_name} is the first whose bits differ"
        for step, (ours, theirs) in enumerate(zip(self.steps, found.steps, strict=False), start=1):
            wrong = [
                name for name, same in zip(self.arrays, ours == theirs, strict=True) if not same
            ]
            if wrong:
                return f"step {step}: the bits of {', '.join(wrong)} differ after it"
        if len(self.steps) != len(found.steps):
            return f"it has {len(found.steps)} steps instead of {len(self.steps)}"
        return None if self.sha256 == found.sha256 else "another epoch was kept"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write them to a file."""
        known = list(dict.fromkeys(self.operations))
        places = np.array([known.index(name) for name in self.operations], np.uint16)
        header = {
            "kind": _KIND,
            "sha256": self.sha256,
            "arrays": list(self.arrays),
            "operations": known,
        }
        arrays = {"steps": self.steps, "operations": places, "results": self.results}
        write_arrays(path, arrays, header)

    @staticmethod
    def load(path: str | os.PathLike[str] = EXPECTED) -> Fingerprints:
        """Read them.

        Raises:
            ValueError: The file is damaged.
            OSError: It cannot be read.
        """
        arrays, header = read_arrays(path, _KIND)
        names = header["operations"]
        operations = tuple(names[place] for place in arrays["operations"])
        return Fingerprints(
            header["sha256"],
            tuple(header["arrays"]),
            arrays["steps"],
            operations,
            arrays["results"],
        )


@final
class _Recorder(Callback):
    """Takes the checksums of a training."""

    def __init__(self, stop_after: int | None) -> None:
        self.arrays: tuple[str, ...] = ()
        self.steps: list[list[int]] = []
        self.operations: list[str] = []
        self.results: list[int] = []
        self._stop_after = stop_after

    def watch(self, name: str, result: NDArray[Any]) -> None:
        """Take an operation's checksum."""
        at = AT.get()
        # The optimizer's are done on threads, by places in the vector.
        if at:
            self.operations.append(f"{at}, {name}")
            self.results.append(_checksum(result))

    def batch_end(self, moment: Moment) -> None:
        """Take those of the arrays."""
        named = dict(_named_arrays(moment.model))
        self.arrays = tuple(named)
        self.steps.append([_checksum(array) for array in named.values()])
        if len(self.steps) == _WATCHED_STEPS:
            WATCH.set(None)

    def epoch_end(self, moment: Moment, record: Any) -> None:
        """End a training that is to be short."""
        if self._stop_after is not None and record.epoch >= self._stop_after:
            moment.stop = "enough"


def record(progress: str = "auto", stop_after: int | None = None) -> Fingerprints:
    """Train, and take the fingerprints.

    Args:
        progress: How to show it, see `numcnn.training.fit`.
        stop_after: Epochs; all of the recipe's if None.
    """
    recorder = _Recorder(stop_after)
    with tempfile.TemporaryDirectory(prefix="numcnn-") as folder, _watched_by(recorder.watch):
        run = train(SETTINGS, Path(folder) / "run", progress=progress, callbacks=[recorder])
    return Fingerprints(
        weights_sha256(run.model),
        recorder.arrays,
        np.array(recorder.steps, np.uint16),
        tuple(recorder.operations),
        np.array(recorder.results, np.uint16),
    )


@contextmanager
def _watched_by(watch: Callable[[str, NDArray[Any]], None]) -> Iterator[None]:
    token, place = WATCH.set(watch), AT.set("")
    try:
        yield
    finally:
        WATCH.reset(token)
        AT.reset(place)


def _named_arrays(model: Sequential) -> Iterator[tuple[str, NDArray[Any]]]:
    for layer_name, layer in model.named_layers():
        for arrays in (layer.params, layer.state):
            for name, array in arrays.items():
                yield f"{layer_name}.{name}", array


def _checksum(array: NDArray[Any]) -> int:
    """16 bits of the numbers, wherever they lie and whatever the machine's order of bytes."""
    little = array.dtype.newbyteorder("<")
    return zlib.crc32(np.ascontiguousarray(array, little).view(np.ndarray).tobytes()) & 0xFFFF
