"""What a network sees: its first filters, and what each layer makes of one image.

The pictures are `numcnn.plots`'; here is what goes into them.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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


def draw(found: ModelFile, image: NDArray[np.uint8], folder: Path) -> list[str]:
    """Draw what a model makes of an image, and its first filters.

    Args:
        found: The model.
        image: ``(height, width, 1 or 3)``, of the model's shape.
        folder: Where the pictures go.

    Returns:
        Their names.

    Raises:
        OSError: The folder cannot be written.
        ImportError: matplotlib is not installed.
    """
    from numcnn import plots

    outputs = layer_outputs(found.model, image)
    plots.save(plots.feature_maps(image, outputs, found.classes), folder / FEATURE_MAPS)
    filters = first_filters(found.model)
    if filters is None:
        return [FEATURE_MAPS]
    name, weights = filters
    plots.save(plots.filter_grid(weights, name), folder / FILTERS)
    return [FEATURE_MAPS, FILTERS]
