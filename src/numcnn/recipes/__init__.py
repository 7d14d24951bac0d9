"""Recipes: an architecture with the settings that train it well, by name. One file each."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from numcnn.recipes.cifar10_resnet import CIFAR10_RESNET
from numcnn.recipes.convnet import CONVNET
from numcnn.recipes.dense_sigmoid import DENSE_SIGMOID
from numcnn.recipes.digits import DIGITS
from numcnn.recipes.fashion import FASHION
from numcnn.recipes.four_conv_batchnorm import FOUR_CONV_BATCHNORM
from numcnn.recipes.lenet5 import LENET5
from numcnn.recipes.lenet5_fast import LENET5_FAST
from numcnn.recipes.mnist_best import MNIST_BEST
from numcnn.recipes.reader import READER
from numcnn.recipes.recipe import Recipe
from numcnn.recipes.two_conv_adam import TWO_CONV_ADAM
from numcnn.recipes.two_conv_cifar10 import TWO_CONV_CIFAR10
from numcnn.recipes.two_conv_momentum import TWO_CONV_MOMENTUM
from numcnn.recipes.two_layer import TWO_LAYER

__all__ = ["DEFAULTS", "RECIPES", "Recipe", "find"]

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            CONVNET,
            FASHION,
            DIGITS,
            TWO_LAYER,
            DENSE_SIGMOID,
            TWO_CONV_ADAM,
            TWO_CONV_MOMENTUM,
            TWO_CONV_CIFAR10,
            FOUR_CONV_BATCHNORM,
            LENET5,
            LENET5_FAST,
            MNIST_BEST,
            CIFAR10_RESNET,
            READER,
        )
    }
)
"""Every recipe by its name."""

DEFAULTS: Mapping[str, Recipe] = MappingProxyType({"digits": DIGITS, "fashion-mnist": FASHION})
"""The recipe for a data set when none is asked for; for all others it is ``convnet``."""


def find(name: str | None, dataset: str) -> Recipe:
    """Look a recipe up.

    Args:
        name: The recipe's name; None for the data set's default.
        dataset: The data set's name.

    Raises:
        ValueError: There is no such recipe.
    """
    if name is None:
        return DEFAULTS.get(dataset, CONVNET)
    if name in RECIPES:
        return RECIPES[name]
    close = difflib.get_close_matches(name.lower(), RECIPES, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"recipe {name!r} is unknown; choose one of {', '.join(RECIPES)}{meant}")
