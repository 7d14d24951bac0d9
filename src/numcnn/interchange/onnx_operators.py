"""What ONNX's operators are in numcnn.

A function for each operator, which puts it onto a `LayerPath`, or says in a ValueError why it
cannot be had. Operators are described at https://onnx.ai/onnx/operators; where their meaning has
changed, it is the graph's version that counts.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numcnn.interchange.layer_path import LayerPath, Margins
from numcnn.interchange.onnx_constants import BATCH, OnnxConstants
from numcnn.interchange.onnx_file import OnnxNode
from numcnn.nn import GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh


class Operand:
    """An operator with what it takes besides the value that depends on the image.

    Attributes:
        node: The operator.
        opset: The version of ONNX's operators.
        place: Which of the inputs depends on the image.
    """

    def __init__(self, node: OnnxNode, opset: int, place: int, constants: OnnxConstants) -> None:
        self.node = node
        self.opset = opset
        self.place = place
        self._constants = constants

    def constant(self, place: int) -> NDArray[Any]:
        """An input that has to be there.

        Raises:
            ValueError: It is not there, or not a constant.
        """
        found = self.optional(place)
        if found is None:
            raise ValueError(f"its input {place + 1} is missing")
        return found

    def optional(self, place: int) -> NDArray[Any] | None:
        """An input, or None if it is left out."""
        names = self.node.inputs
        if place >= len(names) or not names[place]:
            return None
        return self._constants.get(names[place])

    def wholes(self, name: str, place: int) -> list[int] | None:
        """A list of integers that is an attribute in some versions and an input in others."""
        if name in self.node.attributes:
            return list(self.node.wholes(name) or ())
        array = self.optional(place)
        return None if array is None else [int(number) for number in array.reshape(-1)]


Apply = Callable[[LayerPath, Operand], None]


def apply(path: LayerPath, operand: Operand) -> None:
    """Put an operator onto a path.

    Raises:
        ValueError: No layer does what it does.
    """
    operator = OPERATORS.get(operand.node.kind)
    if operator is None:
        raise ValueError("no layer does this")
    if operand.place and operand.node.kind not in _EITHER_WAY:
        raise ValueError("the image is not its first input")
    operator(path, operand)


def _pair(node: OnnxNode, name: str, default: int) -> tuple[int, int]:
    found = node.wholes(name)
    if not found:
        return default, default
    if len(found) != 2:
        raise ValueError(f"its {name} has {len(found)} numbers; images have two")
    return found[0], found[1]


def _window(
    path: LayerPath, node: OnnxNode, size: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int], Margins]:
    """Stride, dilation and margins."""
    stride, dilation = _pair(node, "strides", 1), _pair(node, "dilations", 1)
    if min(*size, *stride, *dilation) < 1:
        raise ValueError("its window has a size, stride or dilation below 1")
    automatic = node.text("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        sizes = path.layout.sizes
        if len(sizes) != 3:
            raise ValueError(f"takes images, and gets values with {len(sizes)} axes")
        margins = []
        for length, cells, step, apart in zip(sizes[1:], size, stride, dilation, strict=True):
            reach = (cells - 1) * apart + 1
            missing = max((-(-length // step) - 1) * step + reach - length, 0)
            odd = missing - missing // 2
            upper = (missing // 2, odd)
            margins.append(upper if automatic == "SAME_UPPER" else upper[::-1])
        return stride, dilation, (margins[0], margins[1])
    if automatic not in ("NOTSET", "VALID", ""):
        raise ValueError(f"its auto_pad is {automatic[:40]!r}")
    pads = node.wholes("pads") or (0, 0, 0, 0)
    if automatic == "VALID":
        pads = (0, 0, 0, 0)
    if len(pads) != 4:
        raise ValueError(f"its pads has {len(pads)} numbers; images have four")
    return stride, dilation, ((pads[0], pads[2]), (pads[1], pads[3]))


def _conv(path: LayerPath, operand: Operand) -> None:
    node, weight = operand.node, operand.constant(1)
    if (groups := node.whole("group", 1)) != 1:
        raise ValueError(f"has {groups} groups, and Conv2D has none")
    if weight.ndim != 4:
        raise ValueError(f"its kernel has {weight.ndim - 2} dimensions, and Conv2D's has 2")
    size = weight.shape[2], weight.shape[3]
    if _pair(node, "kernel_shape", 0) not in (size, (0, 0)):
        raise ValueError("its kernel_shape is not that of its weight")
    stride, dilation, margins = _window(path, node, size)
    path.convolve(weight, operand.optional(2), stride, margins, dilation)


def _pool(path: LayerPath, operand: Operand) -> None:
    node = operand.node
    shape = node.wholes("kernel_shape") or ()
    if len(shape) != 2:
        raise ValueError(f"its window has {len(shape)} dimensions, and those of images have 2")
    size = shape[0], shape[1]
    stride, dilation, margins = _window(path, node, size)
    if dilation != (1, 1):
        raise ValueError(f"its dilations are {dilation}, and pooling layers have none")
    is_ceil = bool(node.whole("ceil_mode", 0))
    if node.kind == "MaxPool":
        path.max_pool(size, stride, margins, ceil=is_ceil)
    else:
        counts = bool(node.whole("count_include_pad", 0))
        path.average_pool(size, stride, margins, ceil=is_ceil, counts_margins=counts)


def _reduce_mean(path: LayerPath, operand: Operand) -> None:
    axes = operand.wholes("axes", 1)
    rank = len(path.layout.axes) + 1
    over = sorted(axis % rank for axis in axes) if axes else []
    channels = 1 if path.layout.is_channels_first else 3
    if rank != 4 or over != [axis for axis in (1, 2, 3) if axis != channels]:
        raise ValueError(f"takes the mean over axes {axes}, not over height and width of an image")
    path.global_average_pool(keeps_axes=bool(operand.node.whole("keepdims", 1)))


def _gemm(path: LayerPath, operand: Operand) -> None:
    node, weight = operand.node, operand.constant(1)
    if node.whole("transA", 0):
        raise ValueError("transposes its input, in which the batch is the first axis")
    weight = weight.T if node.whole("transB", 0) else weight
    if (alpha := node.number("alpha", 1.0)) != 1:
        weight = weight * np.float32(alpha)
    bias = operand.optional(2)
    if bias is not None:
        if bias.size > 1 and bias.shape[-1] != bias.size:
            raise ValueError("its bias differs between examples")
        bias = bias * np.float32(node.number("beta", 1.0))
        if weight.ndim == 2 and bias.size not in (1, weight.shape[1]):
            raise ValueError(f"its bias has {bias.size} numbers for {weight.shape[1]} units")
    path.dense(weight, bias)


def _mat_mul(path: LayerPath, operand: Operand) -> None:
    path.dense(operand.constant(1), None)


def _batch_normalization(path: LayerPath, operand: Operand) -> None:
    node = operand.node
    if node.whole("training_mode", 0):
        raise ValueError("is in training mode, and only inference is imported")
    if not node.whole("spatial", 1) and len(path.layout.axes) > 1:
        raise ValueError("has statistics for each pixel, and BatchNorm for each channel")
    momentum = node.number("momentum", 0.9)
    gamma, beta, mean, variance = (operand.constant(place) for place in range(1, 5))
    path.batch_norm(
        *(gamma, beta, mean, variance),
        epsilon=node.number("epsilon", 1e-5),
        # That matters in training alone, and exporters write 1 for "none".
        momentum=momentum if 0 <= momentum < 1 else 0.9,
    )


def _layer_normalization(path: LayerPath, operand: Operand) -> None:
    axis = operand.node.whole("axis", -1)
    if axis not in (-1, len(path.layout.axes)):
        raise ValueError(f"normalizes from axis {axis} on, and LayerNorm the last axis")
    path.layer_norm(
        operand.constant(1), operand.optional(2), epsilon=operand.node.number("epsilon", 1e-5)
    )


def _softmax(path: LayerPath, operand: Operand) -> None:
    axes = len(path.layout.axes)
    axis = operand.node.whole("axis", -1 if operand.opset >= 13 else 1) or 0
    place = (axis + axes + 1 if axis < 0 else axis) - 1
    is_log = operand.node.kind == "LogSoftmax"
    if not 0 <= place < axes:
        raise ValueError(f"works along axis {axis}, which is the batch's or none")
    if operand.opset >= 13 or place == axes - 1:
        path.softmax(place, is_log=is_log)
    elif place or is_log:
        raise ValueError(f"works along axis {axis} and those after it, and Softmax along one")
    else:
        path.softmax_of_all()


def _leaky_relu(path: LayerPath, operand: Operand) -> None:
    path.activate(LeakyReLU(operand.node.number("alpha", 0.01)))


def _p_relu(path: LayerPath, operand: Operand) -> None:
    slope = operand.constant(1)
    if not slope.size or (slope != slope.flat[0]).any():
        raise ValueError("has several slopes, and LeakyReLU has one")
    path.activate(LeakyReLU(float(slope.flat[0])))


def _gelu(path: LayerPath, operand: Operand) -> None:
    path.activate(GELU(operand.node.text("approximate", "none")))


def _swish(path: LayerPath, operand: Operand) -> None:
    if (alpha := operand.node.number("alpha", 1.0)) != 1:
        raise ValueError(f"its alpha is {alpha:g}, and SiLU's is 1")
    path.activate(SiLU())


def _clip(path: LayerPath, operand: Operand) -> None:
    node = operand.node
    ends: list[float | None] = []
    for name, place in (("min", 1), ("max", 2)):
        given = operand.optional(place)
        if name in node.attributes:
            ends.append(node.number(name, 0.0))
        else:
            ends.append(None if given is None else float(given.reshape(-1)[0]))
    low, high = ends
    if low != 0 or (high is not None and high < np.finfo(np.float32).max):
        raise ValueError(f"clips to {low} to {high}, and ReLU from 0 on")
    path.activate(ReLU())


def _max(path: LayerPath, operand: Operand) -> None:
    if len(operand.node.inputs) != 2 or (operand.constant(1 - operand.place) != 0).any():
        raise ValueError("takes the larger of numbers, and ReLU compares with 0")
    path.activate(ReLU())


def _dropout(path: LayerPath, operand: Operand) -> None:
    training = operand.optional(2)
    if training is not None and training.any():
        raise ValueError("is in training mode, and only inference is imported")
    ratio = operand.optional(1)
    rate = operand.node.number("ratio", 0.5) if ratio is None else float(ratio.reshape(-1)[0])
    path.dropout(rate)


def _sum(path: LayerPath, operand: Operand) -> None:
    if len(operand.node.inputs) == 2:
        _arithmetic(path, operand)
    elif len(operand.node.inputs) > 2:
        raise ValueError(f"adds {len(operand.node.inputs)} values, and Residual adds 2")


def _cast(_path: LayerPath, operand: Operand) -> None:
    # FLOAT, FLOAT16, DOUBLE: numcnn computes in float32 anyway.
    if (to := operand.node.whole("to")) not in (1, 10, 11):
        raise ValueError(f"casts to type {to}, and numcnn's numbers are floats")


def _arithmetic(path: LayerPath, operand: Operand) -> None:
    """Add, Sub, Mul, Div with a constant, or of a value with itself."""
    node, kind = operand.node, operand.node.kind
    if len(node.inputs) != 2:
        raise ValueError(f"has {len(node.inputs)} inputs, and takes 2")
    if node.inputs[0] == node.inputs[1]:
        if kind not in ("Add", "Sum"):
            raise ValueError("takes the same value twice")
        path.scale(np.array(2.0))
        return
    constant = operand.constant(1 - operand.place).astype(np.float64)
    axis = node.whole("axis")
    if operand.opset < 7 and axis is not None and constant.ndim and node.whole("broadcast", 0):
        # What the constant's first axis is held against; the axes that follow are 1.
        places = len(path.layout.axes) + 1
        after = places - (axis % places) - constant.ndim
        constant = constant.reshape(*constant.shape, *(1 for _ in range(after)))
    is_first = operand.place == 0
    with np.errstate(all="ignore"):
        if kind in ("Add", "Sum"):
            path.shift(constant)
        elif kind == "Sub":
            if not is_first:
                path.scale(np.array(-1.0))
            path.shift(-constant if is_first else constant)
        elif kind == "Mul":
            path.scale(constant)
        elif is_first:
            path.scale(1 / constant)
        else:
            raise ValueError("divides a constant by the image")


def _transpose(path: LayerPath, operand: Operand) -> None:
    axes = len(path.layout.axes) + 1
    order = list(operand.node.wholes("perm") or range(axes)[::-1])
    if sorted(order) != list(range(axes)):
        raise ValueError(f"its perm {order} is not one of {axes} axes")
    if order[0]:
        raise ValueError("moves the batch's axis")
    path.transpose([place - 1 for place in order[1:]])


def _reshape(path: LayerPath, operand: Operand) -> None:
    if operand.node.whole("allowzero", 0):
        raise ValueError("has allowzero, with which no sizes are copied")
    wanted = operand.wholes("shape", 1) or []
    have = (BATCH, *path.layout.sizes)
    first, *rest = (
        have[place] if size == 0 and place < len(have) else size
        for place, size in enumerate(wanted or [0])
    )
    numbers, known = math.prod(have[1:]), math.prod(size for size in rest if size != -1)
    if rest.count(-1) == 1 and first != -1 and known > 0:
        rest = [numbers // known if size == -1 else size for size in rest]
    keeps_batch = first in (BATCH, -1) or first >= 1
    if not keeps_batch or not rest or min(rest) < 1 or math.prod(rest) != numbers:
        shown = ["batch" if size == BATCH else size for size in wanted]
        raise ValueError(f"its shape {shown} does not keep the batch's axis and the numbers")
    path.reshape(rest)


def _flatten(path: LayerPath, operand: Operand) -> None:
    axis = operand.node.whole("axis", 1) or 0
    if axis not in (1, -len(path.layout.axes)):
        raise ValueError(f"flattens from axis {axis} on, and Flatten from 1 on")
    path.reshape([math.prod(path.layout.sizes)])


def _squeeze(path: LayerPath, operand: Operand) -> None:
    axes = operand.wholes("axes", 1)
    sizes = path.layout.sizes
    rank = len(sizes) + 1
    if axes is None:
        gone = {place + 1 for place, size in enumerate(sizes) if size == 1}
    else:
        gone = {axis % rank for axis in axes}
    if 0 in gone or any(sizes[place - 1] != 1 for place in gone):
        raise ValueError(f"takes axes {axes} away, and they are the batch's or not of size 1")
    path.reshape([size for place, size in enumerate(sizes, 1) if place not in gone])


def _unsqueeze(path: LayerPath, operand: Operand) -> None:
    axes = operand.wholes("axes", 1) or []
    sizes = list(path.layout.sizes)
    rank = len(sizes) + 1 + len(axes)
    if len(axes) > 8:
        raise ValueError(f"adds {len(axes)} axes")
    for axis in sorted(axis % rank for axis in axes):
        if not axis:
            raise ValueError("adds an axis before the batch's")
        sizes.insert(axis - 1, 1)
    path.reshape(sizes)


def _pad(path: LayerPath, operand: Operand) -> None:
    node = operand.node
    pads = operand.wholes("pads", 1)
    if node.text("mode", "constant") != "constant":
        raise ValueError("pads with other numbers than zeros")
    value = operand.optional(2)
    fill = node.number("value", 0.0) if value is None else float(value.reshape(-1)[0])
    axes = operand.wholes("axes", 3)
    rank = len(path.layout.axes) + 1
    if not pads or len(pads) % 2:
        raise ValueError("has no pads for each axis")
    places = [axis % rank for axis in axes] if axes else list(range(len(pads) // 2))
    if len(places) * 2 != len(pads):
        raise ValueError("has no pads for each axis")
    by_axis = dict(
        zip(places, zip(pads[: len(places)], pads[len(places) :], strict=True), strict=True)
    )
    if not any(pads):
        return
    if fill != 0:
        raise ValueError(f"pads with {fill:g}, and convolutions with 0")
    if rank != 4 or not path.layout.is_channels_first:
        raise ValueError("pads what is no image (channels, height, width)")
    if any(any(by_axis.get(axis, (0, 0))) for axis in (0, 1)):
        raise ValueError("adds examples or channels")
    path.pad((by_axis.get(2, (0, 0)), by_axis.get(3, (0, 0))))


_EITHER_WAY = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Sum"})
"""Operators whose second input may be the one that depends on the image."""

OPERATORS: Mapping[str, Apply] = {
    "Add": _arithmetic,
    "AveragePool": _pool,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Conv": _conv,
    "Div": _arithmetic,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda path, _: path.global_average_pool(keeps_axes=True),
    "GlobalMaxPool": lambda path, _: path.global_max_pool(),
    "Identity": lambda _path, _operand: None,
    "LayerNormalization": _layer_normalization,
    "LeakyRelu": _leaky_relu,
    "LogSoftmax": _softmax,
    "MatMul": _mat_mul,
    "Max": _max,
    "MaxPool": _pool,
    "Mul": _arithmetic,
    "Neg": lambda path, _: path.scale(np.array(-1.0)),
    "PRelu": _p_relu,
    "Pad": _pad,
    "ReduceMean": _reduce_mean,
    "Relu": lambda path, _: path.activate(ReLU()),
    "Reshape": _reshape,
    "Sigmoid": lambda path, _: path.activate(Sigmoid()),
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "Sub": _arithmetic,
    "Sum": _sum,
    "Swish": _swish,
    "Tanh": lambda path, _: path.activate(Tanh()),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""The operators that a graph may have where it depends on the image."""
