"""Layers that somebody else might write: the engine knows nothing about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.nn import Array, Context, Dense, Layer, Shape


@final
@dataclass(eq=False)
class Centering(Layer):
    """``factor (x - mean over the batch)``: needs the whole batch at once, learns, keeps state."""

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        self.params = {"factor": rng.uniform(0.5, 1.5, input_shape).astype(np.float32)}
        self.state = {"mean": np.zeros(input_shape, np.float32)}
        return input_shape

    def forward(self, x: Array, ctx: Context) -> Array:
        mean = x.mean(axis=0) if ctx.training else self.state["mean"]
        if ctx.training:
            ctx.new_state[self] = {"mean": mean}
        ctx.save(self, x - mean)
        return self.params["factor"] * (x - mean)

    def backward(self, dy: Array, ctx: Context) -> Array:
        (centered,) = ctx.take(self)
        ctx.grads[self] = {"factor": (dy * centered).sum(axis=0)}
        dz = dy * self.params["factor"]
        return dz - dz.mean(axis=0) if ctx.training else dz


@final
@dataclass(eq=False)
class Scale(Layer):
    """Each feature by a learned factor: examples have nothing to do with each other."""

    acts_on = "example"

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        self.params = {"factor": rng.uniform(0.5, 1.5, input_shape).astype(np.float32)}
        return input_shape

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save(self, x)
        return x * self.params["factor"]

    def backward(self, dy: Array, ctx: Context) -> Array:
        (x,) = ctx.take(self)
        ctx.grads[self] = {"factor": (dy * x).sum(axis=0)}
        return dy * self.params["factor"]


@final
@dataclass(eq=False)
class InPlaceLayer(Layer):
    """``2 x``, written over what it was given, forward and backward."""

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        return input_shape

    def forward(self, x: Array, ctx: Context) -> Array:
        x *= 2
        ctx.save(self)
        return x

    def backward(self, dy: Array, ctx: Context) -> Array:
        ctx.take(self)
        dy *= 2
        return dy


@final
@dataclass(eq=False)
class Flicker(Layer):
    """Each example by its own random factor: a layer that draws, as dropout does."""

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        return input_shape

    def forward(self, x: Array, ctx: Context) -> Array:
        factor = np.ones(len(x), x.dtype)
        if ctx.training:
            factor[:] = 0.5 + ctx.rng.random(len(x), dtype=np.float32)
        factor = factor.reshape(-1, *[1] * (x.ndim - 1))
        ctx.save(self, factor)
        return x * factor

    def backward(self, dy: Array, ctx: Context) -> Array:
        (factor,) = ctx.take(self)
        return dy * factor


@final
@dataclass(eq=False)
class Twice(Layer):
    """A dense layer inside a layer, on every row, and its output once more with a factor."""

    units: int

    def __post_init__(self) -> None:
        self.inner = Dense(self.units)

    def children(self) -> Iterator[tuple[str, Layer]]:
        yield "inner", self.inner

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        self.params = {"factor": np.ones(self.units, np.float32)}
        return self.inner.build(input_shape, rng)

    def forward(self, x: Array, ctx: Context) -> Array:
        y = self.inner.forward(x, ctx)
        ctx.save(self, y)
        return y * self.params["factor"] + y

    def backward(self, dy: Array, ctx: Context) -> Array:
        (y,) = ctx.take(self)
        ctx.grads[self] = {"factor": (dy * y).sum(axis=0)}
        return self.inner.backward(dy * (self.params["factor"] + 1), ctx)


@final
@dataclass(eq=False)
class Fault(Layer):
    """Passes everything through, until it is told to fail."""

    def __post_init__(self) -> None:
        self.forward_error: BaseException | None = None
        self.backward_error: BaseException | None = None

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        return input_shape

    def forward(self, x: Array, ctx: Context) -> Array:
        if self.forward_error is not None:
            raise self.forward_error
        return x

    def backward(self, dy: Array, ctx: Context) -> Array:
        if self.backward_error is not None:
            raise self.backward_error
        return dy
