"""Optimizers: how parameters follow the gradient, each the formula of its paper.

`Sequential` keeps all its parameters in one vector, so an optimizer knows no layers. It keeps its
own vectors, one number for each parameter, in `Optimizer.slots`; with them saved, training goes on
as if it had never stopped.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from typing import Any, ClassVar, Self, cast, final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Array
from numcnn.nn.habits import UnknownArgumentError, names_arguments, require_arguments
from numcnn.nn.schedules import FUNCTIONS, Constant, FunctionSchedule, Schedule
from numcnn.nn.validation import number, positive

Spread = Callable[[Sequence[Callable[[], None]]], None]
"""Runs tasks that do not depend on each other; see `Optimizer.step`."""

_CHUNK = 24_576
"""Parameters updated at once: a chunk with its slots and temporaries stays in a core's cache."""


@dataclass(kw_only=True)
class Optimizer(ABC):
    """What all optimizers share: the rate, weight decay, clipping, and the walk over the vector.

    Attributes:
        learning_rate: A number, a `Schedule`, or a function from the epochs that are done and how
            many there will be to the rate.
        weight_decay: How strongly weights are pulled to zero: each step takes off
            ``rate * weight_decay * parameter``, apart from the gradient ("decoupled").
            Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
        clip_norm: If the gradient's Euclidean norm is above this, it is scaled down to it.
            Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
            networks", 2013.
        iterations: How many steps were taken.
        slots: The optimizer's memory by name, vectors like the parameters.
    """

    learning_rate: float | Schedule | Callable[[float, float], float] = 0.001
    weight_decay: float = 0.0
    clip_norm: float | None = None
    iterations: int = field(default=0, init=False, repr=False, compare=False)
    slots: dict[str, Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    slot_names: ClassVar[tuple[str, ...]] = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Refuse arguments that the optimizer does not have, with the name that they have here."""
        known = [name for name in signature(cls.__init__).parameters if name != "self"]
        require_arguments(cls.__name__, known, kwargs)
        if args:
            raise UnknownArgumentError(
                f"{cls.__name__} was given {args[0]!r} without a name; give it by name, such as "
                "learning_rate=0.001"
            )
        return super().__new__(cls)

    def __post_init__(self) -> None:
        if callable(self.learning_rate) and not isinstance(self.learning_rate, Schedule):
            self.learning_rate = FunctionSchedule(self.learning_rate)
        if not isinstance(self.learning_rate, Schedule):
            positive("learning_rate", self.learning_rate)
        number("weight_decay", self.weight_decay, 0)
        if self.clip_norm is not None:
            positive("clip_norm", self.clip_norm)

    @property
    def schedule(self) -> Schedule:
        """The learning rate as a schedule."""
        rate = self.learning_rate
        return rate if isinstance(rate, Schedule) else Constant(cast(float, rate))

    def step(
        self,
        parameters: Array,
        gradient: Array,
        rate: float | None = None,
        decayed: NDArray[np.bool_] | None = None,
        spread: Spread | None = None,
        frozen: NDArray[np.bool_] | None = None,
    ) -> None:
        """Change ``parameters`` in place by one step.

        Args:
            parameters: A vector, as `Sequential.parameters`.
            gradient: d loss / d parameters, a vector like it.
            rate: This step's learning rate; needed if `learning_rate` is a schedule, since only
                the training knows the time.
            decayed: Which parameters weight decay applies to; all if None.
            spread: What runs the step's parts, perhaps on several threads; each part changes
                numbers of its own, so the result is the same. One after another if None.
            frozen: Which parameters stay as they are (`Sequential.frozen_mask`); none if None.

        Raises:
            ValueError: The vectors do not fit, or a schedule's rate is missing.
        """
        if parameters.shape != gradient.shape or parameters.ndim != 1:
            raise ValueError(
                f"parameters has the shape {parameters.shape} and gradient {gradient.shape}; "
                "give two vectors of the same length"
            )
        if rate is None:
            if isinstance(self.learning_rate, Schedule):
                raise ValueError(
                    f"rate is missing; give {type(self.learning_rate).__name__}'s at this time"
                )
            rate = self.schedule(0, 1)
        parameters = parameters.view(np.ndarray)
        for name in self.slot_names:
            if name not in self.slots:
                self.slots[name] = np.zeros_like(parameters)
            slot = self.slots[name]
            if slot.shape != parameters.shape:
                raise ValueError(
                    f"the optimizer's {name} is for {slot.size} parameters, and there are "
                    f"{parameters.size}; use an optimizer of its own for each model"
                )
        self.iterations += 1
        scale = self._clipping(gradient)
        kept = 1 - rate * self.weight_decay

        def update(start: int) -> None:
            part = slice(start, start + _CHUNK)
            p, g = parameters[part], gradient[part]
            before = None if frozen is None else p.copy()
            if self.weight_decay:
                p *= kept if decayed is None else np.where(decayed[part], p.dtype.type(kept), 1)
            if scale != 1:
                g = g * p.dtype.type(scale)
            self._update(p, g, {name: slot[part] for name, slot in self.slots.items()}, rate)
            if before is not None and frozen is not None:
                np.copyto(p, before, where=frozen[part])

        parts = [partial(update, start) for start in range(0, parameters.size, _CHUNK)]
        if spread is None:
            for part in parts:
                part()
        else:
            spread(parts)

    def _clipping(self, gradient: Array) -> float:
        if self.clip_norm is None:
            return 1.0
        # Not a BLAS product: its rounding would depend on the number of threads.
        norm = math.sqrt(float(np.square(gradient).sum(dtype=np.float64)))
        return min(1.0, self.clip_norm / norm) if norm else 1.0

    @abstractmethod
    def _update(self, p: Array, g: Array, slots: Mapping[str, Array], rate: float) -> None:
        """Change ``p`` and ``slots`` in place; every number by itself."""


@final
@dataclass(kw_only=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

    ::

        v = momentum v + g
        p = p - rate v                      or, with Nesterov:  p = p - rate (g + momentum v)

    Sources: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964;
    Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep
    learning", 2013 (Nesterov's, in the form that PyTorch has).

    Attributes:
        momentum: How much of the last step goes on, from 0 to below 1.
        nesterov: Whether to use the gradient of where momentum leads.
    """

    learning_rate: float | Schedule | Callable[[float, float], float] = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    slot_names = ("velocity",)

    def __post_init__(self) -> None:
        super().__post_init__()
        number("momentum", self.momentum, 0, 1)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov is True but momentum is 0; give a momentum such as 0.9")

    def _update(self, p: Array, g: Array, slots: Mapping[str, Array], rate: float) -> None:
        v = slots["velocity"]
        v *= self.momentum
        v += g
        p -= rate * (g + self.momentum * v if self.nesterov else v)


@final
@dataclass(kw_only=True)
class RMSProp(Optimizer):
    """Each parameter's step is divided by the size that its gradient usually has.

    ::

        s = rho s + (1 - rho) g^2
        p = p - rate g / (sqrt(s) + epsilon)

    Source: Tieleman and Hinton, "Lecture 6.5: rmsprop", Coursera, 2012.

    Attributes:
        rho: How slowly the average forgets, from 0 to below 1.
        epsilon: Keeps the division away from zero.
    """

    rho: float = 0.99
    epsilon: float = 1e-8

    slot_names = ("square",)

    def __post_init__(self) -> None:
        super().__post_init__()
        number("rho", self.rho, 0, 1)

    def _update(self, p: Array, g: Array, slots: Mapping[str, Array], rate: float) -> None:
        s = slots["square"]
        s *= self.rho
        s += (1 - self.rho) * g * g
        p -= rate * g / (np.sqrt(s) + self.epsilon)


@final
@dataclass(kw_only=True)
class Adam(Optimizer):
    """Momentum, and steps divided by the gradient's usual size; both start unbiased.

    ::

        m = beta_1 m + (1 - beta_1) g           m' = m / (1 - beta_1^t)
        v = beta_2 v + (1 - beta_2) g^2         v' = v / (1 - beta_2^t)
        p = p - rate m' / (sqrt(v') + epsilon)

    at step ``t``. With ``weight_decay`` this is AdamW.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015.

    Attributes:
        beta_1: How slowly the mean of the gradient forgets, from 0 to below 1.
        beta_2: How slowly the mean of its square forgets, from 0 to below 1.
        epsilon: Keeps the division away from zero.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    slot_names = ("mean", "square")

    def __post_init__(self) -> None:
        super().__post_init__()
        number("beta_1", self.beta_1, 0, 1)
        number("beta_2", self.beta_2, 0, 1)

    def _update(self, p: Array, g: Array, slots: Mapping[str, Array], rate: float) -> None:
        m, v = slots["mean"], slots["square"]
        # m + (1 - beta_1) (g - m), and v alike: few passes, one temporary array.
        t = g - m
        t *= 1 - self.beta_1
        m += t
        np.multiply(g, g, out=t)
        t -= v
        t *= 1 - self.beta_2
        v += t
        # Both corrections are plain numbers, and that of v moves out of the denominator.
        correction_1 = 1 - FUNCTIONS.get().pow(self.beta_1, self.iterations)
        correction_2 = math.sqrt(1 - FUNCTIONS.get().pow(self.beta_2, self.iterations))
        np.sqrt(v, out=t)
        t += self.epsilon * correction_2
        np.divide(m, t, out=t)
        t *= rate * correction_2 / correction_1
        p -= t


@names_arguments
def AdamW(  # noqa: N802 (a name that everybody knows)
    *,
    learning_rate: float | Schedule | Callable[[float, float], float] = 0.001,
    weight_decay: float = 0.01,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
    clip_norm: float | None = None,
) -> Adam:
    """Adam with decoupled weight decay switched on: the same thing as `Adam`, by its usual name.

    Args:
        learning_rate: As `Optimizer.learning_rate`.
        weight_decay: As `Optimizer.weight_decay`: what a step takes off each weight is
            ``rate * weight_decay * weight``.
        beta_1: As `Adam.beta_1`.
        beta_2: As `Adam.beta_2`.
        epsilon: As `Adam.epsilon`.
        clip_norm: As `Optimizer.clip_norm`.

    Raises:
        ValueError: A number is out of its range.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
    """
    return Adam(
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        beta_1=beta_1,
        beta_2=beta_2,
        epsilon=epsilon,
        clip_norm=clip_norm,
    )


@final
@dataclass
class MovingAverage:
    """An exponential moving average of the weights: often a better model than the last weights.

    ::

        average = decay average + (1 - decay) weights

    The decay grows up to its value, ``min(decay, (1 + t) / (10 + t))`` at step ``t``, so that the
    random start is forgotten fast.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992; the
    growing decay is TensorFlow's.

    Attributes:
        decay: How slowly the average forgets, from 0 to below 1.
        iterations: How many times it was updated.
        average: The averaged vectors, in the order in which `update` gets them.
    """

    decay: float = 0.999
    iterations: int = field(default=0, init=False)
    average: list[Array] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        number("decay", self.decay, 0, 1)

    def update(self, *vectors: Array) -> None:
        """Take the weights after a step into the average."""
        if not self.average:
            self.average = [vector.copy() for vector in vectors]
        decay = min(self.decay, (1 + self.iterations) / (10 + self.iterations))
        self.iterations += 1
        for average, vector in zip(self.average, vectors, strict=True):
            average += (1 - decay) * (vector - average)
