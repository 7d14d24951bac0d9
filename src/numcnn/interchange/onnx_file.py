"""ONNX files from anybody, read within limits.

Nothing in an ONNX file can be run, but a few bytes can ask for a lot: arrays of any size, files of
others beside it, messages inside messages. So the file's messages are counted before it is parsed,
each array is held against the bytes that are there for it, and weights are read from another file
only if that lies in the same folder.
"""

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.interchange.optional_library import require

MOST_NODES = 10_000
"""Operators in a graph."""

MOST_MESSAGES = 500_000
"""Parts of a file: operators, their attributes, arrays, metadata. Each takes a hundred bytes in
memory, of which the file may have two."""

MOST_NESTING = 30
"""Parts inside parts; a network without subgraphs has 7."""

MOST_AXES = 8
"""Axes of an array."""

_DOMAINS = "", "ai.onnx"
_NAMED = 60  # characters of a name in an error


@final
@dataclass(frozen=True, eq=False)
class OnnxNode:
    """An operator in a graph.

    Attributes:
        name: Its name, or its place if it has none, for errors.
        kind: The operator, such as ``Conv``.
        inputs: Names of values; empty for what is left out.
        outputs: Names of values.
        attributes: ``onnx.AttributeProto`` by name.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"node {self.name!r} ({self.kind})"

    def whole(self, name: str, default: int | None = None) -> int | None:
        """An attribute that is an integer."""
        return self._get(name, "INT", "i", default)

    def wholes(self, name: str, default: tuple[int, ...] | None = None) -> tuple[int, ...] | None:
        """An attribute that is a list of integers."""
        found = self._get(name, "INTS", "ints", default)
        return None if found is None else tuple(found)

    def number(self, name: str, default: float) -> float:
        """An attribute that is a number."""
        found = float(self._get(name, "FLOAT", "f", default))
        if not math.isfinite(found):
            raise ValueError(f"its {name} is {found}")
        return found

    def text(self, name: str, default: str) -> str:
        """An attribute that is text."""
        found = self._get(name, "STRING", "s", default.encode())
        return str(found.decode("utf-8", "replace"))

    def _get(self, name: str, kind: str, key: str, default: Any) -> Any:
        if name not in self.attributes:
            return default
        attribute = self.attributes[name]
        if attribute.type != getattr(type(attribute), kind) or attribute.ref_attr_name:
            raise ValueError(f"its {name} is not of the type {kind}")
        return getattr(attribute, key)


@final
@dataclass(frozen=True, eq=False)
class OnnxGraph:
    """What an ONNX file holds.

    Attributes:
        nodes: In an order in which they can be computed.
        tensors: ``onnx.TensorProto`` of the weights by name.
        inputs: ``onnx.ValueInfoProto`` of what the graph is given, by name; no weights.
        outputs: The names of what it gives.
        opset: The version of the operators.
        producer: The program that wrote it.
        metadata: Text by name.
        folder: Where files with weights may lie.
        size: The file's bytes.
    """

    nodes: tuple[OnnxNode, ...]
    tensors: Mapping[str, Any]
    inputs: Mapping[str, Any]
    outputs: tuple[str, ...]
    opset: int
    producer: str
    metadata: Mapping[str, str]
    folder: Path
    size: int

    def array(self, tensor: Any) -> NDArray[Any]:
        """The numbers of a weight, or of another ``onnx.TensorProto`` of the file.

        Raises:
            ValueError: They are not what was announced, or lie where they may not.
        """
        return _array(tensor, self.folder)

    def stored_bytes(self) -> int:
        """The bytes of the file, and of the files beside it that weights are said to lie in."""
        beside = {
            _text(entry.value)
            for tensor in self.tensors.values()
            for entry in tensor.external_data
            if entry.key == "location"
        }
        return self.size + sum(
            file.stat().st_size for name in beside if (file := _beside(name, self.folder))
        )


def read_graph(path: str | os.PathLike[str]) -> OnnxGraph:
    """Read an ONNX file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no ONNX file, is damaged, or exceeds a limit.
        ImportError: There is no ``onnx``.
    """
    onnx = require("onnx")
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"{path}: there is no such file")
    if not file.is_file():
        raise ValueError(f"{path}: not a file; give an ONNX file")
    content = file.read_bytes()
    try:
        require_few_messages(content, onnx.ModelProto.DESCRIPTOR)
        model = onnx.ModelProto()
        try:
            model.ParseFromString(content)
        except Exception as error:  # protobuf's own, which has several names
            raise ValueError(f"it cannot be parsed ({str(error)[:100]})") from error
        return graph_of(model, file.parent, len(content))
    except ValueError as error:
        raise ValueError(
            f"{path}: not an ONNX model that can be read: {error}; give a whole file from a "
            "program that exports ONNX"
        ) from error


def graph_of(model: Any, folder: Path, size: int) -> OnnxGraph:
    """Look through an ``onnx.ModelProto``.

    Args:
        model: The model.
        folder: Where files with weights may lie.
        size: How many bytes it has.

    Raises:
        ValueError: It is no model, or holds what is never read.
    """
    graph = model.graph
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    versions = [opsets[domain] for domain in _DOMAINS if domain in opsets]
    if not graph.node:
        raise ValueError("it has no operators")
    if len(graph.node) > MOST_NODES:
        raise ValueError(f"it has more than {MOST_NODES:,} operators")
    if not versions or versions[0] < 1:
        raise ValueError("it does not say which version of ONNX's operators it uses")
    if graph.sparse_initializer:
        raise ValueError("its weights are sparse, and only dense ones are read")
    tensors = {_text(tensor.name): tensor for tensor in graph.initializer}
    if len(tensors) != len(graph.initializer):
        raise ValueError("two weights have one name")
    for tensor in graph.initializer:
        if len(tensor.dims) > MOST_AXES or min(tensor.dims, default=0) < 0:
            raise ValueError(f"weight {_short(tensor.name)!r} has no shape that can be")
    nodes = [_node(node, place) for place, node in enumerate(graph.node)]
    return OnnxGraph(
        tuple(_in_order(nodes, [*tensors, *(_text(value.name) for value in graph.input)])),
        tensors,
        {name: value for value in graph.input if (name := _text(value.name)) not in tensors},
        tuple(_text(value.name) for value in graph.output),
        versions[0],
        _short(f"{_text(model.producer_name)} {_text(model.producer_version)}".strip()),
        {_text(entry.key): _text(entry.value) for entry in model.metadata_props},
        folder,
        size,
    )


def _node(node: Any, place: int) -> OnnxNode:
    name = _short(node.name) or f"number {place}"
    kind = _short(node.op_type)
    if node.domain not in _DOMAINS:
        kind = f"{_short(node.domain)}.{kind}"
    attributes = {_text(attribute.name): attribute for attribute in node.attribute}
    if len(attributes) != len(node.attribute):
        raise ValueError(f"node {name!r} has two attributes of one name")
    outputs = tuple(map(_text, node.output))
    if not outputs or not outputs[0]:
        raise ValueError(f"node {name!r} has no output")
    return OnnxNode(name, kind, tuple(map(_text, node.input)), outputs, attributes)


def _in_order(nodes: list[OnnxNode], given: list[str]) -> Iterator[OnnxNode]:
    """Each node after those whose outputs it takes; files may have them in any order."""
    makers: dict[str, int] = {}
    for place, node in enumerate(nodes):
        for output in filter(None, node.outputs):
            if makers.setdefault(output, place) != place:
                raise ValueError(f"two operators make the value {_short(output)!r}")
    there = {*given, ""}
    for name in makers:
        if name in there:
            raise ValueError(
                f"the value {_short(name)!r} is given, and made by an operator as well"
            )
    missing = []
    waiting: dict[int, list[int]] = {}
    for place, node in enumerate(nodes):
        needed = {makers[name] for name in node.inputs if name in makers}
        missing.append(len(needed))
        for maker in needed:
            waiting.setdefault(maker, []).append(place)
    ready = [place for place, count in enumerate(missing) if not count]
    done = 0
    while done < len(ready):
        place = ready[done]
        done += 1
        yield nodes[place]
        for other in waiting.get(place, ()):
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    if done < len(nodes):
        stuck = next(node for node, count in zip(nodes, missing, strict=True) if count)
        raise ValueError(f"{stuck} takes, by some way, its own output")


def require_few_messages(content: bytes, descriptor: Any) -> None:
    """Walk through a protobuf file without parsing it, and count its messages.

    Source: Protocol Buffers, "Encoding", protobuf.dev/programming-guides/encoding.

    Args:
        content: The file.
        descriptor: That of its outermost message.

    Raises:
        ValueError: It is cut off, or has more or deeper messages than any network.
    """
    inner: dict[str, dict[int, Any]] = {}
    count = 0
    left = [(0, len(content), descriptor, 0)]
    while left:
        place, end, kind, depth = left.pop()
        if depth > MOST_NESTING:
            raise ValueError(f"its parts are nested more than {MOST_NESTING} deep")
        if kind.full_name not in inner:
            inner[kind.full_name] = {
                number: entry.message_type
                for number, entry in kind.fields_by_number.items()
                if entry.message_type is not None
            }
        messages = inner[kind.full_name]
        while place < end:
            tag, place = _varint(content, place, end)
            wire = tag & 7
            if wire == 0:
                _, place = _varint(content, place, end)
            elif wire in (1, 5):
                place += 8 if wire == 1 else 4
            elif wire == 2:
                length, place = _varint(content, place, end)
                if tag >> 3 in messages:
                    left.append((place, place + length, messages[tag >> 3], depth + 1))
                    count += 1
                    if count > MOST_MESSAGES:
                        raise ValueError(f"it has more than {MOST_MESSAGES:,} parts")
                place += length
            else:
                raise ValueError("it is damaged, or no ONNX file")
            if place > end:
                raise ValueError("it is cut off or damaged, or no ONNX file")


def _varint(content: bytes, place: int, end: int) -> tuple[int, int]:
    """A number of the file, and the place after it."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= end:
            raise ValueError("it is cut off or damaged, or no ONNX file")
        byte = content[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise ValueError("it is damaged, or no ONNX file")


_NUMPY_NAMES = {
    "FLOAT": np.float32,
    "DOUBLE": np.float64,
    "FLOAT16": np.float16,
    "INT64": np.int64,
    "INT32": np.int32,
    "UINT8": np.uint8,
    "INT8": np.int8,
    "BOOL": np.bool_,
}


def _array(tensor: Any, folder: Path) -> NDArray[Any]:
    onnx = require("onnx")
    name = _short(tensor.name)
    kinds = onnx.TensorProto.DataType
    known = tensor.data_type in kinds.values()
    kind = kinds.Name(tensor.data_type) if known else str(tensor.data_type)
    if kind not in _NUMPY_NAMES:
        raise ValueError(f"its weight {name!r} is of the type {kind}; give one of floats")
    if len(tensor.dims) > MOST_AXES or min(tensor.dims, default=0) < 0:
        raise ValueError(f"its weight {name!r} has no shape that can be")
    dtype = np.dtype(_NUMPY_NAMES[kind])
    shape = tuple(tensor.dims)
    numbers = math.prod(shape)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raw = _external(tensor, folder, numbers * dtype.itemsize)
    elif tensor.HasField("raw_data"):
        raw = tensor.raw_data
    else:
        return _typed(tensor, kind, name).reshape(shape)
    if len(raw) != numbers * dtype.itemsize:
        raise ValueError(
            f"its weight {name!r} has {len(raw):,} bytes for {numbers:,} numbers of {kind}"
        )
    return np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype).reshape(shape)


def _typed(tensor: Any, kind: str, name: str) -> NDArray[Any]:
    """Numbers that are written one by one and not as bytes."""
    values = {
        "FLOAT": tensor.float_data,
        "DOUBLE": tensor.double_data,
        "INT64": tensor.int64_data,
    }.get(kind, tensor.int32_data)
    numbers = math.prod(tensor.dims)
    if len(values) != numbers:
        raise ValueError(f"its weight {name!r} has {len(values):,} numbers for {numbers:,}")
    if kind == "FLOAT16":  # as bit patterns
        return np.fromiter(values, np.int64, numbers).astype(np.uint16).view(np.float16)
    wide = {"FLOAT": np.float32, "DOUBLE": np.float64}.get(kind, np.int64)
    return np.fromiter(values, wide, numbers).astype(_NUMPY_NAMES[kind])


def _external(tensor: Any, folder: Path, size: int) -> bytes:
    """Bytes of a file beside the model."""
    name = _short(tensor.name)
    entries = {_text(entry.key): _text(entry.value) for entry in tensor.external_data}
    location = entries.get("location", "")
    file = _beside(location, folder)
    if file is None:
        raise ValueError(
            f"its weight {name!r} is said to lie in {_short(location)!r}, and there is no such "
            "file in the model's folder"
        )
    places = [entries.get("offset", "0"), entries.get("length", str(size))]
    if not all(place.isdecimal() and len(place) < 16 for place in places):
        raise ValueError(f"its weight {name!r} lies at a place of a file that is no number")
    offset, length = map(int, places)
    if length != size or offset + size > file.stat().st_size:
        raise ValueError(
            f"its weight {name!r} needs {size:,} bytes of {_short(location)!r}, which are not there"
        )
    with file.open("rb") as data:
        data.seek(offset)
        return data.read(size)


def _beside(location: str, folder: Path) -> Path | None:
    """A file in the model's folder, or deeper; None if there is none."""
    parts = {*PurePosixPath(location).parts, *PureWindowsPath(location).parts}
    if not location or "\0" in location or ".." in parts or re.match(r"[/\\]|[A-Za-z]:", location):
        return None
    file = folder / location
    try:
        # Links are followed before it is said where the file is.
        is_inside = file.resolve().is_relative_to(folder.resolve())
        return file if is_inside and file.is_file() else None
    except OSError:  # such as a name that is too long
        return None


def _text(value: str | bytes) -> str:
    """Text of the file; protobuf leaves what is no UTF-8 as bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _short(value: str | bytes) -> str:
    """A name from the file for one line of an error."""
    name = _text(value)
    plain = "".join(letter if letter.isprintable() else "?" for letter in name[: _NAMED + 1])
    return plain if len(plain) <= _NAMED else f"{plain[:_NAMED]}..."
