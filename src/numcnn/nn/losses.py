"""Loss functions: what training minimizes, and its gradient with respect to the outputs.

Each loss is defined by one example; a batch's loss is the weighted mean over its examples. Targets
are class indices, integer ``(batch,)``, or numbers of the outputs' shape, ``(batch, outputs)``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Array
from numcnn.nn.layers.activation import log_softmax, sigmoid
from numcnn.nn.task import Activated, Task
from numcnn.nn.validation import number


class Loss(ABC):
    """A loss of a batch of outputs, against targets: what a training minimizes.

    A loss of your own has the method `terms`, which computes each example's loss and gradient by
    itself; weights, means and batches follow from it.

    Attributes:
        activation: The function that turns outputs trained with this loss into probabilities.
    """

    activation: ClassVar[Activated] = "softmax"

    @abstractmethod
    def terms(self, outputs: Array, targets: NDArray[np.generic]) -> tuple[Array, Array, Array]:
        """Compute each example's loss by itself.

        Args:
            outputs: ``(batch, outputs)``: what the network computed.
            targets: What it should have computed.

        Returns:
            The loss of each example, ``(batch,)``; its gradient d loss / d outputs,
            ``(batch, outputs)``; and the example's weight in the batch's mean, ``(batch,)``. Loss
            and gradient are already multiplied by the weight.

        Raises:
            ValueError: The targets do not fit the outputs.
        """

    def value_and_gradient(
        self,
        outputs: Array,
        targets: NDArray[np.generic],
        sample_weight: Array | None = None,
    ) -> tuple[float, Array]:
        """Compute the batch's loss and d loss / d outputs.

        The loss is ``sum of the terms / sum of the weights``; the gradient is divided alike.

        Args:
            outputs: ``(batch, outputs)``: what the network computed.
            targets: What it should have computed.
            sample_weight: How much each example counts, ``(batch,)``; all alike if None. Each
                multiplies the weight that the example has by its class.
        """
        losses, gradients, weights = self.terms(outputs, targets)
        if sample_weight is not None:
            each = np.asarray(sample_weight, outputs.dtype)
            losses, weights = losses * each, weights * each
            gradients = gradients * each.reshape(-1, *[1] * (gradients.ndim - 1))
        total = _total(weights)
        value = float(losses.sum(dtype=np.float64)) / total
        return value, gradients / outputs.dtype.type(total)

    def __call__(
        self,
        outputs: Array,
        targets: NDArray[np.generic],
        sample_weight: Array | None = None,
    ) -> float:
        """Compute the batch's loss; see `value_and_gradient`."""
        return self.value_and_gradient(outputs, targets, sample_weight)[0]


def _total(weights: Array) -> float:
    """The sum of the weights; 1 if nothing counts, so that the mean of nothing is 0."""
    return float(weights.sum(dtype=np.float64)) or 1.0


@final
@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """The usual loss for one class out of several: minus the log of the right class's probability.

    With logits ``z``, probabilities ``p = softmax(z)``, the target distribution ``q`` (1 for the
    right class) and class weights ``w``::

        loss = - sum_c w_c q_c log p_c

    Softmax and logarithm are taken together: ``log p = z - max - log sum exp(z - max)``, so that
    nothing overflows and no probability rounds to zero.

    Attributes:
        label_smoothing: How much of ``q`` is spread evenly over all classes, from 0 to below 1.
            Source: Szegedy and others, "Rethinking the Inception architecture for computer
            vision", 2016.
        class_weights: How much each class counts, in the order of the outputs, or by the class's
            number as in ``{0: 1.0, 1: 2.5}`` (those left out count 1); all the same if None. As in
            PyTorch, the mean is taken over the weights of the examples' true classes.
    """

    label_smoothing: float = 0.0
    class_weights: Sequence[float] | Mapping[int, float] | None = None

    def __post_init__(self) -> None:
        number("label_smoothing", self.label_smoothing, 0, 1)
        given = self.class_weights
        if given is not None:
            for weight in given.values() if isinstance(given, Mapping) else given:
                number("class_weights", weight, 0)

    def terms(self, outputs: Array, targets: NDArray[np.generic]) -> tuple[Array, Array, Array]:
        """Compute each example's loss and gradient.

        Since ``d log p_c / d z_k = [c = k] - p_k``, the gradient of the loss is::

            dz_k = p_k sum_c w_c q_c - w_k q_k

        Without class weights that is ``dz = p - q``.
        """
        truth = one_hot(targets, outputs)
        classes = outputs.shape[1]
        weights = self._weights(classes).astype(outputs.dtype)
        log_p = log_softmax(outputs)
        q = weights * (truth * (1 - self.label_smoothing) + self.label_smoothing / classes)
        gradients = np.exp(log_p) * q.sum(axis=1, keepdims=True) - q
        # 0 * -inf is NaN, but a class of weight 0 has no loss.
        losses = -(q * np.maximum(log_p, np.finfo(log_p.dtype).min)).sum(axis=1)
        return losses, gradients, truth @ weights

    def _weights(self, classes: int) -> NDArray[np.float64]:
        """The weight of each class, ``(classes,)``."""
        given = self.class_weights
        if isinstance(given, Mapping):
            if wrong := [key for key in given if key not in range(classes)]:
                raise ValueError(
                    f"class_weights holds the class {wrong[0]!r}; give numbers of classes, from 0 "
                    f"to {classes - 1}"
                )
            return np.array([given.get(index, 1.0) for index in range(classes)])
        if given is not None and len(given) != classes:
            raise ValueError(
                f"class_weights has {len(given)} numbers for {classes} classes; "
                "give one for each class"
            )
        return np.ones(classes) if given is None else np.asarray(given, np.float64)


@final
@dataclass(frozen=True)
class SigmoidCrossEntropy(Loss):
    """A yes-or-no question for each output: binary cross-entropy on logits, averaged over them.

    For one of two classes with a single output, for several labels at once, or for one class out
    of several, each against the rest.

    With logits ``z``, ``s = sigmoid(z)`` and targets ``t`` from 0 to 1::

        loss = mean over the outputs of  -t log s - (1 - t) log(1 - s)
             = mean over the outputs of  max(z, 0) - z t + log(1 + exp(-|z|))

    The second form overflows nowhere. Class indices are taken as one-hot rows.
    """

    activation = "sigmoid"

    def terms(self, outputs: Array, targets: NDArray[np.generic]) -> tuple[Array, Array, Array]:
        """Compute each example's loss and gradient: ``dz = (s - t) / outputs``."""
        truth = like_outputs(targets, outputs)
        losses = np.maximum(outputs, 0) - outputs * truth + np.log1p(np.exp(-np.abs(outputs)))
        gradients = (sigmoid(outputs) - truth) / math.prod(outputs.shape[1:])
        return _means(losses), gradients, np.ones(len(outputs), outputs.dtype)


@final
@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """``mean over the outputs of (y - t)^2``, for values of any shape, images too.

    Class indices are taken as one-hot rows.
    """

    activation = "none"

    def terms(self, outputs: Array, targets: NDArray[np.generic]) -> tuple[Array, Array, Array]:
        """Compute each example's loss and gradient: ``dy = 2 (y - t) / outputs``."""
        difference = outputs - like_outputs(targets, outputs)
        gradients = 2 * difference / math.prod(outputs.shape[1:])
        return _means(np.square(difference)), gradients, np.ones(len(outputs), outputs.dtype)


def usual_loss(task: Task) -> Loss:
    """The loss of outputs that mean this, where nothing else is known of their training."""
    losses = {"softmax": SoftmaxCrossEntropy, "sigmoid": SigmoidCrossEntropy}
    return losses.get(task.activation, MeanSquaredError)()


def _means(losses: Array) -> Array:
    """Each example's mean, ``(batch,)``."""
    return losses.mean(axis=tuple(range(1, losses.ndim)))


def like_outputs(targets: NDArray[np.generic], outputs: Array) -> Array:
    """Bring targets of any shape into the outputs' shape and dtype; see `one_hot`."""
    if targets.shape == outputs.shape or outputs.shape[1:] == (1,) == (*targets.shape[1:], 1):
        return np.zeros_like(outputs) + targets.reshape(outputs.shape).astype(outputs.dtype)
    return one_hot(targets, outputs)


def one_hot(targets: NDArray[np.generic], outputs: Array) -> Array:
    """Bring targets into the outputs' shape and dtype.

    Args:
        targets: Class indices ``(batch,)``, integers, or rows ``(batch, outputs)``.
        outputs: ``(batch, outputs)``.

    Returns:
        ``(batch, outputs)``: for a class index, a row of zeros with a 1 at the class.

    Raises:
        ValueError: The shapes do not fit, or an index is not one of an output.
    """
    if outputs.ndim != 2:
        raise ValueError(
            f"outputs has the shape {outputs.shape}; a loss takes (batch, outputs): end the "
            "network with Flatten(), GlobalAveragePool2D() or Dense(classes)"
        )
    if targets.shape == outputs.shape:
        return np.zeros_like(outputs) + targets.astype(outputs.dtype)
    if targets.shape != outputs.shape[:1] or not np.issubdtype(targets.dtype, np.integer):
        raise ValueError(
            f"targets is {targets.dtype} of shape {targets.shape} for outputs of shape "
            f"{outputs.shape}; give integer class indices, or rows of the outputs' shape"
        )
    classes = targets.astype(np.intp)
    wrong = classes[(classes < 0) | (classes >= outputs.shape[1])]
    if wrong.size:
        raise ValueError(
            f"targets holds the class {wrong[0]}, but the network has {outputs.shape[1]} outputs; "
            "classes count from 0"
        )
    truth = np.zeros_like(outputs)
    truth[np.arange(len(classes)), classes] = 1
    return truth
