"""Recipes: an architecture with the settings that train it well, by name. One file each."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from numcnn.recipes.convnet import CONVNET
from numcnn.recipes.digits import DIGITS
from numcnn.recipes.fashion import FASHION
from numcnn.recipes.lenet5 import LENET5
from numcnn.recipes.reader import READER
from numcnn.recipes.recipe import Recipe

__all__ = ["DEFAULTS", "RECIPES", "Recipe", "find"]

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {recipe.name: recipe for recipe in (CONVNET, FASHION, DIGITS, LENET5, READER)}
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
