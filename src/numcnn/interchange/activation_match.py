"""Activations recognized by their values.

A GELU may be written as a dozen operators in several ways, and SiLU as two. What a stretch of
operators computes from one number is therefore computed, at many places, in float64, and held
against the functions that numcnn has.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.interchange.onnx_constants import OnnxConstants
from numcnn.interchange.onnx_file import OnnxNode
from numcnn.nn import GELU, Context, Layer, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh

_PLACES = np.linspace(-9.0, 9.0, 1441)
_TOLERANCE = 2e-6
"""Constants in float32 are off by 6e-8 of their size; the two forms of GELU differ by 5e-4."""

Numbers = NDArray[np.float64]


@final
@dataclass(frozen=True)
class MatchedActivation:
    """A layer, and what its output has to be multiplied with."""

    layer: Layer
    factor: float


def matched_activation(
    nodes: Sequence[OnnxNode], start: str, end: str, constants: OnnxConstants
) -> MatchedActivation | None:
    """Find the layer that computes what some operators do.

    Args:
        nodes: The operators, in order.
        start: The value that they begin with.
        end: The one that they end with.
        constants: Those of the graph.

    Returns:
        None if one of them does not work on each number by itself, or no layer does the same.
    """
    values = {start: _PLACES}
    with np.errstate(all="ignore"):
        for node in nodes:
            compute = _FUNCTIONS.get(node.kind)
            if compute is None or len(node.outputs) > 1:
                return None
            taken = []
            for name in node.inputs:
                value = values.get(name)
                if value is None:
                    number = _one_number(name, constants)
                    if number is None:
                        return None
                    value = np.full(_PLACES.shape, number)
                taken.append(value)
            try:
                values[node.outputs[0]] = compute(node, *taken)
            except (TypeError, ValueError):  # too few or too many inputs
                return None
    return _layer_with(values[end])


def _one_number(name: str, constants: OnnxConstants) -> float | None:
    try:
        array = constants.get(name)
    except ValueError:
        return None
    return float(array.reshape(-1)[0]) if array.size == 1 else None


def _layer_with(found: Numbers) -> MatchedActivation | None:
    if not np.isfinite(found).all():
        return None
    left, right = found[_PLACES == -1.0][0], found[_PLACES == 1.0][0]
    slope = -left / right if right else -1.0
    layers = [ReLU(), SiLU(), GELU(), GELU("tanh"), Sigmoid(), Tanh()]
    if 0 <= slope < 1:
        layers.append(LeakyReLU(float(np.float32(slope))))
    for layer in layers:
        values = layer.forward(_PLACES, Context())
        factor = float(right / values[_PLACES == 1.0][0])
        size = np.abs(factor) * (1 + np.abs(_PLACES))
        if factor and (np.abs(found - factor * values) <= _TOLERANCE * size).all():
            return MatchedActivation(layer, float(np.float32(factor)))
    return None


def _erf(_: OnnxNode, x: Numbers) -> Numbers:
    return np.array([math.erf(number) for number in x])


def _clip(node: OnnxNode, x: Numbers, *ends: Numbers) -> Numbers:
    low = ends[0] if ends else node.number("min", -1e38)
    high = ends[1] if len(ends) > 1 else node.number("max", 1e38)
    return np.clip(x, low, high)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "Add": lambda _, x, y: x + y,
    "Clip": _clip,
    "Div": lambda _, x, y: x / y,
    "Erf": _erf,
    "Exp": lambda _, x: np.exp(x),
    "Identity": lambda _, x: x,
    "LeakyRelu": lambda node, x: np.where(x > 0, x, node.number("alpha", 0.01) * x),
    "Max": lambda _, x, y: np.maximum(x, y),
    "Min": lambda _, x, y: np.minimum(x, y),
    "Mul": lambda _, x, y: x * y,
    "Neg": lambda _, x: -x,
    "Pow": lambda _, x, y: x**y,
    "Reciprocal": lambda _, x: 1 / x,
    "Relu": lambda _, x: np.maximum(x, 0),
    "Sigmoid": lambda _, x: 1 / (1 + np.exp(-x)),
    "Softplus": lambda _, x: np.logaddexp(0, x),
    "Sub": lambda _, x, y: x - y,
    "Sum": lambda _, *terms: sum(terms),
    "Tanh": lambda _, x: np.tanh(x),
}
