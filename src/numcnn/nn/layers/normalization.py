"""Batch normalization and layer normalization."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.layers.base import Layer
from numcnn.nn.validation import number


@final
@dataclass(eq=False)
class BatchNorm(Layer):
    """Give each feature mean 0 and variance 1 over the batch, then a learned scale and shift.

    ::

        y = gamma (x - mean) / sqrt(variance + epsilon) + beta

    After a dense layer a feature is a column of ``(batch, features)``; after a convolution it is a
    channel, and the statistics run over the batch, the height and the width. Input and output have
    the same shape; ``gamma`` and ``beta`` are ``(features,)``.

    In training, mean and variance are those of the batch. Inference must not depend on what else
    is in the batch, so it uses running averages of them, kept as state::

        running = momentum * running + (1 - momentum) * batch

    The batch needs at least two values a feature: a single one has no variance.

    As in PyTorch (whose ``momentum`` is one minus this one), the batch normalizes with its plain
    variance, and the running variance collects the unbiased one, with ``count - 1``.

    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
    internal covariate shift", 2015.

    Attributes:
        momentum: How much of the running averages stays at each step, from 0 to below 1.
        epsilon: Keeps the division away from zero.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5

    decayed = frozenset[str]()

    def __post_init__(self) -> None:
        number("momentum", self.momentum, least=0, below=1)
        _check_epsilon(self.epsilon)

    def array_shapes(self, input_shape: Shape) -> Mapping[str, Shape]:
        """Four numbers a feature."""
        return dict.fromkeys(("gamma", "beta", "mean", "variance"), input_shape[-1:])

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Start as the identity: scale 1, shift 0, running mean 0 and variance 1."""
        features = input_shape[-1]
        self.params = _scale_and_shift(features)
        self.state = {
            "mean": np.zeros(features, np.float32),
            "variance": np.ones(features, np.float32),
        }
        return input_shape

    def forward(self, x: Array, ctx: Context) -> Array:
        """Normalize, scale and shift; in training, also average the statistics."""
        if ctx.training and self.trainable:
            mean, variance = self._batch_statistics(x, ctx)
        else:
            mean, variance = self.state["mean"], self.state["variance"]
        inverse_deviation = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        normalized = (x - mean) * inverse_deviation
        ctx.save(self, normalized, inverse_deviation)
        return self.params["gamma"] * normalized + self.params["beta"]

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive the gradients of ``y = gamma z + beta`` with ``z = (x - mean) / deviation``.

        The learned part is a dense layer's, feature by feature::

            dgamma = sum dy z        dbeta = sum dy        dz = gamma dy

        In inference, mean and deviation are constants: ``dx = dz / deviation``; so they are where
        the layer is frozen. In training they depend on every ``x`` of the ``m`` in the batch:
        ``dmean / dx = 1 / m`` and, since ``variance = sum (x - mean)^2 / m``,
        ``dvariance / dx = 2 (x - mean) / m``. With ``dz / dmean = -1 / deviation`` and
        ``dz / dvariance = -z / (2 variance)``, the three paths from ``x`` to ``z`` sum up to::

            dx = (dz - sum(dz) / m - z sum(dz z) / m) / deviation

        In words: what would only move all of the batch up, or stretch it, is taken out, since
        normalizing undoes it. The two sums are ``gamma dbeta`` and ``gamma dgamma``.
        """
        normalized, inverse_deviation = ctx.take(self)
        axes = tuple(range(dy.ndim - 1))
        dgamma = (dy * normalized).sum(axis=axes)
        dbeta = dy.sum(axis=axes)
        ctx.grads[self] = {"gamma": dgamma, "beta": dbeta}
        scale = self.params["gamma"] * inverse_deviation
        if not (ctx.training and self.trainable):
            return dy * scale
        count = math.prod(dy.shape[:-1])
        return scale * (dy - dbeta / count - normalized * (dgamma / count))

    def _batch_statistics(self, x: Array, ctx: Context) -> tuple[Array, Array]:
        axes = tuple(range(x.ndim - 1))
        count = math.prod(x.shape[:-1])
        require_several(count)
        mean, variance = x.mean(axis=axes), x.var(axis=axes)
        unbiased = variance * (count / max(count - 1, 1))
        ctx.new_state[self] = {
            "mean": self._running("mean", mean),
            "variance": self._running("variance", unbiased),
        }
        return mean, variance

    def _running(self, name: str, batch: Array) -> Array:
        return self.momentum * self.state[name] + (1 - self.momentum) * batch


@final
@dataclass(eq=False)
class LayerNorm(Layer):
    """Give the features of each example mean 0 and variance 1, then a learned scale and shift.

    ::

        y = gamma (x - mean) / sqrt(variance + epsilon) + beta

    Mean and variance run over the last axis: all features of ``(batch, features)``, and in images
    the channels of each pixel. Input and output have the same shape; ``gamma`` and ``beta`` are
    ``(features,)``. No example depends on another one, so training and inference do the same, and
    a batch may be as small as one.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.

    Attributes:
        epsilon: Keeps the division away from zero.
    """

    epsilon: float = 1e-5

    acts_on = "example"
    decayed = frozenset[str]()

    def __post_init__(self) -> None:
        _check_epsilon(self.epsilon)

    def array_shapes(self, input_shape: Shape) -> Mapping[str, Shape]:
        """Two numbers a feature."""
        return dict.fromkeys(("gamma", "beta"), input_shape[-1:])

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Start with scale 1 and shift 0."""
        features = input_shape[-1]
        self.params = _scale_and_shift(features)
        return input_shape

    def forward(self, x: Array, ctx: Context) -> Array:
        """Normalize each row of features, scale and shift."""
        centered = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centered).mean(axis=-1, keepdims=True)
        inverse_deviation = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        normalized = centered * inverse_deviation
        ctx.save(self, normalized, inverse_deviation)
        return self.params["gamma"] * normalized + self.params["beta"]

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive the gradients of ``y = gamma z + beta`` with ``z = (x - mean) / deviation``.

        The learned part is that of `BatchNorm`, and so is the rule for ``x``, only that the sums
        run over the ``k`` features of an example, and not over the batch::

            dgamma = sum over examples of dy z        dbeta = sum over examples of dy
            dz = gamma dy
            dx = (dz - sum(dz) / k - z sum(dz z) / k) / deviation
        """
        normalized, inverse_deviation = ctx.take(self)
        axes = tuple(range(dy.ndim - 1))
        ctx.grads[self] = {"gamma": (dy * normalized).sum(axis=axes), "beta": dy.sum(axis=axes)}
        dz = self.params["gamma"] * dy
        shift = dz.mean(axis=-1, keepdims=True)
        stretch = (dz * normalized).mean(axis=-1, keepdims=True)
        return inverse_deviation * (dz - shift - normalized * stretch)


def require_several(count: int) -> None:
    """Refuse a batch that has no variance.

    Raises:
        ValueError: There is one value a feature, which would be normalized to 0 whatever it is.
    """
    if count < 2:
        raise ValueError(
            "the batch has a single example, which BatchNorm would turn into zeros; give another "
            "batch_size, so that no batch of one is left over, or use LayerNorm"
        )


def _check_epsilon(epsilon: float) -> None:
    if number("epsilon", epsilon, least=0) == 0:
        raise ValueError("epsilon is 0; give a small positive number")


def _scale_and_shift(features: int) -> dict[str, Array]:
    """The parameters at the start: scale 1 and shift 0."""
    return {"gamma": np.ones(features, np.float32), "beta": np.zeros(features, np.float32)}
