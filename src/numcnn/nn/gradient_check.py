"""Gradient check: a backward pass compared with a numerical derivative.

A derivative says how much the output changes along a direction. Both sides of that can be had: the
analytic one from `backward`, and the numerical one by taking a small step each way. A random
direction tests all numbers of the gradient at once, since a wrong one shows up in the sum.

Source: Baydin, Pearlmutter, Radul and Siskind, "Automatic differentiation in machine learning: a
survey", 2018 (errors of difference quotients).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np

from numcnn.nn.arrays import Array
from numcnn.nn.context import Context
from numcnn.nn.layers.base import Layer
from numcnn.nn.model import Sequential

STEP = 1e-4
"""The length of the step each way, with float64 numbers of about size 1."""


def directional_error(
    function: Callable[[Sequence[Array]], float],
    point: Sequence[Array],
    gradients: Sequence[Array],
    rng: np.random.Generator,
    directions: int = 4,
) -> float:
    """Compare gradients with difference quotients along random directions.

    Along a direction ``u`` of length 1, with the step ``h``, the slope is taken from four values,
    whose error shrinks with ``h^4``::

        (8 f(p + h u) - 8 f(p - h u) - f(p + 2 h u) + f(p - 2 h u)) / (12 h)

    Args:
        function: From arrays like ``point`` to one number.
        point: Float64 arrays: where to look.
        gradients: d function / d each of them, as `backward` claims.
        rng: Where the directions are drawn from.
        directions: How many are tried.

    Returns:
        The largest ``|analytic - numerical| / max(|analytic|, |numerical|)``, where both count as
        at least a thousandth of the gradient's own length.

    Raises:
        ValueError: An array is not float64, or a gradient has another shape than its array.
    """
    for array, gradient in zip(point, gradients, strict=True):
        if array.dtype != np.float64 or gradient.shape != array.shape:
            raise ValueError(
                f"point has {array.dtype} of shape {array.shape} and its gradient the shape "
                f"{gradient.shape}; give float64 arrays and gradients of their shapes"
            )
    length = np.sqrt(sum(float(np.square(gradient).sum()) for gradient in gradients))
    worst = 0.0
    for _ in range(directions):
        direction = [rng.standard_normal(array.shape) for array in point]
        norm = np.sqrt(sum(float(np.square(part).sum()) for part in direction))
        direction = [part / norm for part in direction]
        along = [
            function([p + step * STEP * u for p, u in zip(point, direction, strict=True)])
            for step in (1, -1, 2, -2)
        ]
        numerical = (8 * along[0] - 8 * along[1] - along[2] + along[3]) / (12 * STEP)
        analytic = sum(float((g * u).sum()) for g, u in zip(gradients, direction, strict=True))
        size = max(abs(analytic), abs(numerical), 1e-3 * length, 1e-12)
        worst = max(worst, abs(analytic - numerical) / size)
    return worst


def check_gradients(
    layers: Layer | Sequence[Layer],
    x: Array,
    *,
    training: bool = True,
    seed: int = 0,
    directions: int = 4,
    diagnose: bool = False,
) -> float:
    """Check the gradients of one layer, or of several in a row, for input and parameters at once.

    The layers are built for ``x``, moved to float64 and given parameters away from their start. The
    function checked is a random weighted sum of the outputs. Random numbers are the same each time.

    Args:
        layers: One layer or several.
        x: A batch, ``(batch, ...)``; converted to float64. Keep it away from places without a
            derivative, such as a ReLU's 0 or ties in a maximum.
        training: The mode in which to check.
        seed: Of everything random here.
        directions: How many directions are tried.
        diagnose: Raise a `ValueError` that names what is wrong; see `numcnn.diagnosis`.

    Returns:
        The largest relative error, see `directional_error`. Right is below 1e-6, usually far.
    """
    if diagnose:
        sys.modules[__name__.partition(".")[0]].require_right_gradients(layers, x, training, seed)
    rng = np.random.default_rng(seed)
    single = Sequential([layers] if isinstance(layers, Layer) else layers)
    single.build(x.shape[1:], rng)
    model = single.astype(np.float64)
    model.parameters += 0.1 * rng.standard_normal(model.parameters.shape)
    start = model.parameters.copy()
    projection = rng.standard_normal((len(x), *model.output_shape))

    def run(point: Sequence[Array]) -> tuple[float, Context]:
        ctx = Context(training, np.random.default_rng(seed), differentiable=True)
        model.parameters[:] = point[1]
        return float((model.forward(point[0], ctx) * projection).sum()), ctx

    point = [np.asarray(x, np.float64), start]
    _, ctx = run(point)
    dx = model.backward(projection, ctx)
    return directional_error(lambda p: run(p)[0], point, [dx, model.gradient(ctx)], rng, directions)
