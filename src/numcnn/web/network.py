"""The network for the inspector: its layers, what they compute, and the weights they do it with.

Arrays travel as the bytes of their float32, little-endian, in base64: exactly the numbers that the
layers computed, in a third of the space of text.
"""

import base64
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from numcnn.features import layer_outputs
from numcnn.nn import Array, Sequential


@final
class Tensor(BaseModel):
    """An array: its shape, and its numbers in C order."""

    shape: list[int] = Field(examples=[[28, 28, 1]])
    float32: str = Field(description="The numbers as little-endian float32, in base64.")


@final
class LayerOutput(BaseModel):
    """What a layer made of a picture."""

    name: str = Field(examples=["conv2d_1"])
    kind: str = Field(examples=["Conv2D"])
    output: Tensor


@final
class LayerWeights(BaseModel):
    """A layer's settings and numbers."""

    name: str = Field(examples=["conv2d_1"])
    kind: str = Field(examples=["Conv2D"])
    settings: dict[str, Any] = Field(examples=[{"filters": 24, "kernel_size": 5}])
    arrays: dict[str, Tensor] = Field(description="weight, bias, gamma, mean and so on.")


def tensor(array: NDArray[Any]) -> dict[str, Any]:
    """Write an array as JSON can hold it."""
    content = np.ascontiguousarray(array, "<f4").tobytes()
    return {"shape": list(array.shape), "float32": base64.b64encode(content).decode("ascii")}


def outputs(model: Sequential, frame: NDArray[np.uint8]) -> list[dict[str, Any]]:
    """Say what each layer makes of a picture ``(28, 28)``, the picture itself first."""
    kinds = {name: type(layer).__name__ for name, layer in model.named_layers()}
    image = frame[..., np.newaxis]
    layers: list[tuple[str, str, Array]] = [("input", "Input", image.astype(np.float32))]
    layers += [(name, kinds[name], output) for name, output in layer_outputs(model, image)]
    return [{"name": name, "kind": kind, "output": tensor(output)} for name, kind, output in layers]


def weights(model: Sequential, name: str) -> dict[str, Any] | None:
    """Say what a layer computes with; None if there is no layer of that name."""
    for found, layer in model.named_layers():
        if found == name:
            settings = layer.config()
            kind = settings.pop("layer")
            arrays = {**layer.params, **layer.state}
            return {
                "name": name,
                "kind": kind,
                "settings": settings,
                "arrays": {key: tensor(array) for key, array in arrays.items()},
            }
    return None
