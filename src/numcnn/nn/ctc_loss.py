"""Connectionist temporal classification: learning a sequence without knowing where its parts are.

A. Graves, S. Fernandez, F. Gomez and J. Schmidhuber, "Connectionist temporal classification:
labelling unsegmented sequence data with recurrent neural networks", 2006.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.layers.activation import log_softmax
from numcnn.nn.losses import Loss

PADDING = -1
"""What fills up targets that are shorter than the longest."""
_Log = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True)
class CTCLoss(Loss):
    r"""Minus the log of the probability that outputs, step by step, spell a sequence of classes.

    Outputs are ``(batch, steps, classes)``, or ``(batch, 1, steps, classes)`` as convolutions leave
    them; the last class is the blank, which stands for "nothing here". A path says one class at
    each step; merging equal neighbors and dropping blanks makes a sequence of it. Many paths make
    the same one (aa-b, -a-b and ab all make ab), and its probability is the sum over them::

        loss = - log p(l),   p(l) = sum over paths that make l of prod_t y[t, path[t]]

    with ``y = softmax(outputs)``. Targets are integers ``(batch, longest)``, from 0 to
    ``classes - 2``, filled up with -1. A sequence needs a step for each of its classes and one
    between equal neighbors; one that is too long for the steps is refused.
    """

    def terms(self, outputs: Array, targets: NDArray[np.generic]) -> tuple[Array, Array, Array]:
        r"""Compute each example's loss and gradient by the forward-backward algorithm.

        With ``l'``, the sequence with blanks around all classes, let ``a[t, s]`` be the sum over
        all beginnings of paths, up to step ``t``, that end at ``l'[s]``. At each step a path
        stays, goes on by one, or by two where that skips a blank between different classes::

            a[t, s] = y[t, l'[s]] (a[t-1, s] + a[t-1, s-1] + a[t-1, s-2] if allowed)

        ``b[t, s]``, the sum over the rest of the paths behind step ``t``, follows from the end
        alike, so that for every ``t``: ``p(l) = sum_s a[t, s] b[t, s]``. Since ``a[t, s]`` has
        ``y[t, l'[s]]`` as a factor, ``d p / d log y[t, k]`` is the sum of ``a b`` over the places
        with ``l'[s] = k``. Through the softmax, ``d log y_k / d z_j = [k = j] - y_j``::

            d loss / d z[t, k] = y[t, k] - (sum_{s: l'[s] = k} a[t, s] b[t, s]) / p(l)

        All of it is computed with logarithms, in float64, for all examples at once.
        """
        steps = _by_step(outputs).astype(np.float64)
        labels = self.checked(targets, steps.shape)
        log_y = log_softmax(steps)
        batch, (length, classes) = len(log_y), log_y.shape[1:]
        if len(labels) != batch:
            raise ValueError(f"targets holds {len(labels)} sequences for {batch} examples")
        count = 2 * labels.shape[1] + 1
        extended = np.full((batch, count), classes - 1)
        extended[:, 1::2] = np.where(labels == PADDING, classes - 1, labels)
        last = 2 * (labels != PADDING).sum(axis=1)
        skips: NDArray[np.bool_] = np.zeros(extended.shape, bool)
        skips[:, 3::2] = labels[:, 1:] != labels[:, :-1]
        said: _Log = np.take_along_axis(log_y, extended[:, np.newaxis, :], axis=2)
        ahead = _forward(said, skips)
        # The way back is the way ahead of the sequence read from its end.
        places = last[:, np.newaxis] - np.arange(count)
        turned = np.maximum(places, 0)
        skips_back = np.take_along_axis(skips, np.minimum(turned + 2, count - 1), axis=1)
        said_back = np.take_along_axis(said[:, ::-1], turned[:, np.newaxis], axis=2)
        back = _forward(said_back, skips_back & (places >= 0) & (turned + 2 < count))
        back = np.take_along_axis(back, turned[:, np.newaxis], axis=2)[:, ::-1]
        # Both count the step itself.
        both = np.where(places[:, np.newaxis] >= 0, ahead + back - said, -np.inf)
        log_p = np.logaddexp.reduce(both[:, :1], axis=2, keepdims=True)
        shares = np.exp(both - log_p)
        gradients = np.exp(log_y)
        example, step = np.ix_(np.arange(batch), np.arange(length))
        index = example[..., np.newaxis], step[..., np.newaxis], extended[:, np.newaxis]
        np.subtract.at(gradients, index, shares)
        losses, dtype = -log_p[:, 0, 0], outputs.dtype
        gradients = gradients.reshape(outputs.shape).astype(dtype)
        return losses.astype(dtype), gradients, np.ones(batch, dtype)

    @staticmethod
    def checked(targets: NDArray[np.generic], outputs: Shape) -> NDArray[np.int64]:
        """Refuse sequences that outputs of a shape cannot spell; see `CTCLoss`."""
        if targets.ndim != 2 or not np.issubdtype(targets.dtype, np.integer):
            raise ValueError(
                f"targets is {targets.dtype} {targets.shape}; give integers (batch, longest)"
            )
        labels = targets.astype(np.int64)
        steps, classes = outputs[-2:]
        is_label = labels != PADDING
        if ((labels < PADDING) | (labels >= classes - 1)).any():
            raise ValueError(
                f"targets holds {labels.min()} to {labels.max()}; {classes} outputs spell the "
                f"classes 0 to {classes - 2}"
            )
        if (is_label[:, 1:] & ~is_label[:, :-1]).any():
            raise ValueError(f"targets holds {PADDING} before a class; fill up at the end")
        doubled = is_label[:, 1:] & (labels[:, 1:] == labels[:, :-1])
        needed = int((is_label.sum(axis=1) + doubled.sum(axis=1)).max(initial=0))
        if needed > steps:
            raise ValueError(
                f"targets needs {needed} steps, and the outputs have {steps}; give wider images"
            )
        return labels


def ctc_path(outputs: Array) -> list[list[tuple[int, int, int]]]:
    """Read the most probable path of each example (greedy decoding), its equal neighbors merged.

    Outputs are as `CTCLoss` takes them. Each class comes as ``(class, first step, last step + 1)``.
    """
    found, blank = [], outputs.shape[-1] - 1
    for path in _by_step(outputs).argmax(axis=2):
        starts = np.flatnonzero(np.diff(path, prepend=PADDING)).tolist()
        runs = zip(path[starts].tolist(), starts, [*starts[1:], len(path)], strict=True)
        found.append([run for run in runs if run[0] != blank])
    return found


def _by_step(outputs: Array) -> Array:
    if outputs.ndim == 4 and outputs.shape[1] == 1:
        outputs = outputs[:, 0]
    if outputs.ndim != 3 or outputs.shape[2] < 2:
        raise ValueError(
            f"outputs has the shape {outputs.shape}; give (batch, steps, classes), classes above 1"
        )
    return outputs


def _forward(said: _Log, skips: NDArray[np.bool_]) -> _Log:
    """The logs of the sums over all beginnings of paths, both ``(batch, steps, places)``."""
    sums = np.full(said.shape, -np.inf)
    sums[:, 0, :2] = said[:, 0, :2]
    for step in range(1, said.shape[1]):
        before, now = sums[:, step - 1], sums[:, step]
        now[...] = before
        now[:, 1:] = np.logaddexp(now[:, 1:], before[:, :-1])
        now[:, 2:] = np.logaddexp(now[:, 2:], np.where(skips[:, 2:], before[:, :-2], -np.inf))
        now += said[:, step]
    return sums
