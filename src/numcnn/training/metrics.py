"""Metrics: accuracy, loss and the confusion matrix."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.data import Dataset
from numcnn.nn import Array, Loss, Sequential, Shape, SoftmaxCrossEntropy


@final
@dataclass(frozen=True)
class Evaluation:
    """What a model does on a data set.

    Attributes:
        accuracy: The share of right answers, from 0 to 1.
        loss: The mean loss.
        confusion: Integers ``(classes, classes)``: how many of the row's class were taken for the
            column's.
        probabilities: ``(count, classes)``: what the model said of each example.
    """

    accuracy: float
    loss: float
    confusion: NDArray[np.int64]
    probabilities: Array

    @property
    def error_by_class(self) -> NDArray[np.float64]:
        """The share of wrong answers for each true class, ``(classes,)``; NaN for absent ones."""
        counts = self.confusion.sum(axis=1)
        wrong = counts - self.confusion.diagonal()
        return np.divide(wrong, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def evaluate(
    model: Sequential,
    dataset: Dataset,
    loss: Loss | None = None,
    batch_size: int = 256,
    engine: str = "auto",
) -> Evaluation:
    """Measure a model on a labeled data set.

    Args:
        model: A built model.
        dataset: Images of the model's shape, with labels.
        loss: What to measure beside the accuracy; softmax cross-entropy by default.
        batch_size: How many images go through at once; bounds the memory.
        engine: How to compute; see `Sequential.outputs`.

    Raises:
        ValueError: The data set has no labels, no images, or images of another shape or more
            classes than the model knows.
    """
    labels = labels_to_judge_by(dataset, model.input_shape)
    outputs = model.outputs(dataset.images, batch_size, engine)
    _require_classes(outputs.shape[-1], dataset)
    value = (loss or SoftmaxCrossEntropy())(outputs, labels)
    return _evaluation(outputs.argmax(axis=1), labels, value, model.probabilities(outputs))


def evaluate_probabilities(probabilities: Array, dataset: Dataset) -> Evaluation:
    """Measure what was said of a labeled data set, such as by several models together.

    The loss is the cross-entropy, ``- mean log p`` of the right classes.

    Args:
        probabilities: ``(count, classes)``: what was said of each image.
        dataset: The images, with labels.

    Raises:
        ValueError: The data set has no labels, no images, another number of images, or more
            classes.
    """
    labels = labels_to_judge_by(dataset)
    if len(probabilities) != len(labels):
        raise ValueError(
            f"there are probabilities of {len(probabilities)} images, and {dataset.name} has "
            f"{len(labels)}; give one row for each"
        )
    _require_classes(probabilities.shape[-1], dataset)
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    # A model may be so sure of something wrong that nothing is left of the rest.
    loss = -float(np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean())
    return _evaluation(probabilities.argmax(axis=1), labels, loss, probabilities)


def labels_to_judge_by(dataset: Dataset, input_shape: Shape = ()) -> NDArray[np.int64]:
    """Check that a model can be measured on a data set.

    Args:
        dataset: The images.
        input_shape: What the model takes; any if empty.

    Returns:
        The labels, ``(count,)``.

    Raises:
        ValueError: The data set has no labels, no images, or images of another shape.
    """
    if dataset.labels is None or not len(dataset):
        raise ValueError(f"dataset {dataset.name} has no labeled images; give one with labels")
    if input_shape and input_shape != dataset.image_shape:
        raise ValueError(
            f"the model takes images of {_size(input_shape)}, and those of {dataset.name} "
            f"are {_size(dataset.image_shape)}; use a model that was trained on such images"
        )
    return dataset.labels


def _require_classes(classes: int, dataset: Dataset) -> None:
    if classes < len(dataset.classes):
        raise ValueError(
            f"the model knows {classes} classes, and {dataset.name} has {len(dataset.classes)}; "
            "use a model that was trained on these classes"
        )


def _evaluation(
    predicted: NDArray[np.intp], labels: NDArray[np.int64], loss: float, probabilities: Array
) -> Evaluation:
    return Evaluation(
        accuracy=accuracy(predicted, labels),
        loss=loss,
        confusion=confusion_matrix(labels, predicted, probabilities.shape[-1]),
        probabilities=probabilities,
    )


def accuracy(predicted: NDArray[np.integer], labels: NDArray[np.integer]) -> float:
    """Compute the share of predictions that are the label, from 0 to 1. Both ``(count,)``."""
    return float(np.mean(predicted == labels))


def confusion_matrix(
    labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """Count how often each class was taken for each: true classes are rows, predicted columns.

    Args:
        labels: ``(count,)``.
        predicted: ``(count,)``.
        classes: How many there are.

    Returns:
        ``(classes, classes)``.
    """
    cells = labels.astype(np.int64) * classes + predicted
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def _size(shape: Shape) -> str:
    return " x ".join(map(str, shape))
