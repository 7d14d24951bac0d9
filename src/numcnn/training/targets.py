"""Targets as people have them, brought into what a loss takes: classes, labels, values.

What they mean is decided here, once, and goes along with the model as its `numcnn.nn.Task`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.data import Dataset, Examples
from numcnn.data.examples import Weights
from numcnn.nn import (
    Loss,
    MeanSquaredError,
    Sequential,
    Shape,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    Task,
)
from numcnn.nn.arrays import size_text
from numcnn.nn.ctc_loss import CTCLoss
from numcnn.nn.inputs import as_array, require_finite

_ROUNDING = 1e-3
"""How far from 1 the probabilities of an example may sum up to."""

_CHANNELS = (1, 3, 4)
"""Of images, as far as anybody gives them as arrays."""


def as_examples(
    inputs: NDArray[Any],
    y: Any,
    sample_weight: Any,
    loss: Loss,
    outputs: Shape,
    task: Task,
    name: str,
    *,
    is_fixed: bool = False,
) -> tuple[Examples, Task]:
    """Bring targets of any kind together with inputs.

    Args:
        inputs: What `as_inputs` gave.
        y: Classes by number, by name or as one-hot rows; labels as rows of 0 and 1; values.
        sample_weight: How much each example counts, or None.
        loss: What the training makes small; it decides what numbers mean.
        outputs: The shape of the model's output.
        task: What the model's outputs mean so far; its names of classes are used if they fit.
        name: What to call the examples in a message.
        is_fixed: Whether the names of the classes have to fit, since the model was trained on them.

    Returns:
        The examples, and what the outputs mean with these targets.

    Raises:
        ValueError: They do not fit together; the message says what to give.
    """
    targets, task = as_targets(y, loss, outputs, task, is_fixed=is_fixed)
    if len(targets) != len(inputs):
        raise ValueError(
            f"X has {len(inputs):,} examples and y {len(targets):,}; give one for each example"
        )
    weights = as_weights(sample_weight, len(inputs))
    return Examples(inputs, targets, weights, class_names(task, outputs), name), task


def as_inputs(x: Any) -> NDArray[Any]:
    """Bring inputs into an array ``(count, ...)``; gray images get the axis of their channel.

    Raises:
        ValueError: They are no numbers, or images whose channels come first.
    """
    inputs = as_array("X", x)
    if inputs.ndim == 3:
        inputs = inputs[..., np.newaxis]
    if inputs.ndim < 2:
        raise ValueError(
            f"X has the shape {inputs.shape}; give (count, features), (count, height, width) or "
            "(count, height, width, channels): for a single feature X.reshape(-1, 1)"
        )
    if inputs.ndim == 4 and inputs.shape[1] in _CHANNELS and inputs.shape[3] not in _CHANNELS:
        raise ValueError(
            f"X has the shape {inputs.shape}, which looks like images whose channels come first; "
            "give X.transpose(0, 2, 3, 1)"
        )
    return inputs


def as_weights(sample_weight: Any, count: int) -> Weights | None:
    """Bring weights into float32 ``(count,)``; None stays None.

    Raises:
        ValueError: They are not as many numbers that are finite and not negative, or all are 0.
    """
    if sample_weight is None:
        return None
    weights = as_array("sample_weight", sample_weight).astype(np.float32)
    if weights.shape != (count,):
        raise ValueError(
            f"sample_weight has the shape {weights.shape}, and there are {count:,} examples; "
            "give one number for each"
        )
    require_finite("sample_weight", weights)
    if (weights < 0).any() or not weights.any():
        raise ValueError("sample_weight has numbers below 0, or nothing above it; give weights")
    return weights


def as_targets(
    y: Any, loss: Loss, outputs: Shape, task: Task, *, is_fixed: bool = False
) -> tuple[NDArray[Any], Task]:
    """Bring targets into what a loss takes; see `as_examples`.

    Returns:
        int64 ``(count,)`` for classes, or ``(count, longest)`` for sequences of them, or float32
        ``(count, *outputs)``; and what they mean.
    """
    if isinstance(loss, CTCLoss):
        return loss.checked(_as_labels(y), outputs), Task("values", "none")
    return _Targets(_as_labels(y), loss, outputs, task, is_fixed).read()


def dataset_targets(dataset: Dataset, loss: Loss, outputs: Shape) -> tuple[Examples, Task] | None:
    """A data set of two classes for a single output, as examples; None for the usual case."""
    if not isinstance(loss, SigmoidCrossEntropy) or outputs != (1,) or len(dataset.classes) != 2:
        return None
    assert dataset.labels is not None
    rows = dataset.labels.astype(np.float32)[:, np.newaxis]
    examples = Examples(dataset.images, rows, None, dataset.classes, dataset.name)
    return examples, Task("classes", "sigmoid")


def class_names(task: Task, outputs: Shape) -> tuple[str, ...]:
    """What to call the classes; none for values."""
    if task.kind == "values" or len(outputs) != 1:
        return ()
    if task.names is not None:
        return tuple(map(str, task.names))
    return tuple(map(str, range(task.count(outputs))))


@final
@dataclass
class _Targets:
    """Targets that are about to be read."""

    y: NDArray[Any]
    loss: Loss
    outputs: Shape
    task: Task
    is_fixed: bool

    def read(self) -> tuple[NDArray[Any], Task]:
        y, size = self.y, math.prod(self.outputs)
        is_text = y.dtype.kind in "US"
        if y.ndim == 2 and y.shape[1] == 1 and size == 1 and not is_text:
            return self._column(y[:, 0], is_flat=False)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim == 1:
            if is_text or size > 1:
                return self._classes(y)
            return self._column(y, is_flat=True)
        return self._rows(y, size)

    def _column(self, y: NDArray[Any], is_flat: bool) -> tuple[NDArray[Any], Task]:
        """One number an example, for a model with one output."""
        if isinstance(self.loss, SoftmaxCrossEntropy):
            if y.dtype.kind == "f" and (y != np.rint(y)).any():
                raise ValueError(
                    "y holds values such as "
                    f"{float(y[y != np.rint(y)][0]):g}, and the loss is for classes; for "
                    'regression give loss="mse"'
                )
            raise ValueError(
                f"the model has one output, and y {len(np.unique(y))} classes; end the model with "
                f'Dense({max(2, len(np.unique(y)))}), or give loss="binary_crossentropy" for two '
                'classes, or loss="mse" for values'
            )
        if isinstance(self.loss, SigmoidCrossEntropy):
            found = np.unique(y)
            if len(found) > 2 and y.dtype.kind == "f" and ((y >= 0) & (y <= 1)).all():
                return self._floats(y[:, np.newaxis]), Task("classes", "sigmoid")
            classes, task = self._classes(y)
            return classes[:, np.newaxis].astype(np.float32), task
        values = self._floats(y[:, np.newaxis])
        return values, Task("values", "none", is_flat=is_flat)

    def _classes(self, y: NDArray[Any]) -> tuple[NDArray[Any], Task]:
        """One class an example."""
        if isinstance(self.loss, MeanSquaredError) and y.dtype.kind == "f":
            raise ValueError(
                f"y has one value an example, and the model {self.outputs} outputs; end the model "
                "with Dense(1)"
            )
        count = 2 if self.outputs == (1,) else self.outputs[-1]
        if len(self.outputs) != 1:
            raise ValueError(
                f"the model's outputs are {self.outputs}, and y has one class an example; end the "
                f"model with Flatten() or GlobalAveragePool2D(), and Dense({len(np.unique(y))})"
            )
        if y.dtype.kind == "f":
            if (y != np.rint(y)).any():
                raise ValueError(
                    f"y holds {float(y[y != np.rint(y)][0]):g}, which is no class; give integers "
                    'or names, or for regression loss="mse" and a model that ends with Dense(1)'
                )
            y = y.astype(np.int64)
        task = Task("classes", self.loss.activation)
        known = self.task.names
        if known is not None and (self.is_fixed or np.isin(y, np.asarray(known)).all()):
            task = replace(task, names=known)
            return task.numbers(y), task
        is_number = y.dtype.kind in "iu"
        if is_number and y.min(initial=0) >= 0 and y.max(initial=0) < count:
            return y.astype(np.int64), task
        if self.is_fixed and is_number:
            raise ValueError(
                f"y holds {int(y[(y < 0) | (y >= count)][0])}, and the model was trained on the "
                f"classes 0 to {count - 1}; give these"
            )
        names, numbers = np.unique(y, return_inverse=True)
        if len(names) != count:
            raise ValueError(
                f"y has {len(names)} classes ({', '.join(map(repr, names[:5].tolist()))}"
                f"{', ...' if len(names) > 5 else ''}), and the model has {self.outputs[-1]} "
                f"outputs; end the model with Dense({len(names)})"
            )
        return numbers.astype(np.int64), replace(task, names=tuple(names.tolist()))

    def _rows(self, y: NDArray[Any], size: int) -> tuple[NDArray[Any], Task]:
        """Several numbers an example."""
        if y.dtype.kind in "US":
            raise ValueError(f"y has the shape {y.shape} and holds text; give one name an example")
        if math.prod(y.shape[1:]) != size:
            raise ValueError(
                f"y has {y.shape[1:]} numbers an example, and the model's outputs are "
                f"{self.outputs}; end the model with Dense({math.prod(y.shape[1:])})"
            )
        values = self._floats(y).reshape(len(y), *self.outputs)
        if isinstance(self.loss, SoftmaxCrossEntropy):
            if (values < 0).any() or (abs(values.sum(axis=-1) - 1) > _ROUNDING).any():
                raise ValueError(
                    "y has rows that are no probabilities: each must sum up to 1, as one-hot rows "
                    "do; for several labels an example give "
                    'loss="binary_crossentropy", for values loss="mse"'
                )
            is_one_hot = bool(((values == 0) | (values == 1)).all())
            return values.argmax(axis=-1) if is_one_hot else values, Task()
        if isinstance(self.loss, SigmoidCrossEntropy):
            if (values < 0).any() or (values > 1).any():
                raise ValueError(
                    "y has numbers outside 0 to 1, and the loss is for labels; give 0 and 1, or "
                    'for values loss="mse"'
                )
            is_labels = values.ndim == 2 and bool(((values == 0) | (values == 1)).all())
            return values, Task("labels" if is_labels else "values", "sigmoid")
        return values, Task("values", "none")

    @staticmethod
    def _floats(y: NDArray[Any]) -> NDArray[np.float32]:
        require_finite("y", y)
        return y.astype(np.float32)


def _as_labels(y: Any) -> NDArray[Any]:
    """Bring targets into an array of numbers or text."""
    labels = np.asarray(y)
    if labels.dtype == object:
        if all(isinstance(value, str) for value in labels.flat):
            labels = labels.astype(str)
        else:
            labels = as_array("y", y if not isinstance(y, np.ndarray) else y.tolist())
    if labels.dtype.kind == "b":
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iufUS":
        raise ValueError(f"y has the type {labels.dtype}; give numbers or names of classes")
    if not labels.ndim:
        raise ValueError("y is a single value; give one for each example")
    if not labels.size:
        raise ValueError("y is empty; give at least one example")
    if labels.dtype.kind == "f":
        require_finite("y", labels)
    return labels


def require_input_shape(model: Sequential, shape: Shape) -> None:
    """Refuse inputs that the model was not built for.

    Raises:
        ValueError: The model takes inputs of another shape.
    """
    if model.input_shape and model.input_shape != shape:
        raise ValueError(
            f"the model takes inputs of {size_text(model.input_shape)}, and these are "
            f"{size_text(shape)}; give inputs of that shape, or build a new model"
        )
