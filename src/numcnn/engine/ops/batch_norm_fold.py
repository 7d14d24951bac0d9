"""Batch normalization folded into the convolution or dense layer before it, for inference."""

from typing import final

import numpy as np

from numcnn.nn.arrays import Array
from numcnn.nn.layers import BatchNorm, Layer


@final
class Fold:
    """Batch normalization, at inference a scale and a shift, folded into the weights before it.

    ::

        gamma (x W + b - mean) / deviation + beta = x (W s) + (b - mean) s + beta,
        s = gamma / deviation
    """

    def __init__(self, norm: BatchNorm) -> None:
        self._norm = norm

    @property
    def arrays(self) -> list[Array]:
        """What the scale and the shift follow from."""
        return [*self._norm.params.values(), *self._norm.state.values()]

    def scale_shift(self) -> tuple[Array, Array]:
        """``s`` and ``beta - mean s``."""
        params, state = self._norm.params, self._norm.state
        scale = params["gamma"] / np.sqrt(state["variance"] + np.float32(self._norm.epsilon))
        return scale, params["beta"] - state["mean"] * scale

    def apply(self, weight: Array, bias: Array | None) -> tuple[Array, Array]:
        """Return the weight and the bias that contain the normalization."""
        scale, shift = self.scale_shift()
        return weight * scale, shift if bias is None else bias * scale + shift


def arrays_behind(layer: Layer, fold: Fold | None) -> list[Array]:
    """All arrays that the folded weight and bias of a layer follow from."""
    return [*layer.params.values(), *(fold.arrays if fold is not None else [])]
