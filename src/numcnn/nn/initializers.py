"""Weight initializers: random weights whose spread keeps activations and gradients in range.

A unit sums ``fan_in`` products. With weights of variance ``scale / fan_in`` its output varies as
much as its inputs do, whatever the width; which ``scale`` is right depends on the activation that
follows. The uniform form of each has the same variance as the normal one.

Sources: LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998 (LeCun); Glorot and Bengio,
"Understanding the difficulty of training deep feedforward neural networks", 2010 (Glorot); He,
Zhang, Ren and Sun, "Delving deep into rectifiers", 2015 (He).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from numcnn.nn.arrays import Array, Shape

Initializer = Callable[[Shape, np.random.Generator], Array]
"""Draws float32 weights of a shape whose last axis is the outputs and the others the inputs."""


def fans(shape: Shape) -> tuple[int, int]:
    """How many inputs a unit sums and how many outputs an input reaches: ``(fan_in, fan_out)``.

    For a dense weight ``(inputs, outputs)`` these are its two sizes. For a convolution's
    ``(height, width, channels, filters)`` each is multiplied by the kernel's ``height * width``.
    """
    receptive_field = math.prod(shape[:-2])
    return receptive_field * shape[-2], receptive_field * shape[-1]


def lecun_normal(shape: Shape, rng: np.random.Generator) -> Array:
    """Normal with variance ``1 / fan_in``: for layers with no activation, or tanh."""
    return _normal(shape, rng, 1 / fans(shape)[0])


def lecun_uniform(shape: Shape, rng: np.random.Generator) -> Array:
    """Uniform with variance ``1 / fan_in``."""
    return _uniform(shape, rng, 1 / fans(shape)[0])


def glorot_normal(shape: Shape, rng: np.random.Generator) -> Array:
    """Normal with variance ``2 / (fan_in + fan_out)``: for sigmoid and tanh, both directions."""
    return _normal(shape, rng, 2 / sum(fans(shape)))


def glorot_uniform(shape: Shape, rng: np.random.Generator) -> Array:
    """Uniform with variance ``2 / (fan_in + fan_out)``."""
    return _uniform(shape, rng, 2 / sum(fans(shape)))


def he_normal(shape: Shape, rng: np.random.Generator) -> Array:
    """Normal with variance ``2 / fan_in``: for ReLU, which halves the signal's power."""
    return _normal(shape, rng, 2 / fans(shape)[0])


def he_uniform(shape: Shape, rng: np.random.Generator) -> Array:
    """Uniform with variance ``2 / fan_in``."""
    return _uniform(shape, rng, 2 / fans(shape)[0])


def _normal(shape: Shape, rng: np.random.Generator, variance: float) -> Array:
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(variance))


def _uniform(shape: Shape, rng: np.random.Generator, variance: float) -> Array:
    # A uniform variable on (-a, a) has the variance a^2 / 3.
    limit = np.float32(math.sqrt(3 * variance))
    return (2 * rng.random(shape, dtype=np.float32) - 1) * limit


INITIALIZERS = MappingProxyType(
    {
        function.__name__: function
        for function in (
            lecun_normal,
            lecun_uniform,
            glorot_normal,
            glorot_uniform,
            he_normal,
            he_uniform,
        )
    }
)
"""Every initializer by the name under which a layer asks for it."""


def initializer(name: str) -> Initializer:
    """Look an initializer up by name.

    Raises:
        ValueError: There is none of that name.
    """
    try:
        return INITIALIZERS[name]
    except KeyError:
        raise ValueError(
            f"initializer {name!r} is unknown; choose one of {', '.join(INITIALIZERS)}"
        ) from None
