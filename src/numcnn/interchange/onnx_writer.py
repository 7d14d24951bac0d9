"""A network as an ONNX graph.

ONNX's images are channels first. Only the graph's entrance turns them: convolutions get their
weights transposed, and a dense layer after a flattened image gets its rows in the other order. The
exceptions have their reason: ONNX normalizes the last axes only, so `LayerNorm` on images stands
between two transposes; and where numcnn's order is asked for and no dense layer is left to give it
(an image or a flattened one as output, or added to features of another order), one makes it.
"""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.atomic_file import atomic_file
from numcnn.interchange.optional_library import require
from numcnn.interchange.torch_layout import order_after, torch_arrays
from numcnn.model_files import ModelFile
from numcnn.nn import (
    GELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
    Sequential,
    Shape,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from numcnn.nn.layers.chain import Link
from numcnn.nn.patches import Window
from numcnn.nn.task import Task

LEAST_OPSET = 17
"""The oldest set of operators that is written; it has LayerNormalization."""

IMAGE, LOGITS, PROBABILITIES, VALUES = "image", "logits", "probabilities", "values"
"""The names of the graph's input and outputs."""

DTYPES = "uint8", "float32"
LAYOUTS = "nhwc", "nchw"

_TO_FIRST, _TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def write_onnx(
    path: str | os.PathLike[str],
    model_file: ModelFile,
    *,
    opset: int = LEAST_OPSET,
    dtype: str = "uint8",
    layout: str = "nhwc",
) -> None:
    """Write a model as an ONNX file.

    The graph takes a batch of any size of raw pixels, as numcnn's model does, and gives
    ``logits``, the outputs before a last softmax or sigmoid, and ``probabilities``, which are those
    of `numcnn.nn.Sequential.predict_proba`; or ``values``, if the model was trained on values. Its
    metadata have ``classes``, ``card`` and ``task`` as JSON, and the input's ``layout``. It is held
    against ONNX's full check before it is written. Needs ``onnx``: ``pip install 'numcnn[onnx]'``.

    Args:
        path: The file, usually ``*.onnx``.
        model_file: The model, with its class names and card.
        opset: Which set of operators, from 17 to the newest that the installed ``onnx`` has.
        dtype: What the pixels are: "uint8" or "float32".
        layout: "nhwc" for images ``(batch, height, width, channels)`` as input, "nchw" for
            ``(batch, channels, height, width)``. What is no image is taken as it is.

    Raises:
        ImportError: There is no ``onnx``.
        ValueError: An argument is out of range, or the model has a layer of one's own.
        OSError: The file cannot be written; what was there before is left as it was.
    """
    content = onnx_model(model_file, opset=opset, dtype=dtype, layout=layout).SerializeToString(
        deterministic=True
    )
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def onnx_model(
    model_file: ModelFile,
    *,
    opset: int = LEAST_OPSET,
    dtype: str = "uint8",
    layout: str = "nhwc",
) -> Any:
    """Make the ``onnx.ModelProto`` that `write_onnx` writes, checked."""
    onnx = require("onnx")
    newest = onnx.defs.onnx_opset_version()
    if type(opset) is not int or not LEAST_OPSET <= opset <= newest:
        raise ValueError(f"opset is {opset!r}; give one from {LEAST_OPSET} to {newest}")
    for name, value, known in (("dtype", dtype, DTYPES), ("layout", layout, LAYOUTS)):
        if value not in known:
            raise ValueError(f"{name} is {value!r}; choose one of {', '.join(known)}")
    model = model_file.model
    links, shape = model.links(), model.input_shape
    task = _effective_task(model)
    is_values = task.kind == "values"
    body = links[:-1] if model.is_activated and not is_values else links

    graph = _Graph(onnx, opset)
    value, order = graph.chain("", body, graph.entrance(shape, dtype, layout), shape, None)
    if is_values and task.activation == "sigmoid":
        value = graph.add("Sigmoid", [value], "squashed")
    graph.exit(
        value, body[-1].output_shape if body else shape, order, LOGITS if not is_values else VALUES
    )
    outputs = {VALUES: model.output_shape}
    if not is_values:
        classes = graph.probabilities(task, model.output_shape)
        outputs = {LOGITS: model.output_shape, PROBABILITIES: (*model.output_shape[:-1], classes)}

    tensor = onnx.helper.make_tensor_value_info
    floats = onnx.TensorProto.FLOAT
    given = [shape[2], *shape[:2]] if len(shape) == 3 and layout == "nchw" else shape
    pixels = onnx.TensorProto.UINT8 if dtype == "uint8" else floats
    made = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "numcnn",
            [tensor(IMAGE, pixels, ["batch", *given])],
            [tensor(name, floats, ["batch", *sizes]) for name, sizes in outputs.items()],
            graph.constants,
        ),
        opset_imports=[onnx.helper.make_opsetid("", opset)],
        producer_name="numcnn",
    )
    made.ir_version = onnx.helper.find_min_ir_version_for(made.opset_import)
    onnx.helper.set_model_props(
        made,
        {
            "classes": json.dumps(list(model_file.classes), ensure_ascii=False),
            "card": json.dumps(dict(model_file.card), ensure_ascii=False, allow_nan=False),
            "task": json.dumps(asdict(task), ensure_ascii=False),
            "layout": layout,
        },
    )
    onnx.checker.check_model(made, full_check=True)
    return made


def _effective_task(model: Sequential) -> Task:
    """What the outputs mean before a last softmax or sigmoid, if there is one."""
    if not model.is_activated:
        return model.task
    if model.task.kind == "values":
        return replace(model.task, activation="none")
    is_softmax = isinstance(model.layers[-1], Softmax)
    return replace(model.task, activation="softmax" if is_softmax else "sigmoid")


@final
class _Graph:
    """The nodes and constants of a graph while it grows.

    Images are channels first in it; all other values have numcnn's shape. A value goes by the name
    of the layer that makes it.
    """

    def __init__(self, onnx: Any, opset: int) -> None:
        self._onnx = onnx
        self._opset = opset
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append a node with one output, and return that."""
        node = self._onnx.helper.make_node(kind, list(inputs), [output], output, **attributes)
        self.nodes.append(node)
        return output

    def constant(self, name: str, array: NDArray[Any] | np.float32) -> str:
        """Append a constant, and return its name."""
        plain = np.array(array, order="C")
        self.constants.append(self._onnx.numpy_helper.from_array(plain, name))
        return name

    def entrance(self, shape: Shape, dtype: str, layout: str) -> str:
        """Turn the pixels into floats, channels first."""
        value = IMAGE
        if len(shape) == 3 and layout == "nhwc":
            if shape[2] == 1:
                # Without a second channel it is the same numbers in the same order.
                sizes = self.constant(
                    "channels_first.shape", np.array([0, 1, *shape[:2]], np.int64)
                )
                value = self.add("Reshape", [value, sizes], "channels_first")
            else:
                value = self.add("Transpose", [value], "channels_first", perm=_TO_FIRST)
        if dtype != "float32":
            value = self.add("Cast", [value], "float", to=self._onnx.TensorProto.FLOAT)
        return value

    def exit(self, value: str, shape: Shape, image: Shape | None, name: str) -> None:
        """Give the last value numcnn's order and its name."""
        value = self.reordered(value, image)
        if len(shape) == 3:
            value = self.add("Transpose", [value], "channels_last", perm=_TO_LAST)
        if self.nodes and self.nodes[-1].output[0] == value:
            self.nodes[-1].output[0] = name
        else:
            self.add("Identity", [value], name)

    def probabilities(self, task: Task, shape: Shape) -> int:
        """Make probabilities of the logits, and return of how many classes or labels."""
        outputs = shape[-1]
        if task.activation == "softmax":
            self.add("Softmax", [LOGITS], PROBABILITIES, axis=-1)
            return outputs
        if task.activation == "none":
            zero, one, least = (
                self.constant(f"{PROBABILITIES}.{number:g}", np.float32(number))
                for number in (0, 1, 1e-12)
            )
            clipped = self.add("Clip", [LOGITS, zero, one], f"{PROBABILITIES}.clipped")
            axes = self.constant(f"{PROBABILITIES}.axes", np.array([-1], np.int64))
            total = self.add("ReduceSum", [clipped, axes], f"{PROBABILITIES}.sum")
            whole = self.add("Max", [total, least], f"{PROBABILITIES}.whole")
            self.add("Div", [clipped, whole], PROBABILITIES)
            return outputs
        if outputs > 1 or task.kind == "labels":
            self.add("Sigmoid", [LOGITS], PROBABILITIES)
            return outputs
        second = self.add("Sigmoid", [LOGITS], f"{PROBABILITIES}.second")
        one = self.constant(f"{PROBABILITIES}.one", np.float32(1))
        first = self.add("Sub", [one, second], f"{PROBABILITIES}.first")
        self.add("Concat", [first, second], PROBABILITIES, axis=-1)
        return 2

    def reordered(self, value: str, image: Shape | None) -> str:
        """Bring the features of a flattened image into numcnn's order, if they are not."""
        if image is None:
            return value
        height, width, channels = image
        sizes = np.array([0, channels, height, width], np.int64)
        split = self.add(
            "Reshape", [value, self.constant(f"{value}.shape", sizes)], f"{value}.split"
        )
        turned = self.add("Transpose", [split], f"{value}.turned", perm=_TO_LAST)
        return self.add("Flatten", [turned], f"{value}.ordered")

    def chain(
        self, prefix: str, links: Sequence[Link], value: str, shape: Shape, image: Shape | None
    ) -> tuple[str, Shape | None]:
        """Append layers.

        Args:
            prefix: Goes before the layers' names.
            links: The layers.
            value: What reaches them.
            shape: Its shape in numcnn.
            image: The order of its features; see `numcnn.interchange.torch_layout.order_after`.

        Returns:
            What comes out, and the order of its features.
        """
        for link in links:
            name = f"{prefix}{link.name}"
            value = self.layer(name, link.layer, value, shape, image)
            image = order_after(link.layer, shape, image)
            shape = link.output_shape
        return value, image

    def layer(self, name: str, layer: Layer, value: str, shape: Shape, image: Shape | None) -> str:
        """Append one layer, and return what comes out."""
        if isinstance(layer, Residual):
            return self._residual(name, layer, value, shape, image)
        if isinstance(layer, Rescaling):
            return self._affine(
                name, value, np.float32(layer.scale), "Mul", np.float32(layer.offset), "Add"
            )
        if isinstance(layer, MaxPool2D | AveragePool2D):
            kind = "MaxPool" if isinstance(layer, MaxPool2D) else "AveragePool"
            return self.add(kind, [value], name, **_window(layer.window, shape))
        if isinstance(layer, GlobalAveragePool2D):
            mean = self.add("GlobalAveragePool", [value], f"{name}.mean")
            return self.add("Flatten", [mean], name)
        if isinstance(layer, Flatten):
            return value if len(shape) == 1 else self.add("Flatten", [value], name)
        if isinstance(layer, Dropout):
            return value
        if isinstance(layer, Softmax):
            return self.add("Softmax", [value], name, axis=1 if len(shape) == 3 else -1)
        if isinstance(layer, ReLU | Sigmoid | Tanh):
            kind = {ReLU: "Relu", Sigmoid: "Sigmoid", Tanh: "Tanh"}[type(layer)]
            return self.add(kind, [value], name)
        if isinstance(layer, LeakyReLU):
            return self.add("LeakyRelu", [value], name, alpha=layer.negative_slope)
        if isinstance(layer, SiLU):
            # ONNX has Swish since opset 24, and few programs know it.
            return self.add("Mul", [value, self.add("Sigmoid", [value], f"{name}.gate")], name)
        if isinstance(layer, GELU):
            return self._gelu(name, layer.approximate, value)
        return self._with_arrays(name, layer, value, shape, image)

    def _with_arrays(
        self, name: str, layer: Layer, value: str, shape: Shape, image: Shape | None
    ) -> str:
        if not isinstance(layer, Conv2D | Dense | BatchNorm | LayerNorm | Normalization):
            raise ValueError(
                f"{name} is a layer of your own, {type(layer).__name__}, and ONNX knows no such "
                "operator; export a model without it"
            )
        arrays = {
            key: where.to_torch(np.asarray({**layer.params, **layer.state}[key], np.float32))
            for key, where in torch_arrays(layer, image).items()
        }
        is_image = len(shape) == 3
        if isinstance(layer, Normalization):
            across = (-1, 1, 1) if is_image else (-1,)
            mean, deviation = (
                array.reshape(across) for array in (arrays["mean"], np.sqrt(arrays["variance"]))
            )
            return self._affine(name, value, deviation, "Div", mean, "Sub", is_shift_first=True)
        if isinstance(layer, BatchNorm) and not is_image and len(shape) > 1:
            # Its features are on the last axis, and ONNX's on the second.
            scale = arrays["gamma"] / np.sqrt(arrays["variance"] + np.float32(layer.epsilon))
            shift = arrays["beta"] - arrays["mean"] * scale
            return self._affine(name, value, scale, "Mul", shift, "Add")
        inputs = [self.constant(f"{name}.{key}", array) for key, array in arrays.items()]
        if isinstance(layer, Conv2D):
            return self.add("Conv", [value, *inputs], name, **_window(layer.window, shape))
        if isinstance(layer, Dense):
            return self.add("Gemm", [value, *inputs], name, transB=1)
        if isinstance(layer, BatchNorm):
            settings = {"epsilon": layer.epsilon, "momentum": layer.momentum}
            return self.add("BatchNormalization", [value, *inputs], name, **settings)
        if is_image:
            value = self.add("Transpose", [value], f"{name}.last", perm=_TO_LAST)
        normalized = self.add(
            "LayerNormalization",
            [value, *inputs],
            f"{name}.normalized" if is_image else name,
            axis=-1,
            epsilon=layer.epsilon,
        )
        return self.add("Transpose", [normalized], name, perm=_TO_FIRST) if is_image else name

    def _affine(
        self,
        name: str,
        value: str,
        scale: NDArray[Any] | np.float32,
        scaling: str,
        shift: NDArray[Any] | np.float32,
        shifting: str,
        *,
        is_shift_first: bool = False,
    ) -> str:
        steps = [(scaling, "scale", scale), (shifting, "shift", shift)]
        first, second = reversed(steps) if is_shift_first else steps
        kind, key, by = first
        half = self.add(kind, [value, self.constant(f"{name}.{key}", by)], f"{name}.half")
        kind, key, by = second
        return self.add(kind, [half, self.constant(f"{name}.{key}", by)], name)

    def _gelu(self, name: str, approximate: str, value: str) -> str:
        if self._opset >= 20:
            return self.add("Gelu", [value], name, approximate=approximate)

        def number(key: str, number: float) -> str:
            return self.constant(f"{name}.{key}", np.float32(number))

        def step(kind: str, key: str, *inputs: str) -> str:
            return self.add(kind, inputs, f"{name}.{key}")

        if approximate == "none":
            inner = step("Mul", "scaled", value, number("root_half", math.sqrt(0.5)))
            bent = step("Erf", "erf", inner)
        else:
            square = step("Mul", "square", value, value)
            cube = step("Mul", "cube", square, value)
            bump = step("Mul", "bump", cube, number("cubic", 0.044715))
            total = step("Add", "total", value, bump)
            inner = step("Mul", "scaled", total, number("scale", math.sqrt(2 / math.pi)))
            bent = step("Tanh", "tanh", inner)
        doubled = step("Add", "doubled", bent, number("one", 1))
        share = step("Mul", "share", doubled, number("half", 0.5))
        return self.add("Mul", [value, share], name)

    def _residual(
        self, name: str, layer: Residual, value: str, shape: Shape, image: Shape | None
    ) -> str:
        ends = [
            self.chain(f"{name}.{place}.", way.links(), value, shape, image)
            for place, way in zip(("branch", "shortcut"), layer.ways, strict=True)
        ]
        if len({order for _, order in ends}) > 1:
            ends = [(self.reordered(end, order), None) for end, order in ends]
        return self.add("Add", [end for end, _ in ends], name)


def _window(window: Window, shape: Shape) -> dict[str, Any]:
    """The attributes of what slides over an image ``(height, width, channels)``."""
    (top, bottom), (left, right) = window.margins(shape)
    return {
        "kernel_shape": window.size,
        "strides": window.stride,
        "pads": (top, left, bottom, right),
    }
