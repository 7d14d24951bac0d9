"""The networks of the speed comparison, for numcnn and for PyTorch."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from numcnn import nn
from numcnn.recipes import RECIPES

IMAGE_SHAPE = (28, 28, 1)
COLOR_SHAPE = (32, 32, 3)


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


def resnet() -> list[nn.Layer]:
    """The recipe cifar10-resnet: nine layers, two residual connections, on color images."""
    return list(RECIPES["cifar10-resnet"].new_network(COLOR_SHAPE, 10).layers)


NETWORKS: Mapping[str, Callable[[], list[nn.Layer]]] = MappingProxyType(
    {make.__name__: make for make in (keras, bn, lenet, seed, mlp)}
)
PEER_NETWORKS: Mapping[str, Callable[[], list[nn.Layer]]] = MappingProxyType(
    {**NETWORKS, "cifar10-resnet": resnet}
)


def image_shape(network: str) -> nn.Shape:
    """The shape of one image, ``(height, width, channels)``."""
    return COLOR_SHAPE if network == "cifar10-resnet" else IMAGE_SHAPE


def in_torch(layers: Sequence[nn.Layer], shape: nn.Shape = IMAGE_SHAPE) -> Any:
    """Make the same network in PyTorch, with PyTorch's own initial weights.

    Args:
        layers: The layers; they are built on the way.
        shape: Of one image, ``(height, width, channels)``.
    """
    import torch

    class Residual(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, branch: Any) -> None:
            super().__init__()
            self.branch = branch

        def forward(self, x: Any) -> Any:
            return x + self.branch(x)

    rng = np.random.default_rng(0)
    modules: list[Any] = []
    for layer in layers:
        before, shape = shape, layer.build(shape, rng)
        if isinstance(layer, nn.Conv2D):
            padding = 0 if layer.padding == "valid" else "same"
            modules.append(
                torch.nn.Conv2d(
                    before[-1],
                    layer.filters,
                    layer.kernel_size,
                    padding=padding,
                    bias=layer.use_bias,
                )
            )
        elif isinstance(layer, nn.MaxPool2D):
            modules.append(torch.nn.MaxPool2d(layer.window.size))
        elif isinstance(layer, nn.BatchNorm):
            modules.append(torch.nn.BatchNorm2d(before[-1]))
        elif isinstance(layer, nn.Dense):
            modules.append(torch.nn.Linear(before[0], layer.units))
        elif isinstance(layer, nn.Residual):
            modules.append(Residual(in_torch(layer.branch, before)))
        elif isinstance(layer, nn.Normalization):
            # The images are of mean 0 and variance 1 already.
            continue
        else:
            modules.append({nn.ReLU: torch.nn.ReLU, nn.Flatten: torch.nn.Flatten}[type(layer)]())
    return torch.nn.Sequential(*modules)
