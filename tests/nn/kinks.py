"""What a network decides at its kinks: which ReLU is on, which cell of a pooling window wins.

A ReLU is the larger of 0 and x, pooling the largest cell of a window. Where two candidates are
equal but for rounding, float32 may take another one than float64, and the gradient goes another
way: an error as large as the gradient of that unit, although nobody is wrong. There are two ways to
test in spite of that. Either the inputs are chosen so that no candidates are so close (`near_kink`
says whether some are). Or the decisions of one computation are read, and the other one is told them
(`tell`): then what is left between the two is smooth, and rounding makes small errors only. And the
decisions can be judged by themselves: `Kink.shortfall` says by how much the candidate that was
taken is smaller than the largest one.
"""

from collections.abc import Mapping
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn import Array, Context, Layer, LeakyReLU, MaxPool2D, ReLU, Sequential

KINKS = ReLU, LeakyReLU, MaxPool2D

Decisions = dict[str, NDArray[np.integer]]
"""For each layer with a kink, by its name, which of its `candidates` makes each output.

A ReLU: 1 where it is on, 0 where it is off. Pooling: the place in the window, row by row.
"""

OPEN = -1
"""In place of a decision that was not taken, since nothing depends on it."""


def candidates(layer: Layer, x: Array) -> Array:
    """All that each output is the largest of, ``(candidates, *outputs)``; on a tie the first."""
    if isinstance(layer, MaxPool2D):
        window = layer.window
        padded = window.pad(x, -np.inf)
        return np.stack([*window.shifts(padded, window.positions(x.shape[1:]))])
    slope = layer.negative_slope if isinstance(layer, LeakyReLU) else 0
    return np.stack([slope * x, x])


@final
class Kink:
    """Takes the place of a ReLU's or a pooling's code.

    Attributes:
        x: The input of the last `forward`.
        decisions: What was decided there.
        shortfall: By how much each output is smaller than the largest candidate.
    """

    def __init__(self, layer: Layer, decisions: NDArray[np.integer] | int) -> None:
        self._layer = layer
        self._told = decisions

    def forward(self, x: Array, ctx: Context) -> Array:
        """Take what was decided, and where nothing was, the largest."""
        ways = candidates(self._layer, x)
        self.decisions = np.where(self._told == OPEN, ways.argmax(axis=0), self._told)
        y = np.take_along_axis(ways, self.decisions[None], axis=0)[0]
        self.x, self.shortfall = x, ways.max(axis=0) - y
        return y

    def leads(self) -> Array:
        """By how much the largest candidate is larger than the next one, in the last `forward`."""
        ways = np.sort(candidates(self._layer, self.x), axis=0)
        return ways[-1] - ways[-2] if len(ways) > 1 else np.full(ways[0].shape, np.inf)

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Give the gradient to what was taken."""
        if not isinstance(self._layer, MaxPool2D):
            slope = getattr(self._layer, "negative_slope", 0)
            return np.where(self.decisions == 1, dy, dy.dtype.type(slope) * dy)
        window = self._layer.window
        dx = window.pad(np.zeros(self.x.shape, dy.dtype))
        for cell, gradient in enumerate(window.shifts(dx, dy.shape[1:3])):
            gradient += dy * (self.decisions == cell)
        return window.crop(dx, self.x.shape[1:])


def tell(model: Sequential, decisions: Decisions | None) -> dict[str, Kink]:
    """Put `Kink`s into a model, which are told the decisions, or, if None, decide themselves."""
    kinks = {}
    for name, layer in model.named_layers():
        if isinstance(layer, KINKS):
            kinks[name] = kink = Kink(layer, OPEN if decisions is None else decisions[name])
            vars(layer).update(forward=kink.forward, backward=kink.backward)
    return kinks


def decided(kinks: Mapping[str, Kink]) -> Decisions:
    """What was decided in the last pass."""
    return {name: kink.decisions for name, kink in kinks.items()}


NEAR = 3e-5
"""Candidates that differ by less, relative to the usual size of the layer's input, are close."""


def near_kink(model: Sequential, x: Array, training: bool = True) -> bool:
    """Whether rounding may decide which way a gradient goes, in a pass that draws from seed 0."""
    double = model.astype(np.float64)
    kinks = tell(double, None)
    double.forward(x, Context(training, np.random.default_rng(0)))
    for kink in kinks.values():
        leads = kink.leads()
        # What is exactly equal, as the zeros that a ReLU leaves, is so in any arithmetic.
        leads = leads[leads > 0]
        if leads.min(initial=np.inf) < NEAR * np.sqrt(np.square(kink.x).mean()):
            return True
    return False
