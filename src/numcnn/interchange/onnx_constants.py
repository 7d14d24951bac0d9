"""Values of an ONNX graph that do not depend on the image: weights, and sizes computed from sizes.

Exporters compute the sizes of a reshape from the shape of a value, and some bring weights into
shape by operators. Both are computed here, with NumPy, when they are asked for.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from numcnn.interchange.onnx_file import OnnxGraph, OnnxNode
from numcnn.nn import Shape

BATCH: Final = -(1 << 40)
"""Stands in a shape for the number of examples, which a network does not depend on."""

_LEAST_ALLOWED = 1_000_000
"""Numbers that may be computed whatever the file's size."""


@final
class OnnxConstants:
    """The constants of a graph, computed on demand.

    Attributes:
        varying: The values that depend on the image.
        shapes: By name, the shapes, without the batch axis, of values that depend on the image.
            Whoever follows the graph adds them as they become known.
    """

    def __init__(self, graph: OnnxGraph, varying: set[str]) -> None:
        """Take a graph.

        Args:
            graph: The graph.
            varying: The values that depend on the image.
        """
        self._graph = graph
        self.varying = varying
        self._makers = {name: node for node in graph.nodes for name in node.outputs if name}
        self._known: dict[str, NDArray[Any]] = {}
        self._left = _LEAST_ALLOWED + 4 * graph.stored_bytes()
        self.shapes: dict[str, Shape] = {}

    def get(self, name: str) -> NDArray[Any]:
        """A constant.

        Raises:
            ValueError: It depends on the image, or on an operator that is not computed, or takes
                more memory than the file's size justifies.
        """
        left = [name]
        while left:
            current = left[-1]
            if current in self._known:
                left.pop()
            elif current in self._graph.tensors:
                self._keep(current, self._graph.array(self._graph.tensors[current]))
            elif current in self.varying or current not in self._makers:
                raise ValueError(f"takes {current[:60]!r} as a constant, and it is none")
            else:
                node = self._makers[current]
                needed = [] if node.kind in ("Shape", "Size") else list(filter(None, node.inputs))
                missing = [each for each in needed if each not in self._known]
                if missing:
                    left += missing
                    continue
                try:
                    self._keep(current, self._computed(node))
                except (ArithmeticError, IndexError, TypeError, ValueError) as error:
                    raise ValueError(
                        f"needs {node}, and that cannot be computed: {error}"
                    ) from error
        return self._known[name]

    def _keep(self, name: str, array: NDArray[Any]) -> None:
        self._known[name] = array

    def _computed(self, node: OnnxNode) -> NDArray[Any]:
        if node.kind == "Constant":
            return self._constant(node)
        if node.kind == "Shape":
            return self._shape(node)
        compute = _OPERATORS.get(node.kind)
        if compute is None:
            raise ValueError("no constants are computed by this operator")
        arrays: list[Any] = [None if not name else self._known[name] for name in node.inputs]
        if not arrays or arrays[0] is None:
            raise ValueError("its first input is missing")
        if node.kind in _BROADCASTING:
            self._require(np.broadcast_shapes(*(np.shape(array) for array in arrays)))
        if node.kind in ("Concat", "Gather"):
            self._require((sum(np.size(array) for array in arrays),))
        if node.kind == "ConstantOfShape":
            self._require(tuple(int(size) for size in arrays[0].reshape(-1)))
        with np.errstate(all="ignore"):
            found = np.asarray(compute(node, arrays, self))
        self._require(found.shape)
        return found

    def _require(self, shape: tuple[int, ...]) -> None:
        numbers = 1
        for size in shape:
            numbers *= max(int(size), 1)
        self._left -= numbers
        if self._left < 0:
            raise ValueError("it takes more numbers than the file's size justifies")

    def _constant(self, node: OnnxNode) -> NDArray[Any]:
        attributes: Mapping[str, Any] = node.attributes
        if "value" in attributes:
            return self._graph.array(attributes["value"].t)
        for name, dtype in (("value_float", np.float32), ("value_int", np.int64)):
            if name in attributes:
                attribute = attributes[name]
                return np.array(attribute.f if name == "value_float" else attribute.i, dtype)
        for name, dtype in (("value_floats", np.float32), ("value_ints", np.int64)):
            if name in attributes:
                attribute = attributes[name]
                return np.array(
                    attribute.floats if name == "value_floats" else attribute.ints, dtype
                )
        raise ValueError("its value is neither numbers nor an array of them")

    def _shape(self, node: OnnxNode) -> NDArray[Any]:
        name = node.inputs[0] if node.inputs else ""
        if name in self.shapes:
            full = [BATCH, *self.shapes[name]]
        elif name in self.varying:
            raise ValueError("it asks for the shape of a value on another way through the network")
        else:
            full = list(self.get(name).shape)
        start, end = node.whole("start", 0), node.whole("end")
        return np.array(full[start:end], np.int64)

    def tensor(self, node: OnnxNode, name: str) -> NDArray[Any] | None:
        """An attribute that is an array."""
        return self._graph.array(node.attributes[name].t) if name in node.attributes else None


Arrays = list[NDArray[Any] | None]
Operator = Callable[[OnnxNode, Any, OnnxConstants], Any]


def _axes(node: OnnxNode, arrays: Arrays) -> tuple[int, ...] | None:
    """Axes, as an attribute or, since opset 13, as an input."""
    if len(arrays) > 1 and arrays[1] is not None:
        return tuple(int(axis) for axis in arrays[1].reshape(-1))
    return node.wholes("axes")


def _squeeze(node: OnnxNode, arrays: Any, _: OnnxConstants) -> Any:
    return np.squeeze(arrays[0], _axes(node, arrays))


def _unsqueeze(node: OnnxNode, arrays: Any, _: OnnxConstants) -> Any:
    return np.expand_dims(arrays[0], _axes(node, arrays) or ())


def _reshape(node: OnnxNode, arrays: Any, _: OnnxConstants) -> Any:
    sizes = node.wholes("shape") if len(arrays) < 2 else arrays[1].reshape(-1).tolist()
    have = arrays[0].shape
    return arrays[0].reshape(
        [have[place] if size == 0 else size for place, size in enumerate(sizes or ())]
    )


def _flatten(node: OnnxNode, arrays: Any, _: OnnxConstants) -> Any:
    axis = node.whole("axis", 1) or 0
    rows = int(np.prod(arrays[0].shape[:axis]))
    return arrays[0].reshape(rows, -1)


def _cast(node: OnnxNode, arrays: Any, _: OnnxConstants) -> Any:
    # ONNX's numbers of the types that occur in sizes and weights.
    known = {1: np.float32, 10: np.float16, 11: np.float64, 6: np.int32, 7: np.int64, 9: np.bool_}
    to = node.whole("to")
    if to not in known:
        raise ValueError(f"it casts to type {to}")
    return arrays[0].astype(known[to])


def _concat(node: OnnxNode, arrays: Any, _: OnnxConstants) -> Any:
    return np.concatenate(arrays, node.whole("axis", 1) or 0)


def _gather(node: OnnxNode, arrays: Any, _: OnnxConstants) -> Any:
    if arrays[1].size > 1000:
        raise ValueError("it gathers more than 1,000 parts")
    return np.take(arrays[0], arrays[1], node.whole("axis", 0) or 0)


def _slice(node: OnnxNode, arrays: Any, _: OnnxConstants) -> Any:
    starts: Any
    ends: Any
    more: Any
    if len(arrays) > 1:
        starts, ends, *more = (
            None if array is None else array.reshape(-1).tolist() for array in arrays[1:]
        )
    else:
        starts, ends, more = node.wholes("starts"), node.wholes("ends"), [node.wholes("axes")]
    axes = more[0] if more and more[0] is not None else range(len(starts))
    steps = more[1] if len(more) > 1 and more[1] is not None else [1] * len(starts)
    cut = [slice(None)] * arrays[0].ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        cut[axis] = slice(start, end, step)
    return arrays[0][tuple(cut)]


def _constant_of_shape(node: OnnxNode, arrays: Any, constants: OnnxConstants) -> Any:
    value = constants.tensor(node, "value")
    fill = np.zeros(1, np.float32) if value is None else value.reshape(-1)[:1]
    return np.full(arrays[0].reshape(-1).tolist(), fill[0])


def _broadcast(compute: Callable[..., Any]) -> Operator:
    return lambda _node, arrays, _: compute(arrays[0], arrays[1])


_BROADCASTING: Mapping[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": lambda a, b: a // b if a.dtype.kind in "iu" else a / b,
    "Pow": np.power,
}
_OPERATORS: Mapping[str, Operator] = {
    "Cast": _cast,
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Flatten": _flatten,
    "Gather": _gather,
    "Identity": lambda _node, arrays, _: arrays[0],
    "Neg": lambda _node, arrays, _: -arrays[0],
    "Reciprocal": lambda _node, arrays, _: 1 / arrays[0],
    "Reshape": _reshape,
    "Slice": _slice,
    "Sqrt": lambda _node, arrays, _: np.sqrt(arrays[0]),
    "Squeeze": _squeeze,
    "Transpose": lambda node, arrays, _: arrays[0].transpose(node.wholes("perm")),
    "Unsqueeze": _unsqueeze,
    **{kind: _broadcast(compute) for kind, compute in _BROADCASTING.items()},
}
