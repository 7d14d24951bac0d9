"""An ONNX file as one of numcnn's models."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from numcnn.interchange.axis_layout import AxisLayout
from numcnn.interchange.dataflow import Dataflow, Function, Step, Sum, varying_values
from numcnn.interchange.layer_path import LayerPath, Weights
from numcnn.interchange.onnx_constants import OnnxConstants
from numcnn.interchange.onnx_file import OnnxGraph, OnnxNode, read_graph
from numcnn.interchange.onnx_operators import Operand, apply
from numcnn.interchange.preprocessing import Preprocessing
from numcnn.model_files import ModelFile
from numcnn.nn import Sequential, Shape, Sigmoid, usual_loss
from numcnn.nn.task import MOST_CLASS_NAME, Task

LAYOUTS = "auto", "nchw", "nhwc"

_FLOATS_AND_PIXELS = 1, 2, 10, 11
"""ONNX's types FLOAT, UINT8, FLOAT16, DOUBLE."""

_GROWTH = 8
"""How many times the numbers of the file the layers' weights may have: kernels may grow."""

_FREE_WEIGHTS = 1_000_000


def read_onnx(
    path: str | os.PathLike[str],
    *,
    preprocessing: Preprocessing | None = None,
    classes: Sequence[str] = (),
    layout: str = "auto",
    input_shape: Shape | None = None,
    output: str | None = None,
) -> ModelFile:
    """Read an ONNX file.

    The graph has to be a chain of what numcnn has layers for, with residual connections. Images,
    which most programs have channels first, go in and come out channels last. A last softmax is
    left out, as numcnn's networks end in logits; `numcnn.nn.Sequential.predict_proba` adds it.
    Needs ``onnx``: ``pip install 'numcnn[onnx]'``.

    Args:
        path: The file, from anybody: it is held against limits, and nothing in it is run.
        preprocessing: How raw pixels become what the network was trained on, which few files say;
            if None, the network takes them as they are.
        classes: A name for each output; those in the file's metadata, or else the outputs' numbers,
            if empty.
        layout: "nchw" if the graph takes images channels first, "nhwc" if not; "auto" finds out.
        input_shape: ``(height, width, channels)``, where the file does not say it.
        output: The name of the graph's output; if None, "logits", or else the first one.

    Returns:
        The model, built, with its weights; its card says where it comes from.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: There is no ``onnx``.
        ValueError: It is no ONNX file, is damaged, exceeds a limit, or computes something that no
            layer does; the message names the operator and the reason. Or an argument does not fit.
    """
    graph = read_graph(path)
    try:
        imported = import_graph(
            graph,
            preprocessing=preprocessing or Preprocessing(),
            layout=layout,
            input_shape=input_shape,
            output=output,
        )
        model = imported.model
        model.task = _task(graph, model)
        model.loss = usual_loss(model.task)
        return ModelFile(model, _classes(classes, graph, model), _card(graph, Path(path).name))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


@final
@dataclass(frozen=True)
class ImportedGraph:
    """A graph as a network.

    Attributes:
        model: The network, built.
        given: Where the graph's input, without the batch axis, lies in the network's.
        made: The same of its output.
    """

    model: Sequential
    given: AxisLayout
    made: AxisLayout


def import_graph(
    graph: OnnxGraph,
    *,
    preprocessing: Preprocessing,
    layout: str = "auto",
    input_shape: Shape | None = None,
    output: str | None = None,
    drops_softmax: bool = True,
    any_order: bool = False,
) -> ImportedGraph:
    """Turn a graph into a network; see `read_onnx`.

    Args:
        graph: The graph.
        preprocessing: As there.
        layout: As there.
        input_shape: As there.
        output: As there.
        drops_softmax: Whether a last softmax is left out.
        any_order: Whether the outputs may lie in any order among the network's.

    Raises:
        ValueError: As there.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout is {layout!r}; choose one of {', '.join(LAYOUTS)}")
    if layout == "auto" and graph.metadata.get("layout") in LAYOUTS:
        layout = graph.metadata["layout"]
    end = _output(graph, output)
    source, sizes = _input(graph, end, input_shape, layout)
    first: ValueError | None = None
    for is_first in _candidates(sizes, layout):
        shape = (*sizes[1:], sizes[0]) if is_first else sizes
        given = (AxisLayout.channels_first if is_first else AxisLayout.same)(shape)
        try:
            varying = varying_values(graph, source)
            constants = OnnxConstants(graph, varying)
            steps = Dataflow(graph, source, varying, constants).steps_to(end)
            most = _FREE_WEIGHTS + _GROWTH * graph.stored_bytes() // 4
            path = LayerPath(given, Weights(most))
            path.standardize(*preprocessing.scale_and_shift())
            constants.shapes[source] = sizes
            _follow(path, steps, graph.opset, constants)
            model = path.finish(drops_softmax=drops_softmax, any_order=any_order)
        except ValueError as error:
            # What the more likely layout meets says more about the file.
            first = first or error
        else:
            return ImportedGraph(model, given, path.layout)
    assert first is not None
    raise first


def _candidates(sizes: Shape, layout: str) -> list[bool]:
    """Whether images are taken as channels first, the likelier first."""
    if len(sizes) != 3:
        return [False]
    if layout != "auto":
        return [layout == "nchw"]
    is_last = sizes[-1] in (1, 3, 4) and sizes[0] not in (1, 3, 4)
    return [False, True] if is_last else [True, False]


def _output(graph: OnnxGraph, name: str | None) -> str:
    if name is None:
        likely = ("logits",) if "logits" in graph.outputs else graph.outputs
        name = next(iter(likely), "")
    if name not in graph.outputs or not name:
        there = ", ".join(repr(output[:40]) for output in graph.outputs[:8]) or "none"
        raise ValueError(f"output is {name!r}, and the graph has {there}; give one of these")
    return name


def _input(graph: OnnxGraph, end: str, input_shape: Shape | None, layout: str) -> tuple[str, Shape]:
    """The name of the graph's input, and its shape in the graph without the batch axis."""
    needed = _needed(graph, end)
    names = [name for name in graph.inputs if name in needed]
    if len(names) != 1:
        told = ", ".join(repr(name[:40]) for name in names[:8]) or "none"
        raise ValueError(
            f"its output depends on {len(names)} inputs ({told}), and numcnn takes one"
        )
    kind = graph.inputs[names[0]].type.tensor_type
    if kind.elem_type not in _FLOATS_AND_PIXELS:
        raise ValueError(
            f"its input is of type {kind.elem_type}, and numcnn takes numbers or pixels"
        )
    _, *dims = [dim.dim_value for dim in kind.shape.dim] or [0]
    if input_shape is not None:
        is_image = len(input_shape) == 3 and len(dims) == 3
        if is_image and layout != "nhwc" and (layout == "nchw" or _is_channels_first(dims)):
            input_shape = input_shape[2], *input_shape[:2]
        if len(input_shape) != len(dims) or any(
            dim not in (0, size) for dim, size in zip(dims, input_shape, strict=True)
        ):
            raise ValueError(
                f"input_shape is {input_shape}, in the graph's order, and the graph takes {dims}"
            )
        dims = list(input_shape)
    if not 1 <= len(dims) <= 8 or min(dims) < 1:
        shown = ", ".join(str(dim or "?") for dim in dims)
        raise ValueError(
            f"its input is (batch, {shown}), and numcnn's networks are for inputs of one size; "
            "give input_shape"
        )
    return names[0], tuple(dims)


def _is_channels_first(dims: Sequence[int]) -> bool:
    """Whether a shape, 0 for what is not known, looks so."""
    return dims[0] in (1, 3, 4) or dims[2] == 0


def _needed(graph: OnnxGraph, end: str) -> set[str]:
    """All values that one depends on."""
    needed = {end}
    for node in reversed(graph.nodes):
        if not needed.isdisjoint(node.outputs):
            needed.update(node.inputs)
    return needed


def _follow(path: LayerPath, steps: list[Step], opset: int, constants: OnnxConstants) -> None:
    """Put steps onto a path; an error gets the operator's name."""
    for step in steps:
        if isinstance(step, Sum):
            ways = []
            for inner in step.ways:
                way = _named(step.node, path.fork)
                _follow(way, inner, opset, constants)
                ways.append(way)
            one, other = ways
            _named(step.node, lambda: path.join(one, other))  # noqa: B023
            node = step.node
        elif isinstance(step, Function):
            _named(step.node, lambda: path.activate(step.activation.layer))  # noqa: B023
            path.scale(np.array(step.activation.factor))
            node = step.node
        else:
            node = step
            place = next(
                place for place, name in enumerate(node.inputs) if name in constants.varying
            )
            operand = Operand(node, opset, place, constants)
            _named(node, lambda: apply(path, operand))  # noqa: B023
        constants.shapes[node.outputs[0]] = path.layout.sizes


def _named(node: OnnxNode, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except ValueError as error:
        raise ValueError(f"{node}: {error}") from error


def _task(graph: OnnxGraph, model: Sequential) -> Task:
    """What the outputs mean: as numcnn's own files say it; or, after a sigmoid, yes or no."""
    said = _json(graph.metadata.get("task", ""))
    if isinstance(said, dict):
        names = said.get("names")
        try:
            return Task(**{**said, "names": names if names is None else tuple(names)})
        except (TypeError, ValueError):
            pass  # another program's
    is_binary = model.output_shape == (1,) and isinstance(model.layers[-1], Sigmoid)
    return Task(activation="sigmoid") if is_binary else Task()


def _classes(given: Sequence[str], graph: OnnxGraph, model: Sequential) -> tuple[str, ...]:
    outputs = model.task.count(model.output_shape)
    if given:
        if len(given) != outputs:
            raise ValueError(
                f"classes has {len(given)} names for {outputs} outputs; give one for each"
            )
        return tuple(given)
    names = _json(graph.metadata.get("classes", ""))
    if (
        isinstance(names, list)
        and len(names) == outputs
        and all(isinstance(name, str) and len(name) <= MOST_CLASS_NAME for name in names)
    ):
        return tuple(names)
    return tuple(str(index) for index in range(outputs))


def _card(graph: OnnxGraph, name: str) -> Mapping[str, Any]:
    card = _json(graph.metadata.get("card", ""))
    known = card if isinstance(card, dict) else {}
    return {
        **known,
        "imported_from": {"file": name, "opset": graph.opset, "producer": graph.producer},
    }


def _json(text: str) -> Any:
    """What some text is as JSON; None if it is none, or longer than any of numcnn's."""
    if len(text) > 1_000_000:
        return None
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
