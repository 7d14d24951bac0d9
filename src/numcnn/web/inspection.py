"""Inspection of a model, for the page: its layers, their outputs and their weights.

Arrays are sent as little-endian float32 in base64: exactly the numbers that the layers computed, in
a third of the space that decimal text would take.
"""

import numpy as np
from numpy.typing import NDArray

from numcnn import features
from numcnn.handwriting.reader import Reader
from numcnn.nn import Array, Sequential
from numcnn.web.schemas import LayerOutput, LayerSummary, LayerWeights, ModelAnswer, Tensor


def describe(reader: Reader, name: str) -> ModelAnswer:
    """Describe the model of a reader, which is served under a name."""
    file = reader.model_file
    kinds = _kinds(file.model)
    return ModelAnswer(
        name=name,
        input_shape=list(file.model.input_shape),
        classes=list(file.classes),
        parameters=int(file.model.parameters.size),
        layers=[
            LayerSummary(
                name=row.name,
                kind=kinds[row.name],
                shape=list(row.output_shape),
                parameters=row.parameters,
            )
            for row in file.model.summary().rows
        ],
        card=dict(file.card),
    )


def layer_outputs(model: Sequential, frame: NDArray[np.uint8]) -> list[LayerOutput]:
    """Return the output of each layer for an image ``(28, 28)``, the image itself first."""
    kinds = _kinds(model)
    image = frame[..., np.newaxis]
    layers: list[tuple[str, str, Array]] = [("input", "Input", image.astype(np.float32))]
    layers += [(name, kinds[name], y) for name, y in features.layer_outputs(model, image)]
    return [LayerOutput(name=name, kind=kind, output=Tensor.of(y)) for name, kind, y in layers]


def layer_weights(model: Sequential, name: str) -> LayerWeights | None:
    """Return a layer's settings, parameters and statistics; None if there is no such layer."""
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


def _kinds(model: Sequential) -> dict[str, str]:
    return {name: type(layer).__name__ for name, layer in model.named_layers()}
