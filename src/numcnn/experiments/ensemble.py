"""Ensembles: models whose probabilities are averaged, and test-time augmentation.

What several networks say of an image is averaged, and so may be what each says of the image shifted
or turned a little, or mirrored: mistakes that they do not share fade. Nothing is weighted or left
out, so nothing has to be chosen.

Source: Hansen and Salamon, "Neural network ensembles", 1990; for the views, Krizhevsky, Sutskever
and Hinton, "ImageNet classification with deep convolutional neural networks", 2012.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.augmentation import Augmentation, augmentation_from_config
from numcnn.data import Dataset
from numcnn.experiments.run_folder import RunFolder
from numcnn.model_files import ModelFile, load_model
from numcnn.nn import Array
from numcnn.training import Evaluation, evaluate_probabilities
from numcnn.training.metrics import labels_to_judge_by


@final
@dataclass(frozen=True)
class Ensemble:
    """Models of the same images and classes; one may be an ensemble too.

    Attributes:
        members: The models.
        views: For each model, what says the views that it is shown of each image; None for the
            image as it is.
    """

    members: tuple[ModelFile, ...]
    views: tuple[Augmentation | None, ...]

    @staticmethod
    def load(paths: Sequence[str | os.PathLike[str]], *, views: bool = False) -> Ensemble:
        """Read models.

        Args:
            paths: Model files, or folders of a run, which stand for all models in them.
            views: Whether to show each model several views of each image, such as it was trained
                on.

        Raises:
            FileNotFoundError: There is no such file or folder.
            ValueError: There are none, a file is damaged, they take other images or have other
                classes than the first, or ``views`` is asked for and a model was trained on images
                as they are.
        """
        files = [file for path in paths for file in model_files(path)]
        if not files:
            raise ValueError("paths is empty; give at least one model")
        members = [load_model(file) for file in files]
        first = members[0]
        for file, member in zip(files, members, strict=True):
            for what, ours, theirs in (
                ("images of", first.model.input_shape, member.model.input_shape),
                ("the classes", first.classes, member.classes),
            ):
                if ours != theirs:
                    raise ValueError(
                        f"{file} takes {what} {_told(theirs)}, and {files[0]} {_told(ours)}; "
                        "only models of the same images and classes can answer together"
                    )
        shown = tuple(
            _trained_on(file, member) if views else None
            for file, member in zip(files, members, strict=True)
        )
        return Ensemble(tuple(members), shown)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names, in the order of the probabilities."""
        return self.members[0].classes

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(height, width, channels)`` of the images."""
        return self.members[0].model.input_shape

    def member_probabilities(self, images: NDArray[Any], batch_size: int = 256) -> list[Array]:
        """Compute what each model says by itself: the mean over its views.

        Args:
            images: ``(count, height, width, channels)``, from 0 to 255.
            batch_size: How many images go through at once; bounds the memory.

        Returns:
            For each model, ``(count, classes)``.
        """
        return [
            np.concatenate(
                [
                    _mean_over_views(member, views, images[start : start + batch_size])
                    for start in range(0, max(len(images), 1), batch_size)
                ]
            )
            for member, views in zip(self.members, self.views, strict=True)
        ]

    def predict_proba(self, images: NDArray[Any], batch_size: int = 256) -> Array:
        """Compute what the models say together: the mean of their probabilities.

        Args:
            images: ``(count, height, width, channels)``, from 0 to 255.
            batch_size: How many images go through at once; bounds the memory.

        Returns:
            ``(count, classes)``.
        """
        return mean_probabilities(self.member_probabilities(images, batch_size))


def mean_probabilities(said: Sequence[Array]) -> Array:
    """Average what several models said, each ``(count, classes)``."""
    total = np.zeros(said[0].shape)
    for one in said:
        total += one
    return (total / len(said)).astype(np.float32)


def evaluate_together(models: Ensemble, dataset: Dataset) -> tuple[Evaluation, list[float]]:
    """Measure models on a labeled data set.

    Args:
        models: One or more.
        dataset: Images of the models' shape, with labels.

    Returns:
        How the models do together, and the accuracy of each alone.

    Raises:
        ValueError: The data set has no labels, no images, or images of another shape or more
            classes than the models know.
    """
    labels_to_judge_by(dataset, models.input_shape)
    said = models.member_probabilities(dataset.images)
    alone = [evaluate_probabilities(one, dataset).accuracy for one in said]
    return evaluate_probabilities(mean_probabilities(said), dataset), alone


def model_files(path: str | os.PathLike[str]) -> list[Path]:
    """Find the models that a path stands for.

    Args:
        path: A model file, or the folder of a run. One of an ensemble stands for all its models
            whose training is finished.

    Raises:
        ValueError: It is a folder without models, or a member's `metrics.json` is damaged.
    """
    path = Path(path)
    if not path.is_dir():
        return [path]
    return RunFolder(path).finished_models()


def _mean_over_views(member: ModelFile, views: Augmentation | None, images: NDArray[Any]) -> Array:
    if views is None:
        return member.model.predict_proba(images)
    return mean_probabilities(
        [member.model.predict_proba(view) for view in views.views(images.astype(np.float32))]
    )


def _trained_on(file: Path, member: ModelFile) -> Augmentation:
    """What was done to the images that a model was trained on, as its card says."""
    config = member.card.get("augmentation")
    if config is None:
        raise ValueError(
            f"{file} was trained on images as they are, as far as its card says; do without "
            "views, which show a model what it was trained on: images shifted, turned or mirrored"
        )
    try:
        return augmentation_from_config(config)
    except ValueError as error:
        raise ValueError(f"{file}: its card tells of an unknown augmentation: {error}") from error


def _told(value: tuple[Any, ...]) -> str:
    return (" x " if isinstance(value[0], int) else ", ").join(map(str, value))
