"""Labeled images in memory, and the parts that a data set is divided into.

Every loader of this package returns these two, and training, plots and the command line know
nothing else about where images come from.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numcnn.data.examples import check_same_kind
from numcnn.nn.arrays import size_text

Images = NDArray[np.uint8]
"""``(count, height, width, channels)``, 0 to 255, as cameras and files store them."""

Labels = NDArray[np.int64]
"""``(count,)``: the position of each image's class in the data set's ``classes``."""

DIGITS = tuple("0123456789")
"""The classes of a data set of handwritten digits."""


@final
class DataWarning(UserWarning):
    """Something about a data set that was read: what was passed over, or taken for granted."""


@final
@dataclass(frozen=True, eq=False)
class Dataset:
    """Images of one size, their labels where they are known, and what the labels mean.

    Pixels stay uint8, a quarter of the memory of float32, until a batch needs them otherwise.

    Attributes:
        images: uint8 ``(count, height, width, channels)``, C-contiguous.
        labels: int64 ``(count,)``, or None where nobody has labeled the images.
        classes: The class names; label ``k`` means ``classes[k]``.
        name: What to call the data set in a table or a message.

    Raises:
        ValueError: An array has another shape, type or layout, counts differ, a class name
            appears twice, or a label is not the position of a class.
    """

    images: Images
    labels: Labels | None
    classes: tuple[str, ...]
    name: str

    def __post_init__(self) -> None:
        _check_images(self.images, self.name)
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise ValueError(
                f"classes of {self.name} are {self.classes}; give at least one name, each once"
            )
        if self.labels is not None:
            _check_labels(self.labels, len(self.images), len(self.classes), self.name)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(height, width, channels)`` of each image."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The same as `image_shape`: what a model takes."""
        return self.image_shape

    @property
    def targets(self) -> Labels | None:
        """The same as `labels`: what a model should answer."""
        return self.labels

    def take(self, places: NDArray[np.int64]) -> tuple[Images, Labels | None, None]:
        """Copy some images and labels, and no weights; see `numcnn.data.Examples.take`."""
        return self.images[places], None if self.labels is None else self.labels[places], None

    @property
    def view(self) -> Images:
        """The same as `images`: what may be sliced."""
        return self.images

    def parts(self) -> Iterator[Images]:
        """Yield all images, in one part."""
        yield self.images

    def __repr__(self) -> str:
        size = size_text(self.image_shape)
        labels = f"{len(self.classes)} classes" if self.labels is not None else "no labels"
        return f"<Dataset {self.name}: {len(self):,} images of {size}, {labels}>"

    def label_counts(self) -> Labels:
        """Count the images of each class.

        Returns:
            int64 ``(classes,)``, with a zero for a class that no image has.

        Raises:
            ValueError: The data set has no labels.
        """
        if self.labels is None:
            raise ValueError(f"{self.name} has no labels to count")
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)

    def with_classes(self, classes: tuple[str, ...]) -> Dataset:
        """Number the labels by another list of classes, matched by name.

        Names are the same whether an accent is part of its letter or follows it, as in the names
        of files on macOS.

        Args:
            classes: Class names, as those of a model. There may be more than here.

        Returns:
            The same images, with labels that are positions in ``classes``.

        Raises:
            ValueError: A class of this data set is not among them.
        """
        places = {unicodedata.normalize("NFC", name): k for k, name in enumerate(classes)}
        own = [unicodedata.normalize("NFC", name) for name in self.classes]
        if missing := [name for name in own if name not in places]:
            raise ValueError(
                f"{self.name} has the class {missing[0]!r}, which is not among "
                f"{', '.join(classes)}; use a model that was trained on these classes"
            )
        positions = np.array([places[name] for name in own], np.int64)
        labels = None if self.labels is None else positions[self.labels]
        return Dataset(self.images, labels, classes, self.name)

    def subset(self, indices: ArrayLike) -> Dataset:
        """Copy some of the images, in the order given.

        Args:
            indices: Integers ``(count,)`` from 0 to ``len(self) - 1``; one may come twice.

        Raises:
            ValueError: They are not a list of integers, or none, or one is out of range.
        """
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise ValueError(
                f"indices have shape {chosen.shape} and type {chosen.dtype}; "
                "give a list of integers"
            )
        if chosen.size == 0:
            raise ValueError("indices are empty; a data set holds at least one image")
        # Negative indices would count from the end, which in an index list is mostly a mistake.
        if chosen.min() < 0 or chosen.max() >= len(self):
            bad = chosen[(chosen < 0) | (chosen >= len(self))][0]
            raise ValueError(f"indices hold {bad}; {self.name} has images 0 to {len(self) - 1}")
        labels = None if self.labels is None else self.labels[chosen]
        return Dataset(self.images[chosen], labels, self.classes, self.name)


@final
@dataclass(frozen=True, eq=False)
class Splits:
    """The part to learn from, the part to choose by, and the part to be judged by.

    Attributes:
        train: What training may look at.
        test: What is kept for the final judgment, or None where there is none.
        validation: What to choose the best epoch by, where the data set brings it;
            `numcnn.data.split_validation` takes one out of the training part where not.

    Raises:
        ValueError: The parts differ in image shape or classes.
    """

    train: Dataset
    test: Dataset | None = None
    validation: Dataset | None = None

    def __post_init__(self) -> None:
        for name in ("test", "validation"):
            part = getattr(self, name)
            if part is None:
                continue
            try:
                check_same_kind(self.train, part, "training part", f"{name} part")
            except ValueError as error:
                raise ValueError(f"{self.train.name}: {error}") from None


def check_label_range(labels: NDArray[Any], classes: int, where: object) -> None:
    """Refuse labels that name no class.

    Args:
        labels: Integers ``(count,)``.
        classes: How many classes there are.
        where: What the labels were read from, for the error.

    Raises:
        ValueError: A label is below 0 or not below ``classes``; the message names the first.
    """
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise ValueError(
            f"{where}: label {labels[wrong[0]]} of image {wrong[0]} is out of range; "
            f"{_plural(classes, 'class', 'classes')} have labels 0 to {classes - 1}"
        )


def check_counts(images: int, labels: int, where: object) -> None:
    """Refuse images and labels that cannot belong together.

    Raises:
        ValueError: The counts differ.
    """
    if images != labels:
        raise ValueError(
            f"{where}: {_plural(images, 'image', 'images')} but "
            f"{_plural(labels, 'label', 'labels')}; each image needs one label"
        )


def _check_images(images: NDArray[Any], name: str) -> None:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4:
        found = (
            f"{images.dtype} of shape {images.shape}"
            if isinstance(images, np.ndarray)
            else type(images).__name__
        )
        raise ValueError(
            f"images of {name} are {found}; give a uint8 array (count, height, width, channels), "
            "or train on other arrays as they are: fit(model, X, y)"
        )
    if 0 in images.shape:
        raise ValueError(f"images of {name} have shape {images.shape}; give at least one pixel")
    if not images.flags.c_contiguous:
        raise ValueError(
            f"images of {name} are not C-contiguous; pass them through np.ascontiguousarray"
        )


def _check_labels(labels: NDArray[Any], images: int, classes: int, name: str) -> None:
    if not isinstance(labels, np.ndarray) or labels.dtype != np.int64 or labels.ndim != 1:
        found = (
            f"{labels.dtype} of shape {labels.shape}"
            if isinstance(labels, np.ndarray)
            else type(labels).__name__
        )
        raise ValueError(
            f"labels of {name} are {found}; give an int64 array (count,), or train on other "
            "targets as they are: fit(model, X, y)"
        )
    check_counts(images, len(labels), name)
    check_label_range(labels, classes, name)


def _plural(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
