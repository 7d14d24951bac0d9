"""Activation functions.

All keep their input's shape. `Softmax`, which looks at an example's numbers together, is here too.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.polynomial import Chebyshev

from numcnn.nn.arrays import Array
from numcnn.nn.context import Context
from numcnn.nn.layers.base import Layer
from numcnn.nn.validation import number


class Activation(Layer):
    """A function with nothing to learn, whose output has its input's shape.

    In a list of layers it may stand by its name: ``Sequential([Dense(64), "relu", Dense(10)])``.
    The names are in `numcnn.nn.layers.ACTIVATIONS`.
    """

    @abstractmethod
    def forward(self, x: Array, ctx: Context) -> Array:
        """Apply the function."""

    @abstractmethod
    def backward(self, dy: Array, ctx: Context) -> Array:
        """Multiply with the function's derivative."""


@final
@dataclass(eq=False)
class ReLU(Activation):
    """``max(x, 0)``: what is negative is off.

    Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
    """

    acts_on = "element"

    def forward(self, x: Array, ctx: Context) -> Array:
        """Compute ``max(x, 0)``."""
        ctx.save(self, x > 0)
        return np.maximum(x, 0)

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Pass the gradient where the unit is on: ``dx = dy [x > 0]``.

        At exactly 0, where there is no derivative, it is taken as 0.
        """
        (on,) = ctx.take(self)
        return dy * on


@final
@dataclass(eq=False)
class LeakyReLU(Activation):
    """``x`` where positive, ``negative_slope * x`` elsewhere, so that no unit is ever quite off.

    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic
    models", 2013.

    Attributes:
        negative_slope: The slope on the left, from 0 to below 1.
    """

    negative_slope: float = 0.01

    acts_on = "element"

    def __post_init__(self) -> None:
        number("negative_slope", self.negative_slope, least=0, below=1)

    def forward(self, x: Array, ctx: Context) -> Array:
        """Compute ``max(x, negative_slope x)``."""
        ctx.save(self, x > 0)
        return np.maximum(x, x.dtype.type(self.negative_slope) * x)

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Multiply with the slope of the side: ``dx = dy`` or ``dx = negative_slope dy``."""
        (positive,) = ctx.take(self)
        return np.where(positive, dy, dy.dtype.type(self.negative_slope) * dy)


@final
@dataclass(eq=False)
class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``: from any number to one between 0 and 1.

    Any shape; nothing to learn. Before a loss for yes-or-no questions it is left out:
    `SigmoidCrossEntropy` contains it.

    Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors",
    1986.
    """

    acts_on = "element"

    def forward(self, x: Array, ctx: Context) -> Array:
        """Compute the logistic function."""
        y = sigmoid(x)
        ctx.save(self, y)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive ``y = 1 / (1 + e^-x)``: ``dy/dx = e^-x / (1 + e^-x)^2 = y (1 - y)``."""
        (y,) = ctx.take(self)
        return dy * y * (1 - y)


@final
@dataclass(eq=False)
class Tanh(Activation):
    """The hyperbolic tangent: from any number to one between -1 and 1.

    Any shape; nothing to learn. Other than a sigmoid's, its outputs have a mean near 0.

    Source: LeCun, Bottou, Orr and Mueller, "Efficient backprop", 1998.
    """

    acts_on = "element"

    def forward(self, x: Array, ctx: Context) -> Array:
        """Compute ``tanh(x)``."""
        y = np.tanh(x)
        ctx.save(self, y)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive ``y = sinh x / cosh x``: ``dy/dx = 1 - sinh^2 x / cosh^2 x = 1 - y^2``."""
        (y,) = ctx.take(self)
        return dy * (1 - y * y)


@final
@dataclass(eq=False)
class SiLU(Activation):
    """``x * sigmoid(x)``, also called swish: a smooth ReLU that dips below zero first.

    Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", 2018.
    """

    acts_on = "element"

    def forward(self, x: Array, ctx: Context) -> Array:
        """Compute ``x s`` with ``s = sigmoid(x)``."""
        s = sigmoid(x)
        ctx.save(self, x, s)
        return x * s

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Apply the product rule, with ``ds/dx = s (1 - s)``: ``dx = dy (s + x s (1 - s))``."""
        x, s = ctx.take(self)
        return dy * (s + x * s * (1 - s))


@final
@dataclass(eq=False)
class GELU(Activation):
    """``x * Phi(x)``: each number weighted by how much of a normal distribution lies below it.

    Source: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016.

    Attributes:
        approximate: "none" for the exact form through the error function, or "tanh" for the
            paper's approximation, which is a few times faster here and differs by up to 0.0005.
    """

    approximate: str = "none"

    acts_on = "element"

    def __post_init__(self) -> None:
        if self.approximate not in ("none", "tanh"):
            raise ValueError(f'approximate is {self.approximate!r}; choose "none" or "tanh"')

    def forward(self, x: Array, ctx: Context) -> Array:
        """Compute ``x Phi(x)``."""
        if self.approximate == "none":
            phi = (1 + erf(x * math.sqrt(0.5))) / 2
            ctx.save(self, x, phi)
        else:
            phi = (1 + np.tanh(_GELU_SCALE * (x + _GELU_CUBIC * x**3))) / 2
            ctx.save(self, x, phi)
        return x * phi

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Apply the product rule: ``dx = dy (Phi(x) + x Phi'(x))``.

        Exactly, ``Phi'`` is the normal density ``exp(-x^2 / 2) / sqrt(2 pi)``. For the
        approximation ``Phi = (1 + tanh u) / 2`` with ``u = sqrt(2 / pi) (x + 0.044715 x^3)``, it is
        ``(1 - tanh^2 u) u' / 2 = 2 Phi (1 - Phi) u'``.
        """
        x, phi = ctx.take(self)
        if self.approximate == "none":
            slope = np.exp(-x * x / 2) * (1 / math.sqrt(2 * math.pi))
        else:
            slope = 2 * phi * (1 - phi) * _GELU_SCALE * (1 + 3 * _GELU_CUBIC * x * x)
        return dy * (phi + x * slope)


@final
@dataclass(eq=False)
class Softmax(Activation):
    """``exp(x_i) / sum_j exp(x_j)``: the numbers of an example become probabilities.

    A classifier is trained without it: `numcnn.nn.losses.SoftmaxCrossEntropy` works on the logits,
    which is exact where a probability rounds to 0, and `Sequential.predict_proba` adds it.
    """

    acts_on = "example"

    def forward(self, x: Array, ctx: Context) -> Array:
        """Compute the softmax over the last axis."""
        y = softmax(x)
        ctx.save(self, y)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive ``y_i = e_i / sum_j e_j``: ``dy_i / dx_k = y_i ([i = k] - y_k)``.

        Summed over the outputs::

            dx_k = y_k (dy_k - sum_i dy_i y_i)
        """
        (y,) = ctx.take(self)
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


def sigmoid(x: Array) -> Array:
    """The logistic function, in a form that overflows nowhere: ``(1 + tanh(x / 2)) / 2``."""
    return (1 + np.tanh(x / 2)) / 2


def softmax(x: Array) -> Array:
    """Softmax over the last axis; the maximum is taken off first, so that no ``exp`` overflows."""
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def log_softmax(x: Array) -> Array:
    """The logarithm of `softmax`, exact also where a probability is too small for its dtype."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def erf(x: Array) -> Array:
    """The error function, to 14 digits (7 in float32); NumPy has none.

    ``erfc(z) exp(z^2)`` is smooth as a function of ``2 / (2 + z)``, where a Chebyshev polynomial
    meets it that far. Beyond ``z = 6``, ``erf`` is 1 to the last digit.
    """
    z = np.minimum(np.abs(x), 6)
    tail = _ERFC_TIMES_EXP(2 / (2 + z)).astype(x.dtype) * np.exp(-z * z)
    return np.copysign(1 - tail, x)


_GELU_SCALE, _GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715
_ERFC_TIMES_EXP = Chebyshev(
    [
        *(0.4626510617015377, 0.4459445905375999, 0.0839224456318148, 0.0077594537348146),
        *(-1.880827615347e-4, -9.37209106208e-5, 2.98349417052e-6, 1.41105459727e-6),
        *(-1.2842777785e-7, -1.82804606e-8, 4.35903173e-9, -4.989437e-11, -9.75329e-11),
        *(1.415008e-11, 4.9894e-13, -4.599e-13, 6.11e-14, 2.2e-15, -2.6e-15),
    ],
    domain=[0.25, 1],
)
