"""Loss functions: what training makes small, and its gradient with respect to the outputs.

Each loss is defined by one example; a batch's loss is the weighted mean over its examples. Targets
are class indices, integer ``(batch,)``, or a row of numbers an example, ``(batch, outputs)``.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Array
from numcnn.nn.layers.activation import log_softmax, sigmoid
from numcnn.nn.validation import number


class Loss(ABC):
    """A loss of a batch of outputs, against targets."""

    @abstractmethod
    def terms(self, outputs: Array, targets: NDArray[np.generic]) -> tuple[Array, Array, Array]:
        """Compute each example's loss by itself.

        Args:
            outputs: ``(batch, outputs)``: what the network computed.
            targets: What it should have computed.

        Returns:
            The loss of each example, ``(batch,)``; its gradient d loss / d outputs,
            ``(batch, outputs)``; and the example's weight in the batch's mean, ``(batch,)``. Loss
            and gradient are multiplied with the weight already.

        Raises:
            ValueError: The targets do not fit the outputs.
        """

    def value_and_gradient(
        self, outputs: Array, targets: NDArray[np.generic]
    ) -> tuple[float, Array]:
        """Compute the batch's loss and d loss / d outputs.

        The loss is ``sum of the terms / sum of the weights``; the gradient is divided alike.
        """
        losses, gradients, weights = self.terms(outputs, targets)
        total = _total(weights)
        value = float(losses.sum(dtype=np.float64)) / total
        return value, gradients / outputs.dtype.type(total)

    def __call__(self, outputs: Array, targets: NDArray[np.generic]) -> float:
        """Compute the batch's loss."""
        return self.value_and_gradient(outputs, targets)[0]


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
        class_weights: How much each class counts; all the same if None. As in PyTorch, the mean
            is taken over the weights of the examples' true classes.
    """

    label_smoothing: float = 0.0
    class_weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        number("label_smoothing", self.label_smoothing, 0, 1)
        if self.class_weights is not None and not all(w >= 0 for w in self.class_weights):
            raise ValueError(
                f"class_weights is {self.class_weights}; give numbers that are not negative"
            )

    def terms(self, outputs: Array, targets: NDArray[np.generic]) -> tuple[Array, Array, Array]:
        """Compute each example's loss and gradient.

        Since ``d log p_c / d z_k = [c = k] - p_k``, the gradient of the loss is::

            dz_k = p_k sum_c w_c q_c - w_k q_k

        Without class weights that is ``dz = p - q``.
        """
        truth = one_hot(targets, outputs)
        classes = outputs.shape[1]
        weights = np.ones(classes, outputs.dtype)
        if self.class_weights is not None:
            if len(self.class_weights) != classes:
                raise ValueError(
                    f"class_weights has {len(self.class_weights)} numbers for {classes} classes; "
                    "give one for each class"
                )
            weights = np.asarray(self.class_weights, outputs.dtype)
        log_p = log_softmax(outputs)
        q = weights * (truth * (1 - self.label_smoothing) + self.label_smoothing / classes)
        gradients = np.exp(log_p) * q.sum(axis=1, keepdims=True) - q
        # 0 * -inf is NaN, but a class of weight 0 has no loss.
        losses = -(q * np.maximum(log_p, np.finfo(log_p.dtype).min)).sum(axis=1)
        return losses, gradients, truth @ weights


@final
@dataclass(frozen=True)
class SigmoidCrossEntropy(Loss):
    """A yes-or-no question for each output: binary cross-entropy on logits, averaged over them.

    With logits ``z``, ``s = sigmoid(z)`` and targets ``t`` from 0 to 1::

        loss = mean over the outputs of  -t log s - (1 - t) log(1 - s)
             = mean over the outputs of  max(z, 0) - z t + log(1 + exp(-|z|))

    The second form overflows nowhere. Class indices are taken as one-hot rows.
    """

    def terms(self, outputs: Array, targets: NDArray[np.generic]) -> tuple[Array, Array, Array]:
        """Compute each example's loss and gradient: ``dz = (s - t) / outputs``."""
        truth = one_hot(targets, outputs)
        losses = np.maximum(outputs, 0) - outputs * truth + np.log1p(np.exp(-np.abs(outputs)))
        gradients = (sigmoid(outputs) - truth) / outputs.shape[1]
        return losses.mean(axis=1), gradients, np.ones(len(outputs), outputs.dtype)


@final
@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """``mean over the outputs of (y - t)^2``. Class indices are taken as one-hot rows."""

    def terms(self, outputs: Array, targets: NDArray[np.generic]) -> tuple[Array, Array, Array]:
        """Compute each example's loss and gradient: ``dy = 2 (y - t) / outputs``."""
        difference = outputs - one_hot(targets, outputs)
        gradients = 2 * difference / outputs.shape[1]
        return np.square(difference).mean(axis=1), gradients, np.ones(len(outputs), outputs.dtype)


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
        return targets.astype(outputs.dtype)
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
    truth = np.zeros(outputs.shape, outputs.dtype)
    truth[np.arange(len(classes)), classes] = 1
    return truth
