"""A built model for each layer class, and one to damage."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from numcnn.model_files import save_model
from numcnn.nn import (
    GELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)

SHAPE = (8, 6, 2)
CLASSES = ("cat", "dog", "Käuzchen")
CARD = {"recipe": "small", "seed": 3, "test_accuracy": 0.987, "versions": {"numpy": "2.0"}}

SAMPLES: Mapping[str, Callable[[], list[Layer]]] = MappingProxyType(
    {
        "AveragePool2D": lambda: [AveragePool2D((2, 3), 2, "same")],
        "BatchNorm": lambda: [BatchNorm(momentum=0.8, epsilon=1e-3)],
        "Conv2D": lambda: [Conv2D(3, (3, 2), (2, 1), "same", False, "lecun_uniform")],
        "Dense": lambda: [Flatten(), Dense(4, use_bias=False)],
        "Dropout": lambda: [Dropout(0.3)],
        "Flatten": lambda: [Flatten()],
        "GELU": lambda: [GELU("tanh")],
        "GlobalAveragePool2D": lambda: [GlobalAveragePool2D()],
        "LayerNorm": lambda: [LayerNorm(epsilon=1e-3)],
        "LeakyReLU": lambda: [LeakyReLU(0.2)],
        "MaxPool2D": lambda: [MaxPool2D(2, 1)],
        "Normalization": lambda: [Normalization().adapt(pixels())],
        "ReLU": lambda: [ReLU()],
        "Rescaling": lambda: [Rescaling(0.01, -1.0)],
        "Residual": lambda: [Residual([Conv2D(4, 3, 2, "same"), BatchNorm()], [Conv2D(4, 1, 2)])],
        "SiLU": lambda: [SiLU()],
        "Sigmoid": lambda: [Sigmoid()],
        "Softmax": lambda: [Softmax()],
        "Tanh": lambda: [Tanh()],
    }
)


def pixels(count: int = 5) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, *SHAPE), np.uint8)


def with_layer(name: str) -> Sequential:
    """A network around a layer, with statistics as training leaves them, and biases not zero."""
    return trained(Sequential([*SAMPLES[name](), Flatten(), Dense(3)]))


def network() -> Sequential:
    """A little of everything."""
    return trained(
        Sequential(
            [
                Rescaling(),
                Normalization(),
                Conv2D(2, 3, padding="same"),
                BatchNorm(),
                ReLU(),
                Residual([Conv2D(2, 3, padding="same")]),
                MaxPool2D(),
                Flatten(),
                Dense(3),
            ]
        )
    )


def trained(model: Sequential) -> Sequential:
    model.build(SHAPE, seed=2)
    rng = np.random.default_rng(3)
    model.parameters += rng.normal(0, 0.1, model.parameters.shape).astype(np.float32)
    model.statistics += rng.random(model.statistics.shape, np.float32)
    return model


def digest(folder: Path) -> str:
    """Tell a model's file by its bytes."""
    save_model(folder / "model.safetensors", network(), CLASSES, CARD)
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
