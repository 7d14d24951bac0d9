"""The network for the inspector: its layers, what they compute, and the weights they do it with.

Arrays travel as the bytes of their float32, little-endian, in base64: exactly the numbers that the
layers computed, in a third of the space of text.
"""

import numpy as np
from numpy.typing import NDArray

from numcnn.features import layer_outputs
from numcnn.nn import Array, Sequential
from numcnn.web.schemas import LayerOutput, LayerWeights, Tensor


def outputs(model: Sequential, frame: NDArray[np.uint8]) -> list[LayerOutput]:
    """Say what each layer makes of a picture ``(28, 28)``, the picture itself first."""
    kinds = {name: type(layer).__name__ for name, layer in model.named_layers()}
    image = frame[..., np.newaxis]
    layers: list[tuple[str, str, Array]] = [("input", "Input", image.astype(np.float32))]
    layers += [(name, kinds[name], output) for name, output in layer_outputs(model, image)]
    return [
        LayerOutput(name=name, kind=kind, output=Tensor.of(output)) for name, kind, output in layers
    ]


def weights(model: Sequential, name: str) -> LayerWeights | None:
    """Say what a layer computes with; None if there is no layer of that name."""
    for found, layer in model.named_layers():
        if found == name:
            settings = layer.config()
            kind = settings.pop("layer")
            arrays = {**layer.params, **layer.state}
            return LayerWeights(
                name=name,
                kind=kind,
                settings=settings,
                arrays={key: Tensor.of(array) for key, array in arrays.items()},
            )
    return None
