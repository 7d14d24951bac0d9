"""ONNX's own backend tests, which come with its wheel, as cases for numcnn's layers.

Where a graph gets its weights as inputs, as the tests of single operators do, all inputs but the
first become constants.
"""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numcnn.interchange.onnx_file import graph_of
from numcnn.interchange.onnx_reader import ImportedGraph, import_graph
from numcnn.interchange.preprocessing import Preprocessing
from tests.interchange.onnx_tools import onnx

KINDS = "node", "pytorch-converted", "pytorch-operator", "simple"


@dataclass(frozen=True)
class Case:
    """One of ONNX's tests.

    Attributes:
        kind: The set that it is from.
        name: Its name there.
        model: Its graph.
        source: What the wheel has of it.
    """

    kind: str
    name: str
    model: Any
    source: Any

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"

    @property
    def operators(self) -> set[str]:
        """The kinds of operators in its graph."""
        return {node.op_type for node in self.model.graph.node}

    def examples(self) -> list[tuple[list[np.ndarray], list[np.ndarray]]]:
        """Inputs and outputs; none where some of them are no arrays."""
        found: list[Any] = []
        with contextlib.suppress(Exception):  # protobuf's, of a sequence that is read as an array
            found = self.source.data_sets or [
                (_arrays(folder, "input"), _arrays(folder, "output"))
                for folder in sorted(Path(self.source.model_dir).glob("test_data_set_*"))
            ]
        arrays = [array for example in found for part in example for array in part]
        return found if all(isinstance(array, np.ndarray) for array in arrays) else []

    def imported(self, inputs: list[np.ndarray]) -> ImportedGraph:
        """The network that numcnn makes of the graph.

        Raises:
            ValueError: It makes none, for the reason that is given.
        """
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        fixed = {tensor.name for tensor in model.graph.initializer}
        names = [given.name for given in model.graph.input if given.name not in fixed]
        for name, array in zip(names[1:], inputs[1:], strict=False):
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
        graph = graph_of(model, Path(), model.ByteSize())
        return import_graph(
            graph, preprocessing=Preprocessing(), drops_softmax=False, any_order=True
        )


def all_cases() -> Iterator[Case]:
    """All of the four sets."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in KINDS:
            for source in load_model_tests(kind=kind):
                model = source.model
                if model is None:
                    model = onnx.load(Path(source.model_dir) / "model.onnx")
                yield Case(kind, source.name, model, source)


def outputs(imported: ImportedGraph, x: np.ndarray) -> np.ndarray:
    """What the layers make of the graph's input, in the graph's order."""
    model = imported.model
    ours = np.empty((len(x), int(np.prod(model.input_shape))), np.float64)
    ours[:, imported.given.places()] = x.reshape(len(x), -1)
    shape = (len(x), *model.input_shape)
    if x.dtype == np.float64:
        model = model.astype(np.float64)
    y = model.outputs(ours.reshape(shape), engine="layers").reshape(len(x), -1)
    return y[:, imported.made.places()].reshape(len(x), *imported.made.sizes)


def _arrays(folder: Path, word: str) -> list[np.ndarray]:
    files = sorted(folder.glob(f"{word}_*.pb"), key=lambda file: int(file.stem.split("_")[-1]))
    arrays = []
    for file in files:
        tensor = onnx.TensorProto()
        tensor.ParseFromString(file.read_bytes())
        arrays.append(onnx.numpy_helper.to_array(tensor))
    return arrays
