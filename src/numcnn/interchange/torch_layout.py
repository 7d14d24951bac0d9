"""Where PyTorch keeps each number of a layer: other names, other axes, other features.

numcnn's images are ``(height, width, channels)``, PyTorch's ``(channels, height, width)``. So a
convolution's weight has its axes elsewhere, and the features of a flattened image come in another
order, which lasts until a dense layer has mixed them. ONNX follows PyTorch in all of this.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn import (
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LayerNorm,
    Normalization,
    Residual,
    Shape,
)
from numcnn.nn.layers.chain import Link

_STATISTICS = {"mean": "running_mean", "variance": "running_var"}
_SCALE = {"gamma": "weight", "beta": "bias"}


@final
@dataclass(frozen=True)
class TorchArray:
    """How PyTorch keeps one array of a layer.

    Attributes:
        name: What it is called there, such as ``running_var``.
        axes: Which of our axes stands at each place there.
        image: The image ``(height, width, channels)`` whose flattened features our first axis
            runs along, where PyTorch has them channel by channel; None if both have them alike.
    """

    name: str
    axes: tuple[int, ...]
    image: Shape | None = None

    def to_torch(self, array: NDArray[Any]) -> NDArray[Any]:
        """Put one of our arrays into PyTorch's order."""
        if self.image is not None:
            parts = array.reshape(*self.image, *array.shape[1:])
            array = np.moveaxis(parts, 2, 0).reshape(array.shape)
        return np.ascontiguousarray(array.transpose(self.axes))

    def from_torch(self, array: NDArray[Any]) -> NDArray[Any]:
        """Put one of PyTorch's arrays into our order."""
        array = array.transpose(tuple(np.argsort(self.axes)))
        if self.image is not None:
            height, width, channels = self.image
            parts = array.reshape(channels, height, width, *array.shape[1:])
            array = np.moveaxis(parts, 0, 2).reshape(array.shape)
        return np.ascontiguousarray(array)


def torch_arrays(layer: Layer, image: Shape | None) -> dict[str, TorchArray]:
    """How PyTorch keeps the arrays of a layer; see `order_after` for ``image``.

    Raises:
        ValueError: PyTorch has no such layer.
    """
    if isinstance(layer, Conv2D):
        kept = {"weight": TorchArray("weight", (3, 2, 0, 1)), "bias": TorchArray("bias", (0,))}
    elif isinstance(layer, Dense):
        kept = {"weight": TorchArray("weight", (1, 0), image), "bias": TorchArray("bias", (0,))}
    elif isinstance(layer, BatchNorm | LayerNorm):
        names = _SCALE | _STATISTICS
        kept = {ours: TorchArray(theirs, (0,), image) for ours, theirs in names.items()}
    elif isinstance(layer, Normalization):
        kept = {name: TorchArray(name, (0,), image) for name in ("mean", "variance")}
    elif layer.params or layer.state:
        raise ValueError(f"{type(layer).__name__} is no layer of PyTorch's; give other layers")
    else:
        kept = {}
    return {name: kept[name] for name in (*layer.params, *layer.state)}


def order_after(layer: Layer, input_shape: Shape, image: Shape | None) -> Shape | None:
    """Tell in which order PyTorch has the features after a layer.

    Args:
        layer: A built layer.
        input_shape: What reaches it, without the batch axis.
        image: What this function returned for the layer before; None at the start.

    Returns:
        The image that was flattened, if PyTorch has its features channel by channel; None if both
        have the features alike. Where the ways of a residual connection end in unlike orders, they
        have to be brought into ours before they are added.
    """
    if isinstance(layer, Flatten) and len(input_shape) == 3:
        height, width, channels = input_shape
        return input_shape if height * width > 1 and channels > 1 else None
    if isinstance(layer, Dense | GlobalAveragePool2D):
        return None
    if isinstance(layer, Residual):
        branch, shortcut = (_order_through(way.links(), input_shape, image) for way in layer.ways)
        return branch if branch == shortcut else None
    return image


def _order_through(links: Sequence[Link], shape: Shape, image: Shape | None) -> Shape | None:
    for link in links:
        image = order_after(link.layer, shape, image)
        shape = link.output_shape
    return image


@final
@dataclass(frozen=True)
class PlacedArray:
    """An array of a model: ours by name, and where it is in PyTorch.

    Attributes:
        layer: The layer's name in the model, such as ``residual_1.branch.conv2d_1``.
        key: The array's name in the layer, such as ``variance``.
        shape: Its shape here.
        is_optional: Whether PyTorch has no such layer, so that it may be missing there.
        torch: How PyTorch keeps it.
    """

    layer: str
    key: str
    shape: Shape
    is_optional: bool
    torch: TorchArray

    @property
    def torch_shape(self) -> Shape:
        """Its shape in PyTorch."""
        return tuple(self.shape[axis] for axis in self.torch.axes)


def placed_arrays(
    links: Sequence[Link], input_shape: Shape, *, is_one_network: bool = True
) -> list[PlacedArray]:
    """All arrays of a chain of built layers, in order.

    Args:
        links: The layers.
        input_shape: What reaches the first of them.
        is_one_network: Whether PyTorch's network adds the ways of residual connections as they
            come out, as one that was not made by numcnn does.

    Raises:
        ValueError: PyTorch has no such layer, or no such residual connection.
    """
    return _placed("", links, input_shape, None, is_one_network)


def _placed(
    prefix: str,
    links: Sequence[Link],
    shape: Shape,
    image: Shape | None,
    is_one_network: bool,
) -> list[PlacedArray]:
    found: list[PlacedArray] = []
    for link in links:
        layer, name = link.layer, f"{prefix}{link.name}"
        if isinstance(layer, Residual):
            ends = set()
            for place, way in zip(("branch", "shortcut"), layer.ways, strict=True):
                found += _placed(f"{name}.{place}.", way.links(), shape, image, is_one_network)
                ends.add(_order_through(way.links(), shape, image))
            if is_one_network and len(ends) > 1:
                raise ValueError(
                    f"{name}: its ways end in features of unlike order, which PyTorch would add "
                    "as they are; put a Dense layer after each Flatten"
                )
        else:
            arrays = {**layer.params, **layer.state}
            try:
                kept = torch_arrays(layer, image)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
            found += [
                PlacedArray(name, key, arrays[key].shape, isinstance(layer, Normalization), where)
                for key, where in kept.items()
            ]
        image = order_after(layer, shape, image)
        shape = link.output_shape
    return found


def from_torch_layout(
    links: Sequence[Link], input_shape: Shape, arrays: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Turn a state dict of PyTorch's into one of numcnn's.

    Layers are matched in order. Where that fails, as when a file has sorted them by name, each of
    ours takes the first of theirs, in natural order of the names (``conv2`` before ``conv10``),
    that has its arrays and shapes. ``num_batches_tracked`` is passed over.

    Args:
        links: The built layers that the arrays are for.
        input_shape: What reaches the first of them.
        arrays: By PyTorch's names, such as ``features.0.weight``.

    Returns:
        By our names and in our order. `Normalization`, which PyTorch does not have, is in it only
        if ``arrays`` have a ``mean`` and a ``variance`` for it.

    Raises:
        ValueError: The arrays do not fit the layers.
    """
    theirs: dict[str, dict[str, NDArray[Any]]] = {}
    for name, array in arrays.items():
        prefix, _, key = name.rpartition(".")
        if key != "num_batches_tracked":
            theirs.setdefault(prefix, {})[key] = np.asarray(array)
    ours: dict[str, list[PlacedArray]] = {}
    for placed in placed_arrays(links, input_shape):
        ours.setdefault(placed.layer, []).append(placed)
    return {
        f"{placed.layer}.{placed.key}": placed.torch.from_torch(theirs[prefix][placed.torch.name])
        for layer, prefix in _matched(ours, theirs).items()
        for placed in ours[layer]
    }


def _matched(
    ours: Mapping[str, list[PlacedArray]], theirs: Mapping[str, Mapping[str, NDArray[Any]]]
) -> dict[str, str]:
    """For each of our layers the prefix of PyTorch's arrays."""
    by_name = sorted(theirs, key=_natural)
    for prefixes in (list(theirs), by_name):
        matched = _in_order(ours, theirs, prefixes)
        if matched is not None:
            return matched
    left, matched = by_name, {}
    for layer, placed in ours.items():
        prefix = next((name for name in left if _fits(placed, theirs[name])), None)
        if prefix is not None:
            matched[layer] = prefix
            left = [name for name in left if name != prefix]
        elif not placed[0].is_optional:
            wanted = ", ".join(f"{each.torch.name} {each.torch_shape}" for each in placed)
            raise ValueError(
                f"arrays has none for {layer}, which needs {wanted}; left are {_told(left, theirs)}"
            )
    if left:
        raise ValueError(
            f"arrays has {_told(left, theirs)}, and no layer takes it; give the layers that the "
            "arrays were saved from"
        )
    return matched


def _in_order(
    ours: Mapping[str, list[PlacedArray]],
    theirs: Mapping[str, Mapping[str, NDArray[Any]]],
    prefixes: Sequence[str],
) -> dict[str, str] | None:
    """Match one to one, in order; None if they do not fit so."""
    matched: dict[str, str] = {}
    left = list(prefixes)
    for layer, placed in ours.items():
        if left and _fits(placed, theirs[left[0]]):
            matched[layer] = left.pop(0)
        elif not placed[0].is_optional:
            return None
    return None if left else matched


def _fits(placed: Sequence[PlacedArray], arrays: Mapping[str, NDArray[Any]]) -> bool:
    return {each.torch.name: each.torch_shape for each in placed} == {
        name: array.shape for name, array in arrays.items()
    }


def _told(prefixes: Sequence[str], theirs: Mapping[str, Mapping[str, NDArray[Any]]]) -> str:
    told = [
        f"{prefix}.{name} {array.shape}"
        for prefix in prefixes[:3]
        for name, array in theirs[prefix].items()
    ]
    return ", ".join(told[:6]) + (" ..." if len(prefixes) > 3 else "") if told else "none"


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts 2 before 10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(int(part[:18]), "") if part.isdecimal() else (-1, part) for part in parts]
