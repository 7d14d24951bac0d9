"""Metrics: accuracy, loss, the confusion matrix, and others by name or as functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.data import Dataset, Examples, Source
from numcnn.nn import (
    Array,
    Loss,
    Sequential,
    Shape,
    Task,
    usual_loss,
)
from numcnn.nn.arrays import size_text
from numcnn.nn.habits import names_arguments
from numcnn.training.by_name import as_loss
from numcnn.training.targets import (
    as_examples,
    as_inputs,
    as_targets,
    dataset_targets,
)

Metric = Callable[[NDArray[Any], NDArray[Any]], float]
"""From targets and predictions to a number, as the functions of ``sklearn.metrics`` are. Classes
are their numbers, labels rows of 0 and 1, values as they are."""


@final
@dataclass(frozen=True)
class Evaluation:
    """What a model does on a data set.

    Attributes:
        accuracy: The share of right answers, from 0 to 1; of several labels an example, of all of
            them. NaN for values.
        loss: The mean loss.
        confusion: Integers ``(classes, classes)``: how many of the row's class were taken for the
            column's. Empty if the targets are no classes.
        probabilities: ``(count, classes)``: what the model said of each example. Empty for values.
        metrics: What else was asked for, by name.
    """

    accuracy: float
    loss: float
    confusion: NDArray[np.int64]
    probabilities: Array
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def has_accuracy(self) -> bool:
        """Whether there are right and wrong answers at all."""
        return not math.isnan(self.accuracy)

    @property
    def error_by_class(self) -> NDArray[np.float64]:
        """The share of wrong answers for each true class, ``(classes,)``; NaN for absent ones."""
        counts = self.confusion.sum(axis=1)
        wrong = counts - self.confusion.diagonal()
        return np.divide(wrong, counts, out=np.full(len(counts), np.nan), where=counts > 0)


@names_arguments
def evaluate(
    model: Sequential,
    data: Any,
    y: Any = None,
    loss: Loss | str | Callable[..., tuple[float, Array]] | None = None,
    batch_size: int = 256,
    engine: str = "auto",
    *,
    sample_weight: Any = None,
    metrics: Sequence[str | Metric] | str | Metric = (),
) -> Evaluation:
    """Measure a model on data whose answers are known.

    Args:
        model: A built model.
        data: The inputs ``X``, as `numcnn.training.fit` takes them; or a `numcnn.data.Dataset`, or
            ``(X, y)``, which bring their targets.
        y: The targets, as `numcnn.training.fit` takes them.
        loss: What to measure beside the accuracy; the loss that the model was trained with if
            None, or else the usual one for what its outputs mean.
        batch_size: How many examples go through at once; bounds the memory.
        engine: How to compute; see `Sequential.outputs`.
        sample_weight: How much each example counts in the loss, ``(count,)``.
        metrics: What else to measure, as `numcnn.training.fit` takes them.

    Raises:
        ValueError: The data have no targets, no examples, or inputs of another shape or more
            classes than the model knows.
    """
    if isinstance(y, Loss):
        # As the third argument, for data that bring their targets.
        y, loss = None, y
    model.executor(engine)
    chosen = model.loss or usual_loss(model.task) if loss is None else as_loss(loss)
    if isinstance(data, tuple) and len(data) in (2, 3) and y is None:
        y = data[1]
        sample_weight = data[2] if len(data) == 3 else sample_weight
        data = data[0]
    source: Source
    if isinstance(data, Dataset):
        labels_to_judge_by(data, model.input_shape)
        _require_classes(len(model.task.names or ()) or model.output_shape[-1], data)
        binary = dataset_targets(data, chosen, model.output_shape)
        source = data if binary is None else binary[0]
    elif isinstance(data, Examples):
        targets, _ = as_targets(data.targets, chosen, model.output_shape, model.task)
        source = replace(data, targets=targets)
    else:
        if y is None:
            raise ValueError("y is None, and X alone says nothing to measure by; give X and y")
        source, task = as_examples(
            *(as_inputs(data), y, sample_weight, chosen, model.output_shape, model.task),
            "the data",
            is_fixed=True,
        )
        if task.kind != model.task.kind:
            raise ValueError(
                f"y are {task.kind}, and the model answers with {model.task.kind}; give y as in "
                "the training"
            )
    return evaluate_source(model, source, chosen, as_metrics(metrics), batch_size, engine)


def evaluate_source(
    model: Sequential,
    source: Source,
    loss: Loss,
    metrics: Mapping[str, Metric],
    batch_size: int = 256,
    engine: str = "auto",
) -> Evaluation:
    """Measure a model on targets that are in the form that its loss takes; see `evaluate`."""
    targets, weights = source.targets, getattr(source, "weights", None)
    assert targets is not None
    parts = [model.outputs(part, batch_size, engine) for part in source.parts()]
    outputs = parts[0] if len(parts) == 1 else np.concatenate(parts)
    # Most losses of one's own know two arguments.
    value = loss(outputs, targets) if weights is None else loss(outputs, targets, weights)
    task = model.task
    predicted, truth = answers(model, outputs, targets)
    measured = {name: float(metric(truth, predicted)) for name, metric in metrics.items()}
    none = np.zeros((0, 0), np.int64)
    if task.kind == "values":
        return Evaluation(math.nan, value, none, np.zeros((0, 0), np.float32), measured)
    probabilities = model.probabilities(outputs)
    if task.kind == "labels":
        share = _count_correct(predicted, truth) / len(outputs)
        return Evaluation(share, value, none, probabilities, measured)
    return _evaluation(predicted, truth, value, probabilities, measured)


def answers(
    model: Sequential, outputs: Array, targets: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """What the model answers, and what it should have answered, classes by their numbers."""
    task = model.task
    predicted = Task(task.kind, task.activation).decide(outputs, model.is_activated)
    if task.kind != "classes" or targets.ndim == 1:
        return predicted, targets
    if targets.shape[-1] == 1:
        return predicted, (targets[:, 0] > 0.5).astype(np.int64)
    return predicted, targets.argmax(axis=-1)


def correct_answers(model: Sequential, outputs: Array, targets: NDArray[Any]) -> float:
    """How many answers are right; shares of an example's several labels. NaN for values."""
    if model.task.kind == "values":
        return math.nan
    return _count_correct(*answers(model, outputs, targets))


def _count_correct(predicted: NDArray[Any], truth: NDArray[Any]) -> float:
    right = predicted == truth
    return float(right.sum() if right.ndim == 1 else right.mean(axis=1).sum())


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
            f"the model takes images of {size_text(input_shape)}, and those of {dataset.name} "
            f"are {size_text(dataset.image_shape)}; use a model that was trained on such images"
        )
    return dataset.labels


def _require_classes(classes: int, dataset: Dataset) -> None:
    if classes < len(dataset.classes):
        raise ValueError(
            f"the model knows {classes} classes, and {dataset.name} has {len(dataset.classes)}; "
            "use a model that was trained on these classes"
        )


def _evaluation(
    predicted: NDArray[Any],
    labels: NDArray[np.int64],
    loss: float,
    probabilities: Array,
    metrics: Mapping[str, float] | None = None,
) -> Evaluation:
    return Evaluation(
        accuracy=accuracy(predicted, labels),
        loss=loss,
        confusion=confusion_matrix(labels, predicted, probabilities.shape[-1]),
        probabilities=probabilities,
        metrics=metrics or {},
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


def mean_absolute_error(targets: NDArray[Any], predicted: NDArray[Any]) -> float:
    """``mean |y - t|``. Both of one shape."""
    return float(np.abs(_like(predicted, targets) - targets).mean(dtype=np.float64))


def mean_squared_error(targets: NDArray[Any], predicted: NDArray[Any]) -> float:
    """``mean (y - t)^2``. Both of one shape."""
    return float(np.square(_like(predicted, targets) - targets).mean(dtype=np.float64))


def root_mean_squared_error(targets: NDArray[Any], predicted: NDArray[Any]) -> float:
    """The square root of `mean_squared_error`, in the unit of the targets."""
    return math.sqrt(mean_squared_error(targets, predicted))


def r2(targets: NDArray[Any], predicted: NDArray[Any]) -> float:
    """The share of the targets' variance that is explained: 1 at best, 0 as their mean would do."""
    rest = mean_squared_error(targets, predicted)
    variance = float(np.var(targets, axis=0, dtype=np.float64).mean())
    return 1 - rest / variance if variance else math.nan


def f1(targets: NDArray[Any], predicted: NDArray[Any]) -> float:
    """The mean over all classes or labels of ``2 hits / (2 hits + misses + false alarms)``."""
    if targets.ndim == 1:
        classes = np.union1d(targets, predicted)
        targets, predicted = targets[:, None] == classes, predicted[:, None] == classes
    truth, said = targets.astype(bool), predicted.astype(bool)
    hits, wrong = (truth & said).sum(axis=0), (truth ^ said).sum(axis=0)
    return float((2 * hits / np.maximum(2 * hits + wrong, 1)).mean())


def _accuracy(targets: NDArray[Any], predicted: NDArray[Any]) -> float:
    return float(np.mean(targets == predicted))


def _like(predicted: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
    return predicted.reshape(targets.shape)


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "accuracy": _accuracy,
        "f1": f1,
        "mae": mean_absolute_error,
        "mean_absolute_error": mean_absolute_error,
        "mean_squared_error": mean_squared_error,
        "mse": mean_squared_error,
        "r2": r2,
        "rmse": root_mean_squared_error,
    }
)
"""Metrics by the names under which `numcnn.training.fit` and `evaluate` take them."""


def as_metrics(metrics: Sequence[str | Metric] | str | Metric) -> dict[str, Metric]:
    """Take metrics by name or as functions; one alone does not need a list.

    Raises:
        ValueError: One of them is neither.
    """
    given = [metrics] if isinstance(metrics, str) or callable(metrics) else list(metrics)
    found: dict[str, Metric] = {}
    for metric in given:
        if isinstance(metric, str) and metric in METRICS:
            found[metric] = METRICS[metric]
        elif callable(metric):
            found[getattr(metric, "__name__", type(metric).__name__)] = metric
        else:
            raise ValueError(
                f"metrics holds {metric!r}; give one of {', '.join(METRICS)}, or a function of "
                "targets and predictions, such as sklearn.metrics.f1_score"
            )
    return found
