"""Losses and optimizers as a training takes them: objects, names, or for a loss a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn import (
    SGD,
    Adam,
    AdamW,
    Array,
    Loss,
    MeanSquaredError,
    Optimizer,
    RMSProp,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)
from numcnn.nn.habits import function_name


@final
@dataclass(frozen=True)
class FunctionLoss(Loss):
    """A loss that is given as a function.

    Attributes:
        function: From outputs and targets, as `Loss.value_and_gradient` gets them, to the batch's
            mean loss and d loss / d outputs.
    """

    function: Callable[[Array, NDArray[Any]], tuple[float, Array]]

    def terms(self, outputs: Array, targets: NDArray[np.generic]) -> tuple[Array, Array, Array]:
        """Call the function for each example by itself."""
        pairs = [
            self.function(outputs[row : row + 1], targets[row : row + 1])
            for row in range(len(outputs))
        ]
        losses = np.array([value for value, _ in pairs], outputs.dtype)
        return losses, np.concatenate([dy for _, dy in pairs]), np.ones_like(losses)

    def value_and_gradient(
        self,
        outputs: Array,
        targets: NDArray[np.generic],
        sample_weight: Array | None = None,
    ) -> tuple[float, Array]:
        """Call the function for the whole batch, or for each example if they have weights."""
        if sample_weight is not None:
            return super().value_and_gradient(outputs, targets, sample_weight)
        value, gradient = self.function(outputs, targets)
        gradient = np.asarray(gradient, outputs.dtype)
        if gradient.shape != outputs.shape:
            raise ValueError(
                f"loss {self.name} gave a gradient of shape {gradient.shape} for outputs of shape "
                f"{outputs.shape}; return the loss and d loss / d outputs"
            )
        return float(value), gradient

    @property
    def name(self) -> str:
        """The function's."""
        return function_name(self.function)

    def __repr__(self) -> str:
        return f"FunctionLoss({self.name})"


LOSSES: Mapping[str, type[Loss]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *("softmax_cross_entropy", "cross_entropy", "crossentropy"),
                *("categorical_crossentropy", "sparse_categorical_crossentropy"),
            ),
            SoftmaxCrossEntropy,
        ),
        **dict.fromkeys(
            ("sigmoid_cross_entropy", "binary_crossentropy", "bce"), SigmoidCrossEntropy
        ),
        **dict.fromkeys(("mean_squared_error", "mse", "squared_error"), MeanSquaredError),
    }
)
"""Losses by the names under which a training takes them."""


def as_loss(value: Any) -> Loss:
    """Take a loss: one of `Loss`, the name of one, a function, or None for the usual one.

    Raises:
        ValueError: It is none of these; the message says what to give instead.
    """
    if value is None:
        return SoftmaxCrossEntropy()
    if isinstance(value, Loss):
        return value
    if isinstance(value, type) and issubclass(value, Loss):
        raise ValueError(f"loss is the class {value.__name__}; give a loss: {value.__name__}()")
    if isinstance(value, str) and value in LOSSES:
        return LOSSES[value]()
    if not isinstance(value, str) and callable(value):
        return FunctionLoss(value)
    raise ValueError(
        f"loss is {value!r}; give one of {', '.join(LOSSES)}, a Loss such as "
        "SoftmaxCrossEntropy(), or a function"
    )


OPTIMIZERS: Mapping[str, Callable[[], Optimizer]] = MappingProxyType(
    {"adam": Adam, "adamw": AdamW, "rmsprop": RMSProp, "sgd": SGD}
)
"""Optimizers, with their usual settings, by the names under which a training takes them."""


def as_optimizer(value: Any) -> Optimizer:
    """Take an optimizer: one of `Optimizer`, the name of one, or None for `Adam`.

    Raises:
        ValueError: It is none of these; the message says what to give instead.
    """
    if value is None:
        return Adam()
    if isinstance(value, Optimizer):
        return value
    if isinstance(value, str) and value.lower() in OPTIMIZERS:
        return OPTIMIZERS[value.lower()]()
    if callable(value) and hasattr(value, "__name__"):
        name = value.__name__
        raise ValueError(f"optimizer is the class {name}; give an optimizer: {name}()")
    raise ValueError(
        f"optimizer is {value!r}; give one of {', '.join(OPTIMIZERS)}, or an optimizer such as "
        "Adam(learning_rate=0.001)"
    )
