"""The way from an ONNX graph's input to its output, as numcnn knows it: chains, and ways around.

numcnn's networks are rows of layers, in which a residual connection is one. A graph is any net of
operators. So it is followed back from its output. An operator that takes two values which depend on
the image is the end of a residual connection if it adds them: it begins at their nearest common
dominator, the last value that everything on both ways went through. And a stretch that computes
some function of each number by itself, such as a GELU that was written out, is recognized by that
function's values.

Source for the dominators: Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm", 2001.
"""

from dataclasses import dataclass
from typing import final

from numcnn.interchange.activation_match import MatchedActivation, matched_activation
from numcnn.interchange.onnx_constants import OnnxConstants
from numcnn.interchange.onnx_file import OnnxGraph, OnnxNode
from numcnn.model_files.architecture import MOST_DEPTH

MOST_TOGETHER = 20
"""Operators that are looked at together as one function."""

_SIZES = "Shape", "Size"
"""Operators whose result does not depend on the numbers."""


@final
@dataclass(frozen=True, eq=False)
class Sum:
    """Two ways, and the operator that adds what they come to."""

    node: OnnxNode
    ways: tuple[list["Step"], list["Step"]]


@final
@dataclass(frozen=True, eq=False)
class Function:
    """A stretch that is an activation, times a factor; ``node`` is its last operator."""

    node: OnnxNode
    activation: MatchedActivation


Step = OnnxNode | Sum | Function


def varying_values(graph: OnnxGraph, source: str) -> set[str]:
    """The names of all values that depend on the numbers of the graph's input ``source``."""
    found = {source}
    for node in graph.nodes:
        if node.kind not in _SIZES and not found.isdisjoint(node.inputs):
            found.update(filter(None, node.outputs))
    return found


@final
class Dataflow:
    """The values of a graph that depend on its input."""

    def __init__(
        self, graph: OnnxGraph, source: str, varying: set[str], constants: OnnxConstants
    ) -> None:
        """Find each value's nearest dominator.

        Args:
            graph: The graph.
            source: Its input.
            varying: What depends on it; see `varying_values`.
            constants: What does not.
        """
        self._source = source
        self._varying = varying
        self._constants = constants
        self._makers: dict[str, OnnxNode] = {}
        self._above: dict[str, str] = {}
        self._depth = {source: 0}
        self._used: set[str] = set()
        self._places = {node: place for place, node in enumerate(graph.nodes)}
        for node in graph.nodes:
            taken = self._taken(node)
            if not taken or node.kind in _SIZES:
                continue
            above = taken[0]
            for other in taken[1:]:
                above = self._common(above, other)
            for output in filter(None, node.outputs):
                self._makers[output] = node
                self._above[output] = above
                self._depth[output] = self._depth[above] + 1

    def steps_to(self, end: str) -> list[Step]:
        """The steps from the source to a value.

        Raises:
            ValueError: They are none that a chain and residual connections can have; the message
                names the operator.
        """
        return self._steps(self._source, end, 0)

    def _steps(self, start: str, end: str, depth: int) -> list[Step]:
        if depth > MOST_DEPTH:
            raise ValueError(f"has ways around ways, more than {MOST_DEPTH} deep")
        steps: list[Step] = []
        value = end
        while value != start:
            node = self._makers.get(value)
            if node is None:
                raise ValueError(f"the output {value[:60]!r} does not depend on the input")
            if value != node.outputs[0]:
                raise ValueError(f"{node}: its second output is used, which no layer has")
            if node.outputs[0] in self._used:
                raise ValueError(
                    f"{node}: its output goes several ways that do not meet again in one sum, and "
                    "numcnn's networks are chains with residual connections"
                )
            taken = self._taken(node)
            value = taken[0]
            if len(taken) == 1:
                self._used.add(node.outputs[0])
                steps.append(node)
                continue
            value = self._above[node.outputs[0]]
            activation = self._function(node, value)
            if activation is not None:
                self._used.add(node.outputs[0])
                steps.append(Function(node, activation))
            elif node.kind in ("Add", "Sum") and len(taken) == 2 == len(node.inputs):
                self._used.add(node.outputs[0])
                one, other = (self._steps(value, way, depth + 1) for way in taken)
                steps.append(Sum(node, (one, other)))
            else:
                raise ValueError(
                    f"{node}: takes {len(taken)} values that depend on the image; numcnn's layers "
                    "take one, but for a sum of two"
                )
        return steps[::-1]

    def _function(self, end: OnnxNode, start: str) -> MatchedActivation | None:
        """What a stretch computes from each number, if it is an activation that numcnn has."""
        nodes: dict[str, OnnxNode] = {}
        left = [end.outputs[0]]
        while left:
            value = left.pop()
            if value == start or value in nodes:
                continue
            nodes[value] = node = self._makers[value]
            left += self._taken(node)
            if len(nodes) > MOST_TOGETHER or node.outputs[0] != value:
                return None
        order = sorted(nodes.values(), key=self._places.__getitem__)
        return matched_activation(order, start, end.outputs[0], self._constants)

    def _taken(self, node: OnnxNode) -> list[str]:
        """The values that a node takes and that depend on the input, each once."""
        return list(dict.fromkeys(name for name in node.inputs if name in self._varying))

    def _common(self, one: str, other: str) -> str:
        """The nearest value that two others have gone through, or are."""
        while one != other:
            if self._depth[one] < self._depth[other]:
                one, other = other, one
            one = self._above[one]
        return one
