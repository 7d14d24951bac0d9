"""Inputs and targets of any kind: images, tables, values, in memory or in a memory map.

`Dataset` is the usual case, images with one class each. This is the general one, and what a
training makes of arrays that it is given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numcnn.nn.arrays import size_text

Weights = NDArray[np.float32]
"""``(count,)``: how much each example counts."""

_PART = 1024
"""Examples that are read from a memory map at once."""


class Source(Protocol):
    """What batches are made of: a `Dataset` or `Examples`."""

    @property
    def name(self) -> str:
        """What to call it in a message."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names; none for values."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one example."""

    @property
    def targets(self) -> NDArray[Any] | None:
        """Of all examples, or None."""

    def __len__(self) -> int: ...

    def take(
        self, places: NDArray[np.int64]
    ) -> tuple[NDArray[Any], NDArray[Any] | None, Weights | None]:
        """Some examples' inputs, targets and weights, copied."""

    @property
    def view(self) -> NDArray[Any] | Rows:
        """All inputs, to be sliced; nothing is copied before that."""

    def parts(self) -> Iterator[NDArray[Any]]:
        """All inputs in order, a part at a time."""


@final
@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs, what they should give, and how much each counts.

    The inputs are not copied and not read before they are needed, so they may be a memory map that
    is larger than the memory; `subset` only notes which rows it means.

    Attributes:
        inputs: ``(count, ...)``, any real dtype.
        targets: int64 ``(count,)``, classes by their numbers; or float32 ``(count, ...)``; or None.
        weights: float32 ``(count,)``, or None if all count alike.
        classes: The classes' names, if the targets are classes or labels.
        name: What to call them in a message.

    Raises:
        ValueError: The counts differ, or there are no examples.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any] | None = None
    weights: Weights | None = None
    classes: tuple[str, ...] = ()
    name: str = "the data"
    _rows: NDArray[np.int64] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.inputs.ndim or not self.inputs.size:
            raise ValueError(
                f"X has the shape {self.inputs.shape}; give at least one example with one number"
            )
        count = len(self.inputs) if self._rows is None else len(self._rows)
        for name, array in (("y", self.targets), ("sample_weight", self.weights)):
            if array is not None and len(array) != count:
                raise ValueError(
                    f"X has {count:,} examples and {name} {len(array):,}; give one for each example"
                )

    def __len__(self) -> int:
        return len(self.inputs) if self._rows is None else len(self._rows)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.inputs.shape[1:]

    def take(
        self, places: NDArray[np.int64]
    ) -> tuple[NDArray[Any], NDArray[Any] | None, Weights | None]:
        """Copy some examples' inputs, targets and weights."""
        rows = places if self._rows is None else self._rows[places]
        targets = None if self.targets is None else self.targets[places]
        weights = None if self.weights is None else self.weights[places]
        return np.asarray(self.inputs[rows]), targets, weights

    @property
    def view(self) -> NDArray[Any] | Rows:
        """All inputs, to be sliced; nothing is copied before that."""
        return self.inputs if self._rows is None else Rows(self.inputs, self._rows)

    def parts(self) -> Iterator[NDArray[Any]]:
        """Yield all inputs in order, some at a time."""
        for start in range(0, len(self), _PART):
            yield np.asarray(self.view[start : start + _PART])

    def subset(self, places: ArrayLike) -> Examples:
        """Choose some of the examples, in the order given, without copying the inputs."""
        chosen = np.asarray(places)
        return replace(
            self,
            targets=None if self.targets is None else self.targets[chosen],
            weights=None if self.weights is None else self.weights[chosen],
            _rows=chosen if self._rows is None else self._rows[chosen],
        )

    def __repr__(self) -> str:
        size = size_text(self.input_shape)
        what = f"{len(self.classes)} classes" if self.classes else "no classes"
        return f"<Examples {self.name}: {len(self):,} of {size} ({self.inputs.dtype}), {what}>"


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of an array, which are copied where they are looked at.

    Attributes:
        array: The array.
        rows: Which rows, in order.
    """

    array: NDArray[Any]
    rows: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """As an array of these rows has it."""
        return len(self.rows), *self.array.shape[1:]

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice) -> NDArray[Any]:
        return self.array[self.rows[part]]


def check_same_kind(
    ours: Source, theirs: Source, own: str = "training data", other: str = "validation data"
) -> None:
    """Refuse two sources that cannot belong to one training.

    Args:
        ours: The training data.
        theirs: The others.
        own: What to call the training data in a message.
        other: What to call the others.

    Raises:
        ValueError: Their inputs' shapes or their classes differ.
    """
    pairs: Sequence[tuple[str, Any, Any]] = (
        ("image_shape", ours.input_shape, theirs.input_shape),
        ("classes", ours.classes, theirs.classes),
    )
    for name, mine, found in pairs:
        if mine != found:
            raise ValueError(
                f"{name} is {mine} in the {own} and {found} in the {other}; both must be the same"
            )
