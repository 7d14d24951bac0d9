"""All layers, and how a layer is made from its settings."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from numcnn.nn.layers.activation import (
    GELU,
    Activation,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from numcnn.nn.layers.base import Layer
from numcnn.nn.layers.convolution import Conv2D
from numcnn.nn.layers.dense import Dense
from numcnn.nn.layers.dropout import Dropout
from numcnn.nn.layers.normalization import BatchNorm, LayerNorm
from numcnn.nn.layers.pooling import AveragePool2D, GlobalAveragePool2D, MaxPool2D, Pool2D
from numcnn.nn.layers.preprocessing import Normalization, Rescaling
from numcnn.nn.layers.residual import Residual
from numcnn.nn.layers.shape import Flatten
from numcnn.nn.validation import flag

__all__ = [
    "ACTIVATIONS",
    "GELU",
    "LAYERS",
    "Activation",
    "AveragePool2D",
    "BatchNorm",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePool2D",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "MaxPool2D",
    "Normalization",
    "Pool2D",
    "ReLU",
    "Rescaling",
    "Residual",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "as_layer",
    "layer_from_config",
]

LAYERS: Mapping[str, type[Layer]] = MappingProxyType(
    {
        layer.__name__: layer
        for layer in (
            *(AveragePool2D, BatchNorm, Conv2D, Dense, Dropout, Flatten, GELU),
            *(GlobalAveragePool2D, LayerNorm, LeakyReLU, MaxPool2D, Normalization, ReLU),
            *(Rescaling, Residual, Sigmoid, SiLU, Softmax, Tanh),
        )
    }
)
"""The layers that a model file may name. A file can ask for nothing else."""


ACTIVATIONS: Mapping[str, type[Layer]] = MappingProxyType(
    {
        **{kind.__name__.lower(): kind for kind in (GELU, ReLU, Sigmoid, SiLU, Softmax, Tanh)},
        "leaky_relu": LeakyReLU,
        "swish": SiLU,
    }
)
"""Activations by the name under which `numcnn.nn.Sequential` takes them, too."""


def as_layer(value: Any) -> Layer:
    """Take what stands in a list of layers: a layer, or the name of an activation.

    Raises:
        ValueError: It is neither; the message says what to give instead.
    """
    if isinstance(value, Layer):
        return value
    if isinstance(value, type) and issubclass(value, Layer):
        raise ValueError(
            f"layers holds the class {value.__name__}; give a layer: {value.__name__}()"
        )
    if not isinstance(value, str):
        raise ValueError(f"layers holds {value!r}, which is no layer; give layers alone")
    if value not in ACTIVATIONS:
        raise ValueError(
            f"layers holds {value!r}; activations by name are {', '.join(ACTIVATIONS)}"
        )
    return ACTIVATIONS[value]()


def layer_from_config(
    config: Mapping[str, Any], known: Mapping[str, type[Layer]] | None = None
) -> Layer:
    """Make the layer that `Layer.config` described.

    Args:
        config: The class name under ``"layer"``, and the settings.
        known: The classes that may be named; `LAYERS` if None. Add your own to read models that
            use them.

    Raises:
        ValueError: The class is not known, or does not have such settings.
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"a layer is described by {config!r}; it takes a name and settings")
    known = LAYERS if known is None else known
    settings = dict(config)
    name = settings.pop("layer", None)
    trainable = settings.pop("trainable", True)
    if not isinstance(name, str) or name not in known:
        raise ValueError(
            f"layer {name!r} is unknown; known are {', '.join(known)}. A layer of your own goes "
            f"into the argument known: {{**LAYERS, {name!r}: its class}}"
        )
    for key, value in settings.items():
        if isinstance(value, list) and all(isinstance(inner, Mapping) for inner in value):
            settings[key] = [layer_from_config(inner, known) for inner in value]
    try:
        layer = known[name](**settings)
        if not flag("trainable", trainable):
            layer.trainable = False
        return layer
    except (TypeError, ValueError) as error:
        raise ValueError(f"the settings of layer {name} do not fit: {error}") from error
