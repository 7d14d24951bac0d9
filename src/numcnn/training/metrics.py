"""How good a model is: accuracy, loss, and which class is taken for which."""

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
    if dataset.labels is None or not len(dataset):
        raise ValueError(f"dataset {dataset.name} has no labeled images; give one with labels")
    if model.input_shape and model.input_shape != dataset.image_shape:
        raise ValueError(
            f"the model takes images of {_size(model.input_shape)}, and those of {dataset.name} "
            f"are {_size(dataset.image_shape)}; use a model that was trained on such images"
        )
    outputs = model.outputs(dataset.images, batch_size, engine)
    classes = outputs.shape[-1]
    if classes < len(dataset.classes):
        raise ValueError(
            f"the model knows {classes} classes, and {dataset.name} has {len(dataset.classes)}; "
            "use a model that was trained on these classes"
        )
    value = (loss or SoftmaxCrossEntropy())(outputs, dataset.labels)
    predicted = outputs.argmax(axis=1)
    return Evaluation(
        accuracy=accuracy(predicted, dataset.labels),
        loss=value,
        confusion=confusion_matrix(dataset.labels, predicted, classes),
        probabilities=model.probabilities(outputs),
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
