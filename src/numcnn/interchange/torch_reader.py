"""Networks of PyTorch's as numcnn's: modules, and files of weights."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from numcnn.interchange.axis_layout import AxisLayout
from numcnn.interchange.layer_path import LayerPath, Margins, Number, Weights
from numcnn.interchange.preprocessing import Preprocessing
from numcnn.model_files.array_file import MOST_HEADER_BYTES
from numcnn.nn import (
    GELU,
    LeakyReLU,
    Normalization,
    ReLU,
    Rescaling,
    Sequential,
    Shape,
    Sigmoid,
    SiLU,
    Tanh,
)
from numcnn.nn.validation import whole

MOST_ARRAYS = 100_000
"""Arrays in a file."""

_PICKLES = ".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt"


def from_torch(
    module: Any, input_shape: Shape, preprocessing: Preprocessing | None = None
) -> Sequential:
    """Turn an ``nn.Sequential`` of PyTorch's into a network with the same weights.

    Known are Conv2d, Linear, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1), BatchNorm1d and 2d,
    LayerNorm, Flatten, Dropout, Identity, ZeroPad2d, ReLU, LeakyReLU, Sigmoid, Tanh, SiLU, GELU,
    Softmax and LogSoftmax, and Sequential in Sequential. A last softmax is left out, as in
    `numcnn.interchange.read_onnx`. What is no chain goes by way of ONNX: ``torch.onnx.export``.

    Args:
        module: The module. It stays as it is.
        input_shape: numcnn's, without the batch axis: ``(height, width, channels)`` or
            ``(features,)``.
        preprocessing: How raw pixels become what the module takes; if None, it takes them as they
            are.

    Returns:
        The network, built. Images go in and come out channels last.

    Raises:
        ValueError: A module is not known, or no layer does what it does; the message has its name.
    """
    shape = tuple(whole("input_shape", size) for size in input_shape)
    layout = AxisLayout.channels_first(shape) if len(shape) == 3 else AxisLayout.same(shape)
    numbers = sum(parameter.numel() for parameter in module.parameters())
    path = LayerPath(layout, Weights(1_000_000 + 8 * numbers))
    if preprocessing is not None:
        path.standardize(*preprocessing.scale_and_shift())
    for name, part in _leaves("", module):
        kind = type(part).__name__
        try:
            if kind not in _MODULES:
                raise ValueError("no layer does this; for other networks, use torch.onnx.export")
            _MODULES[kind](path, part)
        except ValueError as error:
            raise ValueError(f"module {name or 'itself'!r} ({kind}): {error}") from error
    return path.finish()


def _leaves(name: str, module: Any) -> Any:
    if type(module).__name__ != "Sequential":
        yield name, module
        return
    for key, part in module.named_children():
        yield from _leaves(f"{name}.{key}" if name else key, part)


def _array(tensor: Any) -> NDArray[np.float32] | None:
    """A parameter as an array of our own; None if the module has none."""
    return None if tensor is None else np.array(tensor.detach().cpu().float().numpy())


def _numbers(tensor: Any) -> NDArray[np.float32]:
    array = _array(tensor)
    if array is None:
        raise ValueError("has no parameters or statistics; make it with affine and statistics")
    return array


def _pair(value: Any) -> tuple[int, int]:
    first, second = value if isinstance(value, tuple | list) else (value, value)
    return int(first), int(second)


def _margins(value: Any) -> Margins:
    rows, columns = _pair(value)
    return (rows, rows), (columns, columns)


def _conv(path: LayerPath, part: Any) -> None:
    if part.groups != 1:
        raise ValueError(f"has {part.groups} groups, and Conv2D has none")
    if part.padding_mode != "zeros":
        raise ValueError(f"pads with {part.padding_mode}, and Conv2D with zeros")
    stride, dilation = _pair(part.stride), _pair(part.dilation)
    if part.padding == "same":
        missing = [
            apart * (size - 1) for size, apart in zip(part.kernel_size, dilation, strict=True)
        ]
        rows, columns = ((total // 2, total - total // 2) for total in missing)
        margins = rows, columns
    else:
        margins = _margins(0 if part.padding == "valid" else part.padding)
    path.convolve(_numbers(part.weight), _array(part.bias), stride, margins, dilation)


def _linear(path: LayerPath, part: Any) -> None:
    path.dense(_numbers(part.weight).T, _array(part.bias))


def _max_pool(path: LayerPath, part: Any) -> None:
    if _pair(part.dilation) != (1, 1) or part.return_indices:
        raise ValueError("has a dilation, or returns indices, and MaxPool2D does neither")
    path.max_pool(
        _pair(part.kernel_size),
        _pair(part.stride),
        _margins(part.padding),
        ceil=part.ceil_mode,
    )


def _average_pool(path: LayerPath, part: Any) -> None:
    if part.divisor_override:
        raise ValueError("has a divisor of its own, and AveragePool2D divides by the pixels")
    path.average_pool(
        _pair(part.kernel_size),
        _pair(part.stride),
        _margins(part.padding),
        ceil=part.ceil_mode,
        counts_margins=part.count_include_pad,
    )


def _adaptive_average_pool(path: LayerPath, part: Any) -> None:
    if part.output_size not in (1, (1, 1)):
        raise ValueError(f"its output_size is {part.output_size}, and GlobalAveragePool2D's is 1")
    path.global_average_pool(keeps_axes=True)


def _batch_norm(path: LayerPath, part: Any) -> None:
    # None means the mean of all batches so far, which is slower than any usual momentum.
    momentum = 0.1 if part.momentum is None else part.momentum
    path.batch_norm(
        *(_numbers(part.weight), _numbers(part.bias)),
        *(_numbers(part.running_mean), _numbers(part.running_var)),
        epsilon=part.eps,
        momentum=1 - momentum if 0 < momentum <= 1 else 0.9,
    )


def _layer_norm(path: LayerPath, part: Any) -> None:
    if len(part.normalized_shape) != 1:
        raise ValueError(f"normalizes {len(part.normalized_shape)} axes, and LayerNorm the last")
    path.layer_norm(_numbers(part.weight), _array(part.bias), epsilon=part.eps)


def _flatten(path: LayerPath, part: Any) -> None:
    if part.start_dim != 1 or part.end_dim not in (-1, len(path.layout.axes)):
        raise ValueError("flattens other axes than all of an example")
    sizes = path.layout.sizes
    path.reshape([int(np.prod(sizes))])


def _softmax(path: LayerPath, part: Any) -> None:
    axes = len(path.layout.axes)
    place = 1 if part.dim is None else part.dim
    place = place - 1 if place >= 0 else axes + place
    if not 0 <= place < axes:
        raise ValueError(f"works along axis {part.dim}, which is the batch's or none")
    path.softmax(place, is_log=type(part).__name__ == "LogSoftmax")


def _zero_pad(path: LayerPath, part: Any) -> None:
    left, right, top, bottom = part.padding
    path.pad(((top, bottom), (left, right)))


_MODULES: Mapping[str, Callable[[LayerPath, Any], None]] = {
    "AdaptiveAvgPool2d": _adaptive_average_pool,
    "AvgPool2d": _average_pool,
    "BatchNorm1d": _batch_norm,
    "BatchNorm2d": _batch_norm,
    "Conv2d": _conv,
    "Dropout": lambda path, part: path.dropout(part.p),
    "Flatten": _flatten,
    "GELU": lambda path, part: path.activate(GELU(part.approximate)),
    "Identity": lambda _path, _part: None,
    "LayerNorm": _layer_norm,
    "LeakyReLU": lambda path, part: path.activate(LeakyReLU(part.negative_slope)),
    "Linear": _linear,
    "LogSoftmax": _softmax,
    "MaxPool2d": _max_pool,
    "ReLU": lambda path, _: path.activate(ReLU()),
    "SiLU": lambda path, _: path.activate(SiLU()),
    "Sigmoid": lambda path, _: path.activate(Sigmoid()),
    "Softmax": _softmax,
    "Tanh": lambda path, _: path.activate(Tanh()),
    "ZeroPad2d": _zero_pad,
}


def with_weights(
    network: Sequential,
    input_shape: Shape,
    arrays: Mapping[str, NDArray[Any]],
    preprocessing: Preprocessing | None = None,
) -> Sequential:
    """Give PyTorch's weights to a network, and the preprocessing that they were trained with.

    Args:
        network: The architecture, not built. What it begins with to prepare pixels is left out,
            unless ``arrays`` have statistics for it, as those of `numcnn.interchange.write_torch`.
        input_shape: ``(height, width, channels)`` or ``(features,)``.
        arrays: By PyTorch's names; see `numcnn.interchange.torch_layout`.
        preprocessing: How raw pixels become what the weights were trained on.

    Returns:
        A network of its own, built.

    Raises:
        ValueError: The arrays are not the network's, or the preprocessing does not fit.
    """
    layers = list(Sequential.from_config(network.config()).layers)
    if not any(name.endswith(".variance") for name in arrays):
        while layers and isinstance(layers[0], Rescaling | Normalization):
            layers.pop(0)
        scale, shift = (preprocessing or Preprocessing()).scale_and_shift()
        if isinstance(scale, float) and isinstance(shift, float):
            if (scale, shift) != (1, 0):
                layers.insert(0, Rescaling(scale, shift))
        else:
            layers.insert(0, _standardization(scale, shift, input_shape[-1]))
    elif preprocessing not in (None, Preprocessing()):
        raise ValueError("arrays has a preprocessing of its own; give none beside it")
    model = Sequential(layers)
    model.build(input_shape)
    model.load_state_dict(arrays, layout="torch")
    return model


def _standardization(scale: Number, shift: Number, channels: int) -> Normalization:
    layer = Normalization()
    for number in (scale, shift):
        if np.size(number) not in (1, channels):
            raise ValueError(
                f"mean and std have {np.size(number)} numbers for {channels} channels; give one "
                "for each"
            )
    layer.state = {
        "mean": np.broadcast_to(-shift / scale, (channels,)).astype(np.float32),
        "variance": np.broadcast_to(1 / np.square(scale), (channels,)).astype(np.float32),
    }
    return layer


def read_torch_weights(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read the weights of a safetensors file, for ``load_state_dict(..., layout="torch")``.

    Args:
        path: The file, from anybody. A pickle, such as a ``.pt`` file, is not read: opening one can
            run any program.

    Returns:
        Float arrays by name, as float32.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no safetensors file, is damaged, or exceeds a limit; or it is a pickle,
            and the message says how to get out of it.
    """
    file = Path(path)
    if file.suffix.lower() in _PICKLES:
        raise ValueError(
            f"{path}: a {file.suffix} file is a pickle, which can run any program when it is "
            "opened; in PyTorch, write the weights with safetensors.torch.save_file("
            "module.state_dict(), 'weights.safetensors')"
        )
    if not file.exists():
        raise FileNotFoundError(f"{path}: there is no such file")
    if not file.is_file():
        raise ValueError(f"{path}: not a file; give a safetensors file")
    with file.open("rb") as raw:
        header = int.from_bytes(raw.read(8), "little")
    if MOST_HEADER_BYTES < header <= file.stat().st_size:
        raise ValueError(
            f"{path}: its header has {header:,} bytes; the limit is {MOST_HEADER_BYTES:,}"
        )
    try:
        with safe_open(path, framework="numpy") as content:
            names = list(content.keys())
            if len(names) > MOST_ARRAYS:
                raise ValueError(f"it has more than {MOST_ARRAYS:,} arrays")
            arrays = {name: content.get_tensor(name) for name in names}
    except (SafetensorError, TypeError, KeyError, AttributeError, ValueError) as error:
        # TypeError and AttributeError: number types that NumPy does not have, such as bfloat16.
        raise ValueError(
            f"{path}: not a readable safetensors file of floats, or cut off ({error}); save it "
            "again, with module.float()"
        ) from error
    found = {}
    for name, array in arrays.items():
        if name.rpartition(".")[2] == "num_batches_tracked":
            continue
        if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
            raise ValueError(f"{path}: {name} is not an array of finite floats")
        found[name] = array.astype(np.float32)
    return found
