"""Feature maps of one image, layer by layer, and a network's first filters.

Here they are computed; `numcnn.plots` draws them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numcnn.drawing import draw as draw_picture
from numcnn.model_files import ModelFile
from numcnn.nn import (
    Array,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Normalization,
    Rescaling,
    Sequential,
)

FEATURE_MAPS, FILTERS = "feature_maps.png", "filters.png"


def layer_outputs(model: Sequential, image: NDArray[np.uint8]) -> list[tuple[str, Array]]:
    """Compute what each layer makes of one image.

    Layers that only rearrange, or do nothing but in training, are left out.

    Args:
        model: A built model.
        image: ``(height, width, channels)``, of the model's shape.

    Returns:
        The layers' names, and their outputs without a batch axis.
    """
    kinds = {name: type(layer) for (name, layer) in model.named_layers()}
    return [
        (name, output[0])
        for name, output in model.activations(image[np.newaxis])
        if kinds[name] not in (Flatten, Dropout)
    ]


def first_filters(model: Sequential) -> tuple[str, Array] | None:
    """Find the weights that meet the pixels, as pictures.

    Those of a convolution are these already. In a network without one, each unit of the first dense
    layer has a weight for each pixel, which make a picture of the image's size.

    Returns:
        The layer's name, and its weights ``(height, width, channels, filters)``; None if other
        layers come first.
    """
    for name, layer in model.named_layers():
        if isinstance(layer, Conv2D):
            return name, layer.params["weight"]
        if isinstance(layer, Dense) and len(model.input_shape) == 3:
            return name, layer.params["weight"].reshape(*model.input_shape, layer.units)
        if not isinstance(layer, Rescaling | Normalization | Flatten):
            return None
    return None


def draw(
    found: ModelFile,
    image: NDArray[np.uint8],
    folder: Path,
    tell: Callable[[str], object] = warnings.warn,
) -> list[str]:
    """Draw what a model makes of an image, and its first filters, as far as that can be drawn.

    Args:
        found: The model.
        image: ``(height, width, 1 or 3)``, of the model's shape.
        folder: Where the pictures go.
        tell: Gets a line for each picture that could not be drawn, or not as it should be.

    Returns:
        The names of those that were drawn.
    """
    outputs, filters = layer_outputs(found.model, image), first_filters(found.model)
    figures: dict[str, Callable[[Any], Any]] = {
        FEATURE_MAPS: lambda plots: plots.feature_maps(image, outputs, found.classes)
    }
    if filters is not None:
        name, weights = filters
        figures[FILTERS] = lambda plots: plots.filter_grid(weights, name)
    for file, figure in figures.items():
        for note in draw_picture(folder / file, figure):
            tell(note)
    return [file for file in figures if (folder / file).exists()]
