"""The five networks of the speed comparison, for numcnn and, with the same weights, for PyTorch."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from numcnn import nn

IMAGE_SHAPE = (28, 28, 1)


def keras() -> list[nn.Layer]:
    """The convolutional network of Keras's MNIST example, without its dropout."""
    return [
        nn.Conv2D(32, 3),
        nn.ReLU(),
        nn.Conv2D(64, 3),
        nn.ReLU(),
        nn.MaxPool2D(),
        nn.Flatten(),
        nn.Dense(128),
        nn.ReLU(),
        nn.Dense(10),
    ]


def bn() -> list[nn.Layer]:
    """Four convolutions with batch normalization."""
    layers: list[nn.Layer] = []
    for filters in (32, 64):
        for _ in range(2):
            layers += [nn.Conv2D(filters, 3), nn.BatchNorm(), nn.ReLU()]
        layers.append(nn.MaxPool2D())
    return [*layers, nn.Flatten(), nn.Dense(128), nn.ReLU(), nn.Dense(10)]


def lenet() -> list[nn.Layer]:
    """LeNet-5 with ReLU and max pooling."""
    return [
        nn.Conv2D(6, 5, padding="same"),
        nn.ReLU(),
        nn.MaxPool2D(),
        nn.Conv2D(16, 5),
        nn.ReLU(),
        nn.MaxPool2D(),
        nn.Flatten(),
        nn.Dense(120),
        nn.ReLU(),
        nn.Dense(84),
        nn.ReLU(),
        nn.Dense(10),
    ]


def seed() -> list[nn.Layer]:
    """Two convolutions of 8 filters: what projects with nested loops train for hours."""
    return [
        nn.Conv2D(8, 5),
        nn.ReLU(),
        nn.Conv2D(8, 5),
        nn.ReLU(),
        nn.MaxPool2D(),
        nn.Flatten(),
        nn.Dense(128),
        nn.ReLU(),
        nn.Dense(10),
    ]


def mlp() -> list[nn.Layer]:
    """One hidden layer."""
    return [nn.Flatten(), nn.Dense(128), nn.ReLU(), nn.Dense(10)]


NETWORKS: Mapping[str, Callable[[], list[nn.Layer]]] = MappingProxyType(
    {make.__name__: make for make in (keras, bn, lenet, seed, mlp)}
)


def in_torch(layers: list[nn.Layer]) -> Any:
    """Make the same network in PyTorch, with PyTorch's own initial weights.

    Args:
        layers: One of `NETWORKS`.
    """
    import torch

    modules: list[Any] = []
    height, width, channels = IMAGE_SHAPE
    features = height * width * channels
    for layer in layers:
        if isinstance(layer, nn.Conv2D):
            padding = 0 if layer.padding == "valid" else "same"
            modules.append(
                torch.nn.Conv2d(channels, layer.filters, layer.kernel_size, padding=padding)
            )
            if layer.padding == "valid":
                height, width = (side - layer.window.size[0] + 1 for side in (height, width))
            channels = layer.filters
            features = height * width * channels
        elif isinstance(layer, nn.MaxPool2D):
            modules.append(torch.nn.MaxPool2d(2))
            height, width = height // 2, width // 2
            features = height * width * channels
        elif isinstance(layer, nn.BatchNorm):
            modules.append(torch.nn.BatchNorm2d(channels))
        elif isinstance(layer, nn.Dense):
            modules.append(torch.nn.Linear(features, layer.units))
            features = layer.units
        else:
            modules.append({nn.ReLU: torch.nn.ReLU, nn.Flatten: torch.nn.Flatten}[type(layer)]())
    return torch.nn.Sequential(*modules)
