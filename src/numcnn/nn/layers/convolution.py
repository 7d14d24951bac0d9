"""The convolutional layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.initializers import initializer
from numcnn.nn.layers.base import Layer
from numcnn.nn.patches import Window, col2im, im2col
from numcnn.nn.validation import NO_ACTIVATION, flag, pair, whole


@final
@dataclass(eq=False)
class Conv2D(Layer):
    """Slide filters over the image; each output pixel is the match of a patch with a filter.

    ::

        y[n, r, c, f] = b[f] + sum_{i, j, k} x[n, r s + i, c s + j, k] W[i, j, k, f]

    for stride ``s``. As everywhere in this field the filter is not flipped, so a mathematician
    would call this a cross-correlation; the weights are learned, so it makes no difference.

    Input ``(batch, height, width, channels)``, output ``(batch, rows, columns, filters)``,
    weight ``(kernel_height, kernel_width, channels, filters)``, bias ``(filters,)``.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
    recognition", 1998.

    Attributes:
        filters: The number of filters, and so of output channels.
        kernel_size: The filter's height and width; one integer for both.
        stride: Rows and columns between one patch and the next; one integer for both.
        padding: "valid" (patches stay inside the image, which shrinks it) or "same" (the image is
            surrounded with zeros so that stride 1 keeps its size).
        use_bias: Whether there is a ``b``. Batch normalization right after makes it useless.
        initializer: The name of the weights' initializer; see `numcnn.nn.initializers`.
    """

    filters: int
    kernel_size: int | tuple[int, int] = 3
    stride: int | tuple[int, int] = 1
    padding: str = "valid"
    use_bias: bool = True
    initializer: str = "he_normal"

    acts_on = "example"

    def __post_init__(self) -> None:
        whole("filters", self.filters)
        flag("use_bias", self.use_bias, NO_ACTIVATION)
        initializer(self.initializer)
        _ = self.window

    @property
    def window(self) -> Window:
        """What slides over the image."""
        return Window(
            pair("kernel_size", self.kernel_size), pair("stride", self.stride), self.padding
        )

    def array_shapes(self, input_shape: Shape) -> Mapping[str, Shape]:
        """A weight for each pixel and channel of the window and each filter, a bias a filter."""
        self.window.positions(input_shape)
        weight = {"weight": (*self.window.size, input_shape[2], self.filters)}
        return {**weight, "bias": (self.filters,)} if self.use_bias else weight

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Draw the weight; the bias starts at zero."""
        shapes = self.array_shapes(input_shape)
        self.params = {"weight": initializer(self.initializer)(shapes["weight"], rng)}
        if self.use_bias:
            self.params["bias"] = np.zeros(self.filters, np.float32)
        return *self.window.positions(input_shape), self.filters

    def forward(self, x: Array, ctx: Context) -> Array:
        """Cut the patches out, one a row, and multiply them with all filters at once."""
        rows, columns = self.window.positions(x.shape[1:])
        patches = im2col(x, self.window)
        ctx.save(self, patches, x.shape[1:])
        y = patches @ self._matrix()
        if self.use_bias:
            y += self.params["bias"]
        return y.reshape(len(x), rows, columns, self.filters)

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Derive the gradients of ``y = im2col(x) W + b``, where a row of ``y`` is one position.

        With the patches ``P = im2col(x)`` this is a dense layer that all positions of all images
        share, so each weight's gradient is a sum over the positions. Cutting patches is linear,
        and its adjoint adds every patch back to where it came from::

            dW = P^T dy        db = sum over positions of dy        dx = col2im(dy W^T)
        """
        patches, image_shape = ctx.take(self)
        dy = dy.reshape(-1, self.filters)
        grads = {"weight": (patches.T @ dy).reshape(self.params["weight"].shape)}
        if self.use_bias:
            grads["bias"] = dy.sum(axis=0)
        ctx.grads[self] = grads
        return col2im(dy @ self._matrix().T, image_shape, self.window)

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        """Each output pixel is a product with a whole patch."""
        patch = self.window.size[0] * self.window.size[1] * input_shape[2]
        return output_shape[0] * output_shape[1] * output_shape[2] * patch

    def _matrix(self) -> Array:
        """The filters as columns: ``(patch, filters)``."""
        return self.params["weight"].reshape(-1, self.filters)
