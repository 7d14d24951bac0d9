"""Learning rate schedules.

A schedule is a function of the time, counted in epochs with their fractions: 2.5 is the middle of
the third. It is told how long the training will last, so that it fits short runs and long ones.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, final

from numcnn.nn.habits import function_name
from numcnn.nn.validation import number, positive

FUNCTIONS: ContextVar[Any] = ContextVar("FUNCTIONS", default=math)
"""Where `cos` and `pow` of plain numbers come from: the C library, not the same everywhere."""


class Schedule(ABC):
    """A learning rate for every moment of a training.

    A schedule of your own is a subclass with `__call__`, or a function of the same two arguments
    that is given to the optimizer as it is::

        SGD(learning_rate=lambda epoch, epochs: 0.1 * (1 - epoch / epochs) ** 2)
    """

    @abstractmethod
    def __call__(self, epoch: float, epochs: float) -> float:
        """Say the learning rate.

        Args:
            epoch: How much is done, from 0 to ``epochs``.
            epochs: How long the training lasts.
        """


@final
@dataclass(frozen=True)
class FunctionSchedule(Schedule):
    """A schedule that is given as a function of the time.

    Attributes:
        function: From the epochs that are done and how many there will be to the rate.
    """

    function: Callable[[float, float], float]

    def __call__(self, epoch: float, epochs: float) -> float:
        """Ask the function.

        Raises:
            ValueError: What it says is no rate.
        """
        return positive("the learning rate", self.function(epoch, epochs))

    def __repr__(self) -> str:
        return f"FunctionSchedule({function_name(self.function)})"


@final
@dataclass(frozen=True)
class Constant(Schedule):
    """Always the same rate.

    Attributes:
        rate: The rate, above 0.
    """

    rate: float

    def __post_init__(self) -> None:
        positive("rate", self.rate)

    def __call__(self, epoch: float, epochs: float) -> float:
        """``rate``."""
        return self.rate


@final
@dataclass(frozen=True)
class StepDecay(Schedule):
    """The rate is multiplied with ``factor`` every so many epochs.

    Attributes:
        rate: The first rate.
        every: After how many epochs it changes.
        factor: What it is multiplied with.
    """

    rate: float
    every: float
    factor: float = 0.1

    def __post_init__(self) -> None:
        positive("rate", self.rate)
        positive("every", self.every)
        positive("factor", self.factor)

    def __call__(self, epoch: float, epochs: float) -> float:
        """``rate factor^floor(epoch / every)``."""
        return self.rate * FUNCTIONS.get().pow(self.factor, math.floor(epoch / self.every))


@final
@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """The rate shrinks by the same factor in every epoch, smoothly.

    Attributes:
        rate: The first rate.
        factor: What is left of it after one epoch.
    """

    rate: float
    factor: float

    def __post_init__(self) -> None:
        positive("rate", self.rate)
        positive("factor", self.factor)

    def __call__(self, epoch: float, epochs: float) -> float:
        """``rate factor^epoch``."""
        return self.rate * FUNCTIONS.get().pow(self.factor, epoch)


@final
@dataclass(frozen=True)
class Cosine(Schedule):
    """The rate falls along half a cosine wave: slowly, then fast, then slowly.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    Attributes:
        rate: The first rate.
        final_rate: The last one.
    """

    rate: float
    final_rate: float = 0.0

    def __post_init__(self) -> None:
        positive("rate", self.rate)
        number("final_rate", self.final_rate, 0)

    def __call__(self, epoch: float, epochs: float) -> float:
        """``final_rate + (rate - final_rate) (1 + cos(pi epoch / epochs)) / 2``."""
        return _cosine(self.rate, self.final_rate, epoch / epochs)


@final
@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up to a high rate, then down to almost nothing: fast training, and a calm end.

    Both ways follow half a cosine wave.

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large
    learning rates", 2019.

    Attributes:
        peak: The highest rate.
        warm_up: The share of the training after which the peak comes.
        start_factor: The first rate, as a share of the peak.
        end_factor: The last rate, as a share of the peak.
    """

    peak: float
    warm_up: float = 0.3
    start_factor: float = 0.04
    end_factor: float = 1e-4

    def __post_init__(self) -> None:
        positive("peak", self.peak)
        number("warm_up", self.warm_up, 0, 1)
        number("start_factor", self.start_factor, 0)
        number("end_factor", self.end_factor, 0)

    def __call__(self, epoch: float, epochs: float) -> float:
        """A cosine up from ``start_factor peak``, and one down to ``end_factor peak``."""
        done = epoch / epochs
        if done < self.warm_up:
            return _cosine(self.start_factor * self.peak, self.peak, done / self.warm_up)
        down = (done - self.warm_up) / (1 - self.warm_up)
        return _cosine(self.peak, self.end_factor * self.peak, down)


@final
@dataclass(frozen=True)
class WarmUp(Schedule):
    """Begin another schedule gently: its rate is faded in from zero along a straight line.

    Source: Goyal and others, "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017.

    Attributes:
        schedule: What is faded in. It runs from the start, beneath the fading.
        epochs: How long that takes.
    """

    schedule: Schedule
    epochs: float = 1.0

    def __post_init__(self) -> None:
        positive("epochs", self.epochs)

    def __call__(self, epoch: float, epochs: float) -> float:
        """``schedule(epoch) min(epoch / warm-up epochs, 1)``."""
        return self.schedule(epoch, epochs) * min(epoch / self.epochs, 1.0)


def _cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + FUNCTIONS.get().cos(math.pi * min(done, 1.0))) / 2
