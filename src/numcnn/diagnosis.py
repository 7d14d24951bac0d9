"""Names the mistake in a backward pass, by a catalog of those that people make.

A gradient check says that a gradient is wrong. What is wrong can often be told as well: the right
gradient is measured, number by number; each mistake of the catalog is made on purpose, which gives
the wrong gradient that it leads to; and the one that the layer's own `backward` gave is looked up
among these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn import Context, Sequential
from numcnn.nn.layers import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Layer,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Tanh,
)

Numbers = NDArray[np.float64]

_STEP = 1e-5
_ALIKE = 1e-5
"""The largest difference, as a share of the largest number, between gradients that are the same."""

_MOST_NUMBERS = 4000
"""Of the input and of all parameters together: each of them is moved twice."""


@final
@dataclass(frozen=True)
class Mistake:
    """What is wrong in a layer's backward pass.

    Attributes:
        where: The gradient that is wrong: "input", or a parameter's name such as "weight".
        what: What was done, in a few words; "" if it is none of the catalog.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"gradient of {self.where}: {self.what or 'wrong, in none of the known ways'}"


@final
@dataclass(frozen=True)
class _Pass:
    """A layer's forward and backward pass, taken once."""

    layer: Layer
    x: Numbers
    y: Numbers
    dy: Numbers
    params: dict[str, Numbers]


def diagnose(
    layer: Layer | Sequence[Layer], x: NDArray[Any], *, training: bool = True, seed: int = 0
) -> tuple[Mistake, ...]:
    """Say what is wrong in a layer's backward pass.

    Args:
        layer: One layer, or a list with one in it.
        x: A small batch, ``(batch, ...)``, away from places without a derivative. Sizes that
            differ (batch, units, height, width) tell mistakes apart best.
        training: The mode in which to check.
        seed: Of the parameters and of the slopes at the outputs.

    Returns:
        A mistake for each wrong gradient; none if all are right.

    Raises:
        ValueError: There are several layers, or too many numbers to move each of them.
    """
    layers = [layer] if isinstance(layer, Layer) else list(layer)
    if len(layers) != 1:
        raise ValueError(f"layer has {len(layers)} layers; give them one by one")
    rng = np.random.default_rng(seed)
    built = Sequential(layers)
    built.build(x.shape[1:], rng)
    model = built.astype(np.float64)
    model.parameters += 0.1 * rng.standard_normal(model.parameters.shape)
    if x.size + model.parameters.size > _MOST_NUMBERS:
        raise ValueError(
            f"x and the parameters have {x.size + model.parameters.size:,} numbers; give at most "
            f"{_MOST_NUMBERS:,}"
        )
    x = np.array(x, np.float64)
    dy = rng.standard_normal((len(x), *model.output_shape))

    def forward(inputs: Numbers) -> tuple[Numbers, Context]:
        ctx = Context(training, np.random.default_rng(seed), differentiable=True)
        return np.asarray(model.forward(inputs, ctx)), ctx

    y, ctx = forward(x)
    own = model.layers[0]
    dx = np.asarray(model.backward(dy, ctx))
    given = {"input": dx, **{name: np.asarray(g) for name, g in ctx.grads.get(own, {}).items()}}
    params = {name: np.array(array, np.float64) for name, array in own.params.items()}
    done = _Pass(own, x, y, dy, params)
    found = []
    for where in ("input", *params):
        array = x if where == "input" else own.params[where]
        right = _measured(lambda: float((forward(x)[0] * dy).sum()), array)
        claimed = given.get(where)
        if claimed is None:
            found.append(Mistake(where, "it was not put into ctx.grads"))
        elif not _alike(claimed, right):
            names = (name for name, wrong in _wrong(done, where, right) if _alike(claimed, wrong))
            found.append(Mistake(where, next(names, "")))
    return tuple(found)


def _measured(value: Any, array: Any) -> Numbers:
    """The slope of a number with respect to each entry of an array, which is moved and put back."""
    slopes = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        before = array[place]
        sides = []
        for step in (_STEP, -_STEP):
            array[place] = before + step
            sides.append(value())
        array[place] = before
        slopes[place] = (sides[0] - sides[1]) / (2 * _STEP)
    return slopes


def _alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.shape != other.shape:
        return False
    size = max(float(np.abs(other).max(initial=0)), 1e-12)
    return float(np.abs(one - other).max(initial=0)) < _ALIKE * size


def _wrong(done: _Pass, where: str, right: Numbers) -> Iterator[tuple[str, NDArray[Any]]]:
    """Wrong gradients with the mistakes that lead to them; those of the layer's kind first."""
    layer = done.layer
    if isinstance(layer, Dense):
        yield from _of_dense(done, where)
    elif isinstance(layer, Conv2D):
        yield from _of_convolution(done, where, right)
    elif isinstance(layer, BatchNorm):
        yield from _of_batch_norm(done, where)
    elif isinstance(layer, ReLU | Sigmoid | Tanh):
        yield from _of_activation(done)
    elif isinstance(layer, MaxPool2D | AveragePool2D):
        yield from _of_pooling(done, right)
    yield from _of_any(done, where, right)


def _of_any(done: _Pass, where: str, right: Numbers) -> Iterator[tuple[str, NDArray[Any]]]:
    count = len(done.x)
    yield "its sign is turned", -right
    yield "it is nothing but zeros", np.zeros_like(right)
    yield f"it is {count} times too large: 1/N is missing", count * right
    yield f"it is {count} times too small: it was divided by N twice", right / count
    if right.ndim == 2 and right.shape[0] == right.shape[1]:
        yield "it is transposed", right.T
    if where == "input" and done.dy.shape == right.shape:
        yield "the slope that came in was passed on unchanged", done.dy


def _of_dense(done: _Pass, where: str) -> Iterator[tuple[str, NDArray[Any]]]:
    x, dy, weight = done.x, done.dy, done.params["weight"]
    if where == "weight":
        yield (
            "only the last example was counted: the sum over the batch is missing",
            np.outer(x[-1], dy[-1]),
        )
        yield (
            "only the first example was counted: the sum over the batch is missing",
            np.outer(x[0], dy[0]),
        )
        if x.shape == dy.shape:
            yield "x and dy were exchanged", dy.T @ x
    elif where == "bias":
        yield "the bias gradient was summed over the units, not over the batch", dy.sum(axis=1)
        yield "the bias gradient was averaged over the batch, not summed", dy.mean(axis=0)
        yield "only the last example was counted: the sum over the batch is missing", dy[-1]
    elif weight.shape[0] == weight.shape[1]:
        yield "W was taken where its transpose belongs", dy @ weight


def _of_convolution(done: _Pass, where: str, right: Numbers) -> Iterator[tuple[str, NDArray[Any]]]:
    x, dy = done.x, done.dy
    positions = dy.shape[1] * dy.shape[2]
    if where == "weight":
        yield "you flipped the kernel", right[::-1, ::-1]
        rows, columns = right.shape[:2]
        first = np.einsum("nijk,nf->ijkf", x[:, :rows, :columns], dy[:, 0, 0])
        yield "the sum over positions is missing: only the first was counted", first
        yield "it was averaged over positions, not summed", right / positions
        yield "height and width of the kernel were exchanged", right.swapaxes(0, 1)
    elif where == "bias":
        yield "the sum over positions is missing: only the first was counted", dy[:, 0, 0].sum(0)
        yield "it was averaged over positions, not summed", right / positions
        yield "it was averaged over examples and positions", right / (positions * len(x))
        yield (
            "the sum over the batch is missing: only the last example was counted",
            dy[-1].sum(axis=(0, 1)),
        )
    elif where == "input" and isinstance(done.layer, Conv2D):
        yield (
            "the kernel lies the wrong way round: it was not turned on the way back",
            _unturned(done),
        )


def _unturned(done: _Pass) -> Numbers:
    """The input's gradient with the kernel turned by half a circle where it should not be."""
    weight = done.params["weight"][::-1, ::-1]
    rows, columns = weight.shape[:2]
    layer = done.layer
    assert isinstance(layer, Conv2D)
    (down, across) = layer.window.stride
    margins = [(rows - 1) // 2, (columns - 1) // 2] if layer.padding == "same" else [0, 0]
    height, width = done.x.shape[1:3]
    spread = np.zeros((len(done.x), height + 2 * rows, width + 2 * columns, done.x.shape[3]))
    for row in range(done.dy.shape[1]):
        for column in range(done.dy.shape[2]):
            here = np.einsum("nf,ijkf->nijk", done.dy[:, row, column], weight)
            top, left = row * down, column * across
            spread[:, top : top + rows, left : left + columns] += here
    top, left = margins
    return spread[:, top : top + height, left : left + width]


def _of_activation(done: _Pass) -> Iterator[tuple[str, NDArray[Any]]]:
    x, y, dy = done.x, done.y, done.dy
    if isinstance(done.layer, ReLU):
        yield "the mask of ReLU is turned round", dy * (x <= 0)
        yield "the mask of ReLU was taken after the step, of dy and not of x", dy * (dy > 0)
        yield "the mask was returned without dy", (x > 0).astype(np.float64)
        yield "x was multiplied once more", dy * np.maximum(x, 0)
    elif isinstance(done.layer, Sigmoid):
        yield "the slope was taken of x, not of the output: x (1 - x)", dy * x * (1 - x)
        yield "the slope was returned without dy", y * (1 - y)
        again = 1 / (1 + np.exp(-y))
        yield "the sigmoid was taken of the output once more", dy * again * (1 - again)
        yield "1 - y is missing", dy * y
    else:
        yield "the slope was taken of x, not of the output: 1 - x^2", dy * (1 - x**2)
        yield "the square is missing: 1 - y", dy * (1 - y)
        yield "the slope was returned without dy", 1 - y**2


def _of_pooling(done: _Pass, right: Numbers) -> Iterator[tuple[str, NDArray[Any]]]:
    window = done.layer.window  # type: ignore[attr-defined]
    size = window.size[0] * window.size[1]
    if isinstance(done.layer, AveragePool2D):
        yield "it was not divided by the window's size", size * right
    (rows, columns), (down, across) = window.size, window.stride
    evenly, first = np.zeros_like(done.x), np.zeros_like(done.x)
    if (rows, columns) == (down, across):
        for row in range(done.dy.shape[1]):
            for column in range(done.dy.shape[2]):
                place = np.s_[:, row * down : row * down + rows, column * across :][:3]
                slopes = done.dy[:, row : row + 1, column : column + 1]
                evenly[place][:, :, :columns] += slopes / size
                first[:, row * down, column * across] += slopes[:, 0, 0]
        if isinstance(done.layer, MaxPool2D):
            yield "it was shared out evenly, and belongs to the largest alone", evenly
            yield "every number of the window got all of it", evenly * size
        yield "it went to the window's first number", first


def _of_batch_norm(done: _Pass, where: str) -> Iterator[tuple[str, NDArray[Any]]]:
    layer, x, dy = done.layer, done.x, done.dy
    assert isinstance(layer, BatchNorm)
    axes = tuple(range(x.ndim - 1))
    count = x.size // x.shape[-1]
    mean, variance = x.mean(axis=axes), x.var(axis=axes)
    sigma = np.sqrt(variance + layer.epsilon)
    normal = (x - mean) / sigma
    if where == "gamma":
        yield "the outputs were taken where the normalized inputs belong", (dy * done.y).sum(axes)
        yield "the inputs were taken where the normalized inputs belong", (dy * x).sum(axes)
        yield "it was averaged, not summed", (dy * normal).mean(axes)
    elif where == "beta":
        yield "it was averaged, not summed", dy.mean(axes)
    elif where == "input":
        slope = dy * done.params["gamma"]
        through_mean = slope.mean(axis=axes)
        through_variance = normal * (slope * normal).mean(axis=axes)
        yield "mean and variance were taken for constants", slope / sigma
        yield "the term of the variance is missing", (slope - through_mean) / sigma
        yield "the term of the mean is missing", (slope - through_variance) / sigma
        unbiased = through_variance * count / (count - 1)
        yield (
            "count - 1 was taken where the batch's variance has count",
            (slope - through_mean - unbiased) / sigma,
        )
        yield "gamma is missing", (dy - dy.mean(axes) - normal * (dy * normal).mean(axes)) / sigma
        yield (
            "it was divided by the variance, not by its root",
            ((slope - through_mean - through_variance) / (variance + layer.epsilon)),
        )
