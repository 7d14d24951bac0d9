"""What a model's outputs mean: classes, yes or no for several labels, or plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.layers.activation import sigmoid, softmax
from numcnn.nn.validation import flag, is_whole

Activated = Literal["softmax", "sigmoid", "none"]
"""The function that turns outputs into probabilities."""


_KINDS = ("classes", "labels", "values")
_ACTIVATIONS = ("softmax", "sigmoid", "none")
MOST_CLASS_NAME = 1000
"""Characters in the name of a class."""


@final
@dataclass(frozen=True)
class Task:
    """How outputs are turned into answers. Training sets it, from its loss and its targets.

    Attributes:
        kind: "classes" (each example has one class), "labels" (each example has any number of
            labels; each output says yes or no to one) or "values" (numbers, as in regression).
        activation: What makes probabilities of the outputs: "softmax", "sigmoid", or "none" if
            the outputs themselves approach them, as under the squared error.
        names: What each class was called in the training data, an integer or text each; None if
            a class is its number.
        is_flat: Whether one value an example was given as ``(count,)``, and is answered so.

    Raises:
        ValueError: A setting is none of these.
    """

    kind: Literal["classes", "labels", "values"] = "classes"
    activation: Activated = "softmax"
    names: tuple[Any, ...] | None = None
    is_flat: bool = False

    def __post_init__(self) -> None:
        for name, known in (("kind", _KINDS), ("activation", _ACTIVATIONS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; choose one of {', '.join(known)}"
                )
        flag("is_flat", self.is_flat)
        if self.names is not None:
            for value in self.names:
                is_text = isinstance(value, str) and len(value) <= MOST_CLASS_NAME
                if not (is_text or is_whole(value, -(2**63), 2**63 - 1)):
                    raise ValueError(f"names holds {value!r:.60}; give integers or short text")
            if not self.names or len({*map(type, self.names)}) > 1:
                raise ValueError("names is empty or mixed; give integers or text, one a class")
            if len({*self.names}) < len(self.names):
                raise ValueError("names holds a name twice; give each class its own")

    def count(self, outputs: Shape) -> int:
        """How many classes or labels outputs of a shape tell; none for values.

        A single output that goes through a sigmoid tells two classes.
        """
        if self.kind == "values":
            return 0
        is_binary = self.kind == "classes" and self.activation == "sigmoid"
        return 2 if is_binary and outputs == (1,) else outputs[-1]

    def probabilities(self, outputs: Array, is_activated: bool = False) -> Array:
        """Turn outputs into probabilities, ``(count, classes)`` or ``(count, labels)``.

        Args:
            outputs: ``(count, outputs)``. A single output is the second of two classes.
            is_activated: Whether the model's last layer is a softmax or a sigmoid already.

        Raises:
            ValueError: The outputs are values, which have no probabilities.
        """
        if self.kind == "values":
            raise ValueError(
                "the model was trained on values, which have no probabilities; call predict or "
                "outputs"
            )
        p = outputs
        if not is_activated and self.activation == "none":
            clipped = np.clip(outputs, 0, 1)
            p = clipped / np.maximum(clipped.sum(axis=-1, keepdims=True), 1e-12)
        elif not is_activated:
            is_sigmoid = self.activation == "sigmoid"
            p = sigmoid(outputs) if is_sigmoid else softmax(outputs)
        if self.kind == "classes" and p.shape[-1] == 1 and self.activation == "sigmoid":
            return np.concatenate([1 - p, p], axis=-1)
        return p

    def decide(self, outputs: Array, is_activated: bool = False) -> NDArray[Any]:
        """Turn outputs into answers.

        Returns:
            Classes ``(count,)``, by their names if they have any; 0 or 1 for each label,
            ``(count, labels)``; or the values as they are, ``(count,)`` if they were given so.
        """
        half = 0.5 if is_activated or self.activation == "none" else 0.0
        if self.kind == "values":
            is_squashed = self.activation == "sigmoid" and not is_activated
            values = sigmoid(outputs) if is_squashed else outputs
            return values[:, 0] if self.is_flat else values
        if self.kind == "labels":
            return (outputs > half).astype(np.intp)
        if outputs.shape[-1] == 1 and self.activation == "sigmoid":
            classes = (outputs[..., 0] > half).astype(np.intp)
        else:
            classes = outputs.argmax(axis=-1)
        return classes if self.names is None else np.asarray(self.names)[classes]

    def numbers(self, answers: Sequence[Any] | NDArray[Any]) -> NDArray[np.int64]:
        """The classes' numbers of answers that are given by the classes' names.

        Raises:
            ValueError: One of them is none of the names.
        """
        assert self.names is not None
        values = np.asarray(answers)
        names = np.asarray(self.names)
        order = np.argsort(names)
        places = np.searchsorted(names, values, sorter=order).clip(0, len(names) - 1)
        numbers = order[places]
        if (wrong := np.flatnonzero(names[numbers] != values)).size:
            raise ValueError(
                f"y holds {values[wrong[0]]!r} (example {wrong[0]}), and the model was trained on "
                f"{', '.join(map(repr, self.names[:10]))}; give these"
            )
        return numbers.astype(np.int64)
