"""The training data in batches, in a new order each epoch.

A training that was interrupted must go on exactly as if it had not been. So nothing here has a
state that would have to be saved: what epoch ``e`` looks like follows from the seed and ``e``.
Data that come batch by batch from elsewhere are in `numcnn.data.streams`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from numcnn.data.examples import Source, Weights
from numcnn.nn.validation import whole
from numcnn.random_streams import STREAM_AUGMENT, STREAM_SHUFFLE, Draw, check_seed


class Augment(Protocol):
    """What the batches need of an augmentation (`numcnn.augmentation` has them)."""

    def __call__(self, images: NDArray[np.float32], draw: Draw) -> NDArray[np.float32]:
        """Change images of shape ``(count, height, width, channels)``."""

    def config(self) -> dict[str, Any]:
        """Say what would make the same again, as JSON holds it."""


@final
@dataclass(frozen=True, eq=False)
class Batch:
    """Some examples of a data set.

    Attributes:
        inputs: ``(count, ...)``: as stored, such as uint8 images ``(count, height, width,
            channels)``; or after augmentation float32, still from 0 to 255.
        targets: ``(count, ...)``, or None if the data set has none.
        weights: float32 ``(count,)``, or None if all count alike.
        indices: int64 ``(count,)``: the examples' places in the data set.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any] | None
    weights: Weights | None
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indices)


@final
@dataclass(frozen=True, eq=False)
class Batches:
    """A data set cut into batches, epoch by epoch.

    The order of epoch ``e`` comes from ``np.random.default_rng([seed, STREAM_SHUFFLE, e])``, and
    what augmentation does to its batch ``b`` from ``np.random.default_rng([seed, STREAM_AUGMENT,
    e, b])``. No generator lives on from one epoch to the next: an interrupted training that is
    resumed at epoch ``e`` sees the same bits as one that ran through, without any generator's
    state having been saved, and batches may be prepared ahead or in parallel.

    ``len()`` of it is the number of batches in an epoch.

    Attributes:
        dataset: The images, or examples of any kind.
        batch_size: How many images a batch has; the last one of an epoch may have fewer.
        seed: The same seed gives the same batches.
        shuffle: Whether to mix the images; otherwise they come in the data set's order.
        augmentation: What to do to the images of each batch, or None.
        drop_last: Whether to leave out a last batch that is not full.

    Raises:
        ValueError: ``batch_size`` or ``seed`` is out of range, or no batch would be full while
            ``drop_last`` is set.
    """

    dataset: Source
    batch_size: int
    seed: int
    shuffle: bool = True
    augmentation: Augment | None = None
    drop_last: bool = False

    def __post_init__(self) -> None:
        check_seed(self.seed)
        whole("batch_size", self.batch_size)
        if len(self) == 0:
            raise ValueError(
                f"batch_size is {self.batch_size} and drop_last is set, but {self.dataset.name} "
                f"has {len(self.dataset)} images; give a smaller batch_size"
            )

    def __len__(self) -> int:
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Go once through the data set.

        Args:
            number: Which epoch, from 0.

        Returns:
            An iterator over its batches. Each image is in one of them, except for those that
            ``drop_last`` leaves out.

        Raises:
            ValueError: ``number`` is negative.
        """
        if number < 0:
            raise ValueError(f"epoch number is {number}; epochs count from 0")
        order = np.arange(len(self.dataset), dtype=np.int64)
        if self.shuffle:
            order = np.random.default_rng([self.seed, STREAM_SHUFFLE, number]).permutation(order)
        return (self._batch(order, number, batch) for batch in range(len(self)))

    def _batch(self, order: NDArray[np.int64], epoch: int, number: int) -> Batch:
        indices = order[number * self.batch_size : (number + 1) * self.batch_size]
        stored, targets, weights = self.dataset.take(indices)
        if self.augmentation is None:
            return Batch(stored, targets, weights, indices)
        rng = np.random.default_rng([self.seed, STREAM_AUGMENT, epoch, number])
        draw = Draw(rng, self.seed, epoch, indices)
        changed = self.augmentation(stored.astype(np.float32), draw)
        return Batch(changed, targets, weights, indices)

    def describe(self) -> dict[str, Any]:
        """Say what makes these batches, as JSON holds it, so that others are told apart."""
        augmentation = self.augmentation
        return {
            "batch_size": self.batch_size,
            "augmentation": None if augmentation is None else augmentation.config(),
            "training_images": checksum(self.dataset),
        }


def checksum(source: Source) -> str:
    """Tell data sets apart: not against malice, only against mistakes."""
    value = 0
    for part in source.parts():
        value = zlib.crc32(np.ascontiguousarray(part).data, value)
    if source.targets is not None:
        value = zlib.crc32(np.ascontiguousarray(source.targets).data, value)
    weights = getattr(source, "weights", None)
    if weights is not None:
        value = zlib.crc32(np.ascontiguousarray(weights).data, value)
    return f"{len(source)} images, CRC-32 {value:08x}"
