"""ONNX graphs as other programs write them, made by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.interchange.onnx_tools import onnx

FLOAT = 1


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    """An operator; names are separated by spaces, and ``-`` is a missing one."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return onnx.helper.make_node(kind, names, output.split(), **attributes)


def graph(
    nodes: Sequence[Any],
    weights: Mapping[str, Any],
    shape: Sequence[Any] = ("batch", 1, 8, 8),
    *,
    opset: int = 13,
    outputs: Sequence[str] = ("y",),
    elem_type: int = FLOAT,
    weights_are_inputs: bool = False,
) -> Any:
    """A model with the input ``x``; not checked, as files from anybody are not."""
    info = onnx.helper.make_tensor_value_info
    tensors = [
        onnx.numpy_helper.from_array(np.array(array, order="C"), name)
        for name, array in weights.items()
    ]
    given = [info("x", elem_type, shape)]
    if weights_are_inputs:
        given += [info(tensor.name, tensor.data_type, tensor.dims) for tensor in tensors]
    made = onnx.helper.make_graph(
        list(nodes), "g", given, [info(name, FLOAT, None) for name in outputs], tensors
    )
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", opset)])
    model.ir_version = 8
    return model


def weights(seed: int = 0, **shapes: Sequence[int]) -> dict[str, np.ndarray]:
    """Random float32 arrays by name."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def sizes(*numbers: int) -> np.ndarray:
    """Sizes as ONNX has them."""
    return np.array(numbers, np.int64)
