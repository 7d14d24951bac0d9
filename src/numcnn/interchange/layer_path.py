"""Layers put together for what another program's operators compute, one operator after another."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.interchange.axis_layout import AxisLayout
from numcnn.interchange.window_fit import Span, fitted_kernel, fitted_padding
from numcnn.model_files.architecture import MOST_ACTIVATIONS, build_described
from numcnn.nn import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LayerNorm,
    MaxPool2D,
    Normalization,
    Rescaling,
    Residual,
    Sequential,
    Shape,
    Softmax,
)
from numcnn.nn.layers import LAYERS
from numcnn.nn.patches import Window

Number = float | NDArray[np.float64]
"""One number, or one for each of numcnn's channels or features."""

_NO_EPSILON = 1e-30
"""As good as none: added to 1 in float32, it is lost."""

Margins = tuple[tuple[int, int], tuple[int, int]]
"""What an image is surrounded with: (rows above, below), (columns left, right)."""

NO_MARGINS: Margins = ((0, 0), (0, 0))


@final
class Weights:
    """The arrays of the layers, and how many numbers they may have.

    A small file may use the same weights again and again, and a kernel may have to grow.
    """

    def __init__(self, most: int) -> None:
        self._left = self._most = most
        self._of: dict[Layer, dict[str, NDArray[np.float32]]] = {}

    def require(self, numbers: int) -> None:
        """Take numbers from what is allowed.

        Raises:
            ValueError: That is more than what is left.
        """
        self._left -= numbers
        if self._left < 0:
            raise ValueError(
                f"the layers need more than {self._most:,} weights, many times what the file holds"
            )

    def put(self, layer: Layer, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep a layer's arrays.

        Raises:
            ValueError: A number is not finite, or a variance is negative.
        """
        kept = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
        for name, array in kept.items():
            if not np.isfinite(array).all():
                raise ValueError(f"its {name} has numbers that are not finite")
            if name == "variance" and (array < 0).any():
                raise ValueError("its variance has numbers below 0")
        self._of[layer] = kept

    def of(self, layer: Layer) -> dict[str, NDArray[np.float32]]:
        """A layer's arrays."""
        return self._of.get(layer, {})


@final
class LayerPath:
    """A chain of layers that grows, and where another program's value lies in what it makes.

    Each method stands for an operator, and raises a ValueError that says why it cannot be had.
    Shifts and scales with constants are collected and become one layer: a bias, `Rescaling`,
    `Normalization`, or a `BatchNorm` of which only scale and shift are used.

    Attributes:
        layout: Their value, in what the layers make.
        layers: The layers so far, not built.
    """

    def __init__(self, layout: AxisLayout, weights: Weights, *, is_entrance: bool = True) -> None:
        self.layout = layout
        self.input_shape = layout.shape
        self.layers: list[Layer] = []
        self._weights = weights
        self._is_entrance = is_entrance
        self._scale: Number = 1.0
        self._shift: Number = 0.0
        self._margins = NO_MARGINS
        self._is_log = False
        self._require_small()

    # What moves no number.

    def transpose(self, order: Sequence[int]) -> None:
        """Reorder their axes; those of an example are counted from 0."""
        self._require_no_margins()
        self.layout = self.layout.transposed(order)

    def reshape(self, sizes: Sequence[int]) -> None:
        """Give them other axes of the same numbers."""
        self._require_no_margins()
        shape = tuple(sizes)
        if self._is_row_of_pixels() and len(shape) == 3:
            # Made an image at once: then the model takes images.
            self._require_equal_counts(shape)
            is_first = shape[0] in (1, 3, 4)
            self.input_shape = (*shape[1:], shape[0]) if is_first else shape
            kind = AxisLayout.channels_first if is_first else AxisLayout.same
            self.layout = kind(self.input_shape)
            return
        self._require_equal_counts(shape)
        self.layout = self.layout.reshaped(shape)

    # What numcnn has layers for.

    def convolve(
        self,
        weight: NDArray[Any],
        bias: NDArray[Any] | None,
        stride: tuple[int, int],
        margins: Margins,
        dilation: tuple[int, int] = (1, 1),
    ) -> None:
        """Convolve.

        Args:
            weight: ``(filters, channels, height, width)``.
            bias: ``(filters,)``.
            stride: Rows and columns.
            margins: What the image is surrounded with, zeros.
            dilation: Rows and columns from one cell of the kernel to the next. Such a kernel
                becomes one with zeros in between.
        """
        self._settle(keeps_margins=True)
        (above, below), (left, right) = self._margins
        self._margins = NO_MARGINS
        margins = (
            (margins[0][0] + above, margins[0][1] + below),
            (margins[1][0] + left, margins[1][1] + right),
        )
        if weight.ndim != 4:
            raise ValueError(f"its kernel has {weight.ndim - 2} dimensions, and Conv2D's has 2")
        filters, channels, *size = weight.shape
        if self._is_pixel() and margins == NO_MARGINS and size == [1, 1]:
            self._require_inputs(channels, self.layout.shape[0])
            self.dense(weight[:, :, 0, 0].T, bias, is_pixel=True)
            return
        shape = self._image()
        self._require_inputs(channels, shape[2])
        spans = [
            Span(shape[axis], size[axis], stride[axis], *margins[axis], dilation[axis])
            for axis in (0, 1)
        ]
        padding, growth = fitted_kernel(spans)
        full = [
            before + (length - 1) * apart + 1 + after
            for (before, after), length, apart in zip(growth, size, dilation, strict=True)
        ]
        numbers = filters * channels * math.prod(full)
        self._weights.require(numbers + filters)
        kernel = np.zeros((*full, channels, filters), np.float32)
        inner = tuple(
            slice(before, before + (length - 1) * apart + 1, apart)
            for (before, _), length, apart in zip(growth, size, dilation, strict=True)
        )
        kernel[inner] = weight.transpose(2, 3, 1, 0)
        layer = Conv2D(filters, (full[0], full[1]), stride, padding, use_bias=bias is not None)
        arrays = {"weight": kernel} | ({} if bias is None else {"bias": bias.reshape(-1)})
        self._put(layer, arrays, AxisLayout.channels_first(self._windowed(layer.window, filters)))

    def max_pool(
        self, size: tuple[int, int], stride: tuple[int, int], margins: Margins, *, ceil: bool
    ) -> None:
        """Take the largest of each window; what surrounds the image does not count."""
        self._pool(MaxPool2D, size, stride, margins, ceil=ceil)

    def average_pool(
        self,
        size: tuple[int, int],
        stride: tuple[int, int],
        margins: Margins,
        *,
        ceil: bool,
        counts_margins: bool,
    ) -> None:
        """Take the mean of each window, with or without what surrounds the image."""
        if counts_margins and margins != NO_MARGINS:
            raise ValueError("its mean counts the padding, and AveragePool2D's does not")
        self._pool(AveragePool2D, size, stride, margins, ceil=ceil)

    def _pool(
        self,
        kind: type[MaxPool2D | AveragePool2D],
        size: tuple[int, int],
        stride: tuple[int, int],
        margins: Margins,
        *,
        ceil: bool,
    ) -> None:
        self._settle()
        shape = self._image()
        spans = [
            Span(shape[axis], size[axis], stride[axis], *margins[axis], is_ceil=ceil)
            for axis in (0, 1)
        ]
        layer = kind(size, stride, fitted_padding(spans))
        self._put(layer, {}, AxisLayout.channels_first(self._windowed(layer.window, shape[2])))

    def global_max_pool(self) -> None:
        """Take the largest of each channel."""
        self._settle()
        height, width, channels = self._image()
        self._put(MaxPool2D((height, width)), {}, AxisLayout.channels_first((1, 1, channels)))

    def global_average_pool(self, *, keeps_axes: bool) -> None:
        """Take the mean of each channel."""
        self._settle()
        if self._is_pixel():
            # Of one number it is that number.
            if not keeps_axes:
                self.layout = AxisLayout.same(self.layout.shape)
            return
        *_, channels = self._image(any_order=True)
        layout = AxisLayout.same((channels,))
        if keeps_axes:
            is_first = self.layout.is_channels_first
            layout = layout.reshaped((channels, 1, 1) if is_first else (1, 1, channels))
        self._put(GlobalAveragePool2D(), {}, layout)

    def dense(
        self, weight: NDArray[Any], bias: NDArray[Any] | None, *, is_pixel: bool = False
    ) -> None:
        """Multiply with a matrix ``(inputs, units)``, and add a bias ``(units,)``."""
        self._settle()
        if weight.ndim != 2:
            raise ValueError(f"its matrix has the shape {_shown(weight.shape)}")
        if len(self.layout.axes) != 1 and not is_pixel:
            raise ValueError(
                f"Dense takes one row an example, and gets {_shown(self.layout.sizes)}"
            )
        inputs, units = weight.shape
        self._require_inputs(inputs, math.prod(self.layout.sizes))
        self._weights.require(weight.size + units)
        places = self._flat_places()
        ours = np.empty(weight.shape, np.float32)
        ours[places] = weight
        arrays = {"weight": ours}
        if bias is not None:
            arrays["bias"] = np.broadcast_to(bias.reshape(-1), (units,))
        layout = AxisLayout.same((units,))
        if is_pixel:
            layout = layout.reshaped((units, 1, 1))
        self._put(Dense(units, use_bias=bias is not None), arrays, layout)

    def batch_norm(
        self,
        gamma: NDArray[Any],
        beta: NDArray[Any],
        mean: NDArray[Any],
        variance: NDArray[Any],
        *,
        epsilon: float,
        momentum: float,
    ) -> None:
        """Normalize by running statistics; the features are on their first axis."""
        self._settle()
        arrays = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}
        self._put(BatchNorm(momentum, epsilon), self._by_feature(arrays, 0), self.layout)

    def layer_norm(self, gamma: NDArray[Any], beta: NDArray[Any] | None, *, epsilon: float) -> None:
        """Normalize each example's features, on their last axis."""
        self._settle()
        arrays = {"gamma": gamma, "beta": np.zeros(gamma.shape) if beta is None else beta}
        place = len(self.layout.axes) - 1
        self._put(LayerNorm(epsilon), self._by_feature(arrays, place), self.layout)

    def activate(self, layer: Layer) -> None:
        """Apply a function to each number."""
        self._settle()
        self._put(layer, {}, self.layout)

    def softmax(self, place: int, *, is_log: bool = False) -> None:
        """Apply the softmax, or its logarithm, over one of their axes."""
        self._settle()
        self._features(place)
        self._put(Softmax(), {}, self.layout)
        self._is_log = is_log

    def softmax_of_all(self) -> None:
        """Apply the softmax over all numbers of an example."""
        self._settle()
        if math.prod(self.layout.shape) != self.layout.shape[-1]:
            self._flatten()
        self._put(Softmax(), {}, self.layout)

    def dropout(self, rate: float) -> None:
        """Drop out in training."""
        self._settle()
        if 0 <= rate < 1:
            self._put(Dropout(rate), {}, self.layout)

    def pad(self, margins: Margins) -> None:
        """Surround the image with zeros, for the convolution that follows."""
        if margins == NO_MARGINS:
            return
        self._settle()
        self._image()
        self._margins = margins

    # Constants.

    def scale(self, factor: NDArray[Any]) -> None:
        """Multiply with a constant that is broadcast against their value."""
        self._affine(factor, np.zeros(()))

    def shift(self, term: NDArray[Any]) -> None:
        """Add such a constant."""
        self._affine(np.ones(()), term)

    def standardize(self, scale: Number, shift: Number) -> None:
        """Multiply and add numbers of numcnn's channels, before anything else."""
        channels = self.layout.shape[-1]
        for number in (scale, shift):
            if isinstance(number, np.ndarray) and number.shape != (channels,):
                raise ValueError(
                    f"mean and std have {number.size} numbers for {channels} channels; give one "
                    "for each"
                )
        self._scale, self._shift = scale, shift

    def _affine(self, factor: NDArray[Any], term: NDArray[Any]) -> None:
        self._require_no_margins()
        scale, shift = (self._by_channel(array) for array in (factor, term))
        self._scale = self._scale * scale
        self._shift = self._shift * scale + shift

    def _by_channel(self, array: NDArray[Any]) -> Number:
        """A constant as one number, or one for each of numcnn's channels or features."""
        axes = len(self.layout.axes)
        if array.ndim > axes + 1 or (array.ndim == axes + 1 and array.shape[0] != 1):
            raise ValueError(f"its constant of {_shown(array.shape)} differs between examples")
        if array.ndim == axes + 1:
            array = array[0]
        sizes = (1,) * (axes - array.ndim) + array.shape
        array = np.asarray(array, np.float64).reshape(sizes)
        for mine, theirs in zip(sizes, self.layout.sizes, strict=True):
            if mine not in (1, theirs):
                raise ValueError(
                    f"its constant of {_shown(sizes)} does not fit {_shown(self.layout.sizes)}"
                )
        if array.size == 1 or (array == array.flat[0]).all():
            return float(array.flat[0])
        varying = [place for place, size in enumerate(sizes) if size > 1]
        if len(varying) > 1:
            raise ValueError(
                f"its constant of {_shown(sizes)} differs along several axes, and no layer adds "
                "or multiplies an image"
            )
        return self._by_feature({"": array.reshape(-1)}, varying[0])[""]

    def _settle(self, *, keeps_margins: bool = False) -> None:
        """Make a layer of the shifts and scales so far."""
        if not keeps_margins:
            self._require_no_margins()
        if self._is_log:
            raise ValueError("comes after a logarithm of softmax, which no layer has")
        scale, shift = self._scale, self._shift
        self._scale, self._shift = 1.0, 0.0
        if np.all(scale == 1) and np.all(shift == 0):
            return
        if not (np.isfinite(scale).all() and np.isfinite(shift).all()):
            raise ValueError("comes after constants that are not finite")
        last = self.layers[-1] if self.layers else None
        if isinstance(last, Conv2D | Dense) and np.all(scale == 1):
            self._add_to_bias(last, shift)
            return
        if isinstance(scale, float) and isinstance(shift, float) and scale:
            self._put(Rescaling(scale, shift), {}, self.layout)
            return
        features = self.layout.shape[-1]
        self._weights.require(4 * features)
        scales, shifts = (np.broadcast_to(value, (features,)) for value in (scale, shift))
        is_entrance = self._is_entrance and all(
            isinstance(layer, Rescaling) for layer in self.layers
        )
        if is_entrance and (scales > 0).all():
            arrays = {"mean": -shifts / scales, "variance": 1 / scales**2}
            self._put(Normalization(), arrays, self.layout)
        else:
            zeros, ones = np.zeros(features), np.ones(features)
            arrays = {"gamma": scales, "beta": shifts, "mean": zeros, "variance": ones}
            self._put(BatchNorm(epsilon=_NO_EPSILON), arrays, self.layout)

    def _add_to_bias(self, layer: Conv2D | Dense, shift: Number) -> None:
        arrays = self._weights.of(layer)
        units = layer.filters if isinstance(layer, Conv2D) else layer.units
        bias = arrays.get("bias", np.zeros(units, np.float32)) + shift
        self.layers[-1] = replace(layer, use_bias=True)
        self._weights.put(self.layers[-1], {"weight": arrays["weight"], "bias": bias})

    # Ways around.

    def fork(self) -> "LayerPath":
        """Begin a way from here to a sum."""
        self._settle()
        return LayerPath(self.layout, self._weights, is_entrance=False)

    def join(self, one: "LayerPath", other: "LayerPath") -> None:
        """Add what two ways from here come to."""
        one._settle()
        other._settle()
        for way, around in ((one, other), (other, one)):
            if len(way.layout.shape) > 1 == len(around.layout.shape):
                way._flatten()
        if one.layout != other.layout:
            shown = (_shown(way.layout.sizes) for way in (one, other))
            raise ValueError(
                f"adds {' and '.join(shown)}, or the same in another order, and Residual adds "
                "equal shapes"
            )
        branch, shortcut = (one, other) if one.layers else (other, one)
        if branch.layers:
            self._put(Residual(branch.layers, shortcut.layers), {}, one.layout)
        else:
            self.scale(np.array(2.0))

    # The end.

    def finish(self, *, drops_softmax: bool = True, any_order: bool = False) -> Sequential:
        """Build the model with its weights.

        Args:
            drops_softmax: Whether a last softmax, or its logarithm, is left out: the outputs are
                logits then, as everywhere in numcnn.
            any_order: Whether the outputs may lie as `layout` says.

        Raises:
            ValueError: The outputs are in an order that numcnn's are not in, or
                the network exceeds a limit of `numcnn.model_files.architecture`.
        """
        is_last = np.all(self._scale == 1) and np.all(self._shift == 0)
        if drops_softmax and is_last and self.layers and isinstance(self.layers[-1], Softmax):
            self.layers.pop()
            self._is_log = False
        self._settle()
        if len(self.layout.axes) == 1 and len(self.layout.shape) > 1:
            self._flatten()
        if not (any_order or self.layout.is_same or self.layout.is_channels_first):
            raise ValueError(
                f"the outputs, {_shown(self.layout.sizes)}, are in another order than numcnn's, "
                "whose images are channels last; let a dense layer follow"
            )
        if not self.layers:
            self.layers.append(Dropout(0.0))
        model = Sequential(self.layers)
        arrays = {
            f"{name}.{key}": array
            for name, layer in model.named_layers()
            for key, array in self._weights.of(layer).items()
        }
        architecture = {"input_shape": list(self.input_shape), "layers": model.config()}
        shapes = {name: array.shape for name, array in arrays.items()}
        built = build_described(architecture, shapes, LAYERS)
        built.load_state_dict(arrays)
        return built

    # What the above share.

    def _put(self, layer: Layer, arrays: Mapping[str, NDArray[Any]], layout: AxisLayout) -> None:
        self._weights.put(layer, arrays)
        self.layers.append(layer)
        self.layout = layout
        self._require_small()

    def _require_small(self) -> None:
        if math.prod(self.layout.shape) > MOST_ACTIVATIONS:
            raise ValueError(
                f"{_shown(self.layout.shape)} numbers an example; the limit is {MOST_ACTIVATIONS:,}"
            )

    def _require_inputs(self, found: int, wanted: int) -> None:
        if found != wanted:
            raise ValueError(f"its weights are for {found} inputs, and {wanted} reach it")

    def _require_no_margins(self) -> None:
        if self._margins != NO_MARGINS:
            raise ValueError("comes after padding, which only a convolution can take in")

    def _require_equal_counts(self, sizes: Shape) -> None:
        if math.prod(sizes) != math.prod(self.layout.sizes):
            raise ValueError(
                f"reshapes {_shown(self.layout.sizes)} to {_shown(sizes)}, which are not as many"
            )

    def _is_row_of_pixels(self) -> bool:
        """Whether nothing has happened yet to an input that is no image."""
        return (
            self._is_entrance
            and not self.layers
            and len(self.layout.shape) == 1
            and isinstance(self._scale, float)
            and isinstance(self._shift, float)
        )

    def _is_pixel(self) -> bool:
        """Whether theirs is an image of one pixel, channels first, that numcnn has as a row."""
        layout = self.layout
        return len(layout.shape) == 1 and layout.sizes == (*layout.shape, 1, 1)

    def _image(self, *, any_order: bool = False) -> Shape:
        """The image ``(height, width, channels)`` that theirs is in numcnn."""
        layout = self.layout
        if layout.is_channels_first or (any_order and len(layout.shape) == 3 and layout.is_same):
            return layout.shape
        raise ValueError(
            f"takes images (channels, height, width), and gets {_shown(layout.sizes)}"
            + (", in another order" if len(layout.axes) == 3 else "")
        )

    def _windowed(self, window: Window, channels: int) -> Shape:
        return *window.positions(self.layout.shape), channels

    def _flatten(self) -> None:
        if not (isinstance(self._scale, float) and isinstance(self._shift, float)):
            self._settle()  # they are numbers of channels
        self.layers.append(Flatten())
        self.layout = self.layout.flat()

    def _flat_places(self) -> NDArray[np.intp]:
        """Flatten if need be; the place of each of their features among numcnn's."""
        if len(self.layout.shape) > 1:
            self._flatten()
        return self.layout.places()

    def _features(self, place: int) -> NDArray[np.intp] | None:
        """Have one of their axes as numcnn's last one.

        Returns:
            For each feature along their axis its place in numcnn's; None if it is the same.
        """
        if self.layout.is_last(place):
            return None
        if len(self.layout.axes) == 1:
            return self._flat_places()
        raise ValueError(
            f"works along axis {place + 1} of (batch, {', '.join(map(str, self.layout.sizes))}), "
            "which is not that of numcnn's channels or features"
        )

    def _by_feature(
        self, arrays: Mapping[str, NDArray[Any]], place: int
    ) -> dict[str, NDArray[np.float64]]:
        """Constants along one of their axes, in the order of numcnn's features."""
        size = self.layout.sizes[place]
        for name, array in arrays.items():
            if array.shape != (size,):
                raise ValueError(
                    f"its {name or 'constant'} has the shape {_shown(array.shape)} for {size} "
                    "features"
                )
        places = self._features(place)
        found = {}
        for name, array in arrays.items():
            found[name] = np.asarray(array, np.float64)
            if places is not None:
                found[name] = np.empty(size)
                found[name][places] = array
        return found


def _shown(sizes: Iterable[int]) -> str:
    return " x ".join(map(str, sizes)) or "one number"
