"""A network for PyTorch: its weights in safetensors, and a module in Python that takes them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from numcnn.atomic_file import atomic_file
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

WEIGHTS, MODULE = "weights.safetensors", "model.py"
"""The names of the files."""


def write_torch(folder: str | os.PathLike[str], model_file: ModelFile) -> None:
    """Write a model for PyTorch: ``weights.safetensors`` and ``model.py`` into a folder.

    ``model.py`` needs PyTorch and safetensors and nothing of numcnn's. Its ``load()`` returns an
    ``nn.Sequential`` in evaluation mode that takes raw pixels as floats, channels first,
    ``(batch, channels, height, width)``, and gives what `numcnn.nn.Sequential.outputs` gives,
    images channels first.

    Args:
        folder: Where the files go; missing folders are made.
        model_file: The model, with its class names.

    Raises:
        ValueError: The model is not built, or PyTorch has no such layer.
        OSError: A file cannot be written.
    """
    model = model_file.model
    module = _Module()
    image = module.chain("", model.links(), model.input_shape, None, 1)
    if image is not None:
        module.reorder("channels_last", image, 1)
    for name, text in (
        (WEIGHTS, save(module.arrays)),
        (MODULE, module.source(model, model_file.classes).encode()),
    ):
        with atomic_file(Path(folder) / name) as temporary:
            temporary.write_bytes(text)


@final
class _Module:
    """The lines of a module, and its arrays, while they grow."""

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self._lines: list[str] = []
        self._used: set[str] = set()

    def source(self, model: Sequential, classes: Sequence[str]) -> str:
        """The whole file."""
        shape = model.input_shape
        given = (shape[2], *shape[:2]) if len(shape) == 3 else shape
        return _HEAD.format(
            shape=", ".join(map(str, given)),
            classes=ascii(list(classes)),
            parts="".join(f"\n\n{_PARTS[name]}" for name in _PARTS if name in self._used),
            layers="\n".join(self._lines),
        )

    def chain(
        self, prefix: str, links: Sequence[Link], shape: Shape, image: Shape | None, depth: int
    ) -> Shape | None:
        """Add layers; return the order of the features (see `numcnn.interchange.torch_layout`)."""
        for link in links:
            name = f"{prefix}{link.name}"
            if isinstance(link.layer, Residual):
                self._residual(name, link.layer, shape, image, depth)
            else:
                self._layer(name, link.layer, shape, link.output_shape, image, depth)
            image = order_after(link.layer, shape, image)
            shape = link.output_shape
        return image

    def reorder(self, name: str, image: Shape, depth: int) -> None:
        """Bring the features of a flattened image into numcnn's order."""
        height, width, channels = image
        self._add(name, f"ChannelsLast({height}, {width}, {channels})", depth)

    def _add(self, name: str, text: str, depth: int) -> None:
        self._used.add(text.partition("(")[0])
        short = name.rpartition(".")[2]
        self._lines.append(f'{"    " * (depth + 2)}("{short}", {text}),')

    def _residual(
        self, name: str, layer: Residual, shape: Shape, image: Shape | None, depth: int
    ) -> None:
        self._used.add("Residual")
        pad = "    " * (depth + 2)
        short = name.rpartition(".")[2]
        self._lines.append(f'{pad}("{short}", Residual(')
        starts, ends = [], []
        for place, way in zip(("branch", "shortcut"), layer.ways, strict=True):
            self._lines.append(f"{pad}    OrderedDict([")
            starts.append(len(self._lines))
            ends.append(self.chain(f"{name}.{place}.", way.links(), shape, image, depth + 2))
            self._lines.append(f"{pad}    ]),")
        self._lines.append(f"{pad})),")
        if ends[0] != ends[1]:
            # Each way gets numcnn's order before they are added.
            stops = [starts[1] - 2, len(self._lines) - 2]
            for stop, end in sorted(zip(stops, ends, strict=True), key=lambda pair: -pair[0]):
                if end is not None:
                    self.reorder("channels_last", end, depth + 2)
                    self._lines.insert(stop, self._lines.pop())

    def _layer(
        self,
        name: str,
        layer: Layer,
        shape: Shape,
        output_shape: Shape,
        image: Shape | None,
        depth: int,
    ) -> None:
        is_image = len(shape) == 3
        if isinstance(layer, Conv2D):
            size, stride, padding = self._window(name, layer.window, shape, "0.0", depth)
            self._add(
                name,
                f"nn.Conv2d({shape[2]}, {layer.filters}, {size}, {stride}, {padding}, "
                f"bias={layer.use_bias})",
                depth,
            )
        elif isinstance(layer, MaxPool2D):
            size, stride, padding = self._window(name, layer.window, shape, '-float("inf")', depth)
            self._add(name, f"nn.MaxPool2d({size}, {stride}, {padding})", depth)
        elif isinstance(layer, AveragePool2D):
            (top, bottom), (left, right) = layer.window.margins(shape)
            size, stride = layer.window.size, layer.window.stride
            text = f"AveragePool({size}, {stride}, ({left}, {right}, {top}, {bottom}))"
            if (top, left) == (bottom, right):
                text = f"nn.AvgPool2d({size}, {stride}, {(top, left)}, count_include_pad=False)"
            self._add(name, text, depth)
        elif isinstance(layer, GlobalAveragePool2D):
            self._add(f"{name}_mean", "nn.AdaptiveAvgPool2d(1)", depth)
            self._add(name, "nn.Flatten()", depth)
        elif isinstance(layer, Dense):
            text = f"nn.Linear({shape[0]}, {layer.units}, bias={layer.use_bias})"
            self._add(name, text, depth)
        elif isinstance(layer, BatchNorm):
            if not is_image and len(shape) > 1:
                raise ValueError(
                    f"{name} normalizes the last axis of {shape}, and PyTorch's BatchNorm the "
                    "first; export to ONNX instead"
                )
            kind = "BatchNorm2d" if is_image else "BatchNorm1d"
            self._add(
                name,
                f"nn.{kind}({shape[-1]}, eps={layer.epsilon!r}, momentum={1 - layer.momentum!r})",
                depth,
            )
            self.arrays[f"{name}.num_batches_tracked"] = np.zeros((), np.int64)
        elif isinstance(layer, LayerNorm):
            kind = "ChannelNorm" if is_image else "nn.LayerNorm"
            self._add(name, f"{kind}({shape[-1]}, eps={layer.epsilon!r})", depth)
        elif isinstance(layer, Normalization):
            axes = (shape[-1], 1, 1) if is_image else (shape[-1],)
            self._add(name, f"Normalization({axes})", depth)
        elif isinstance(layer, Rescaling):
            self._add(name, f"Rescaling({layer.scale!r}, {layer.offset!r})", depth)
        elif isinstance(layer, Dropout):
            self._add(name, f"nn.Dropout({layer.rate!r})", depth)
        elif isinstance(layer, Softmax):
            self._add(name, f"nn.Softmax(dim={1 if is_image else -1})", depth)
        elif isinstance(layer, LeakyReLU):
            self._add(name, f"nn.LeakyReLU({layer.negative_slope!r})", depth)
        elif isinstance(layer, GELU):
            self._add(name, f'nn.GELU(approximate="{layer.approximate}")', depth)
        elif isinstance(layer, Flatten | ReLU | Sigmoid | SiLU | Tanh):
            self._add(name, f"nn.{type(layer).__name__}()", depth)
        else:
            raise ValueError(
                f"{name} is a layer of your own, {type(layer).__name__}, and PyTorch has no such "
                "module; export a model without it"
            )
        arrays = {**layer.params, **layer.state}
        for key, where in torch_arrays(layer, image).items():
            array = where.to_torch(np.asarray(arrays[key], np.float32))
            self.arrays[f"{name}.{where.name}"] = array

    def _window(
        self, name: str, window: Window, shape: Shape, fill: str, depth: int
    ) -> tuple[Any, Any, Any]:
        """Size, stride and padding; what PyTorch cannot pad becomes a module before."""
        (top, bottom), (left, right) = window.margins(shape)
        if (top, left) == (bottom, right):
            return window.size, window.stride, (top, left)
        text = f"nn.ConstantPad2d(({left}, {right}, {top}, {bottom}), {fill})"
        self._add(f"{name}_padding", text, depth)
        return window.size, window.stride, (0, 0)


_HEAD = '''"""A network for PyTorch, written by numcnn: ``network = load()``.

It takes raw pixels as floats, ``(batch, {shape})``.
"""

from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

CLASSES = {classes}{parts}


def build():
    """Make the network, its weights not yet loaded."""
    return nn.Sequential(
        OrderedDict([
{layers}
        ])
    )


def load(path=Path(__file__).with_name("weights.safetensors")):
    """Make the network with its weights, for inference."""
    network = build()
    network.load_state_dict(load_file(path))
    return network.eval()
'''

_PARTS: Mapping[str, str] = {
    "Rescaling": '''class Rescaling(nn.Module):
    """Multiply, then add."""

    def __init__(self, scale, offset):
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x):
        return x * self.scale + self.offset''',
    "Normalization": '''class Normalization(nn.Module):
    """Standardize with fixed statistics."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(shape[0]))
        self.register_buffer("variance", torch.ones(shape[0]))

    def forward(self, x):
        mean, variance = self.mean.reshape(self.shape), self.variance.reshape(self.shape)
        return (x - mean) / torch.sqrt(variance)''',
    "ChannelNorm": '''class ChannelNorm(nn.LayerNorm):
    """Normalize the channels of each pixel."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)''',
    "AveragePool": '''class AveragePool(nn.Module):
    """The mean of each window over the pixels that are in the image."""

    def __init__(self, size, stride, padding):
        super().__init__()
        self.size, self.stride, self.padding = size, stride, padding

    def forward(self, x):
        pixels, ones = (
            functional.avg_pool2d(functional.pad(image, self.padding), self.size, self.stride)
            for image in (x, torch.ones_like(x[:1, :1]))
        )
        return pixels / ones''',
    "ChannelsLast": '''class ChannelsLast(nn.Module):
    """Flattened images, pixel by pixel instead of channel by channel."""

    def __init__(self, height, width, channels):
        super().__init__()
        self.sizes = channels, height, width

    def forward(self, x):
        return x.unflatten(1, self.sizes).movedim(1, -1).flatten(1)''',
    "Residual": '''class Residual(nn.Module):
    """The sum of two ways."""

    def __init__(self, branch, shortcut):
        super().__init__()
        self.branch, self.shortcut = nn.Sequential(branch), nn.Sequential(shortcut)

    def forward(self, x):
        return self.branch(x) + self.shortcut(x)''',
}
