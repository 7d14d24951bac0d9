"""Training data that come batch by batch from elsewhere: a sequence of batches, or an iterable.

For data that do not fit in memory and are no array on the disk. A sequence can be asked for any
batch again, so a training with it can be resumed and repeated like any other. What can only be
iterated cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.data.batches import Augment, Batch
from numcnn.data.examples import Weights
from numcnn.nn.inputs import as_array
from numcnn.nn.validation import whole
from numcnn.random_streams import STREAM_AUGMENT, STREAM_SHUFFLE, Draw, check_seed

Prepare = Callable[[Any, Any, Any], tuple[NDArray[Any], NDArray[Any], Weights | None]]
"""Brings a batch's inputs, targets and weights, as they come, into those of a training."""


@final
class Stream:
    """Batches ``(X, y)`` or ``(X, y, sample_weight)`` that somebody else makes.

    ``len()`` of it is the number of batches in an epoch.

    Attributes:
        seed: Of the order of a sequence's batches, and of augmentation.
        batch_size: Of the first batch.
        first: The first batch, as it came: inputs, targets, weights.
        can_repeat: Whether a batch can be asked for again, so that a training can be resumed.
    """

    def __init__(
        self,
        source: Any,
        seed: int,
        augmentation: Augment | None = None,
        steps_per_epoch: int | None = None,
    ) -> None:
        """Look at the first batch.

        Args:
            source: A sequence with ``len()`` whose items are batches, in a new order each epoch;
                or an iterable (such as PyTorch's ``DataLoader``), gone through once an epoch; or a
                function without arguments that makes one; or a generator.
            seed: The training's.
            augmentation: What to do to the inputs.
            steps_per_epoch: How many batches an epoch has, where the source does not say.

        Raises:
            ValueError: The source is empty, does not say how long an epoch is, or has something
                else than batches.
        """
        check_seed(seed)
        self.seed = int(seed)
        self.prepare: Prepare | None = None
        self._source = source
        self._augmentation = augmentation
        self._pending: Iterator[Any] | None = None
        self._is_fresh = True
        self.can_repeat = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        if steps_per_epoch is None:
            if not hasattr(source, "__len__"):
                raise ValueError(
                    f"steps_per_epoch is None, and {_kind(source)} does not say how many batches "
                    "an epoch has; give steps_per_epoch"
                )
            steps_per_epoch = len(source)
        self._steps = whole("steps_per_epoch", steps_per_epoch)
        if self.can_repeat and self._steps > len(source):
            raise ValueError(
                f"steps_per_epoch is {self._steps}, and there are {len(source)} batches; give at "
                "most that many"
            )
        if self.can_repeat:
            first = source[0]
        else:
            self._pending = self._start()
            try:
                first = next(self._pending)
            except StopIteration:
                raise ValueError(f"{_kind(source)} has no batches; give at least one") from None
            self._pending = _again(first, self._pending)
        self.first = _parts(first)
        self.batch_size = len(as_array("X", self.first[0]))

    def __len__(self) -> int:
        return self._steps

    def epoch(self, number: int) -> Iterator[Batch]:
        """Go through an epoch's batches.

        Raises:
            ValueError: The source ends before the epoch does.
        """
        for step, came in enumerate(self._batches(number)):
            assert self.prepare is not None
            inputs, targets, weights = self.prepare(*_parts(came))
            indices = np.arange(len(inputs), dtype=np.int64)
            if self._augmentation is not None:
                rng = np.random.default_rng([self.seed, STREAM_AUGMENT, number, step])
                draw = Draw(rng, self.seed, number, indices)
                inputs = self._augmentation(inputs.astype(np.float32), draw)
            yield Batch(inputs, targets, weights, indices)

    def describe(self) -> dict[str, Any]:
        """Say what makes these batches, as JSON holds it."""
        augmentation = self._augmentation
        return {
            "batch_size": self.batch_size,
            "augmentation": None if augmentation is None else augmentation.config(),
            "training_images": f"{self._steps} batches of {_kind(self._source)}",
        }

    def _start(self) -> Iterator[Any]:
        source = self._source
        return iter(source() if callable(source) and not hasattr(source, "__iter__") else source)

    def _batches(self, number: int) -> Iterator[Any]:
        if self.can_repeat:
            rng = np.random.default_rng([self.seed, STREAM_SHUFFLE, number])
            for place in rng.permutation(len(self._source))[: self._steps].tolist():
                yield self._source[place]
            return
        # A generator goes on where it was; what can be gone through again begins anew.
        if self._pending is None or not (self._is_fresh or isinstance(self._source, Iterator)):
            self._pending = self._start()
        self._is_fresh = False
        for step in range(self._steps):
            try:
                yield next(self._pending)
            except StopIteration:
                raise ValueError(
                    f"{_kind(self._source)} ended after {step} of {self._steps} batches of epoch "
                    f"{number + 1}; give a smaller steps_per_epoch, or a source that goes on"
                ) from None


def is_stream(value: Any) -> bool:
    """Whether a value is taken for a source of batches: iterable or callable, and no data."""
    return (_iterable(value) or callable(value)) and not isinstance(
        value, list | tuple | np.ndarray | str | bytes | dict | type
    )


def _iterable(value: Any) -> bool:
    return isinstance(value, Iterable) or hasattr(value, "__getitem__")


def _again(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _parts(batch: Any) -> tuple[Any, Any, Any]:
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        found = f"{len(batch)} parts" if isinstance(batch, tuple | list) else _kind(batch)
        raise ValueError(f"a batch is {found}; give (X, y) or (X, y, sample_weight)")
    return batch[0], batch[1], batch[2] if len(batch) == 3 else None


def _kind(value: Any) -> str:
    return getattr(value, "__name__", None) or type(value).__name__
