"""Networks to test with: random ones of every kind of layer, in any order, and the recipes'."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from numcnn import recipes
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
from tests.engine.own_layers import Centering, Flicker, Scale

Draw = Callable[..., object]

PADDINGS = st.sampled_from(["valid", "same"])
KERNELS = st.sampled_from([1, 2, 3, 3, 3, 4, 5, (1, 3), (3, 1), (3, 2), (2, 5), (5, 4)])
STRIDES = st.sampled_from([1, 1, 1, 1, 2, 3, (1, 2), (2, 1)])
FILTERS = {True: st.sampled_from([8, 9, 16, 32, 33]), False: st.integers(1, 9)}
POOLS = st.sampled_from([2, 2, 2, 3, (1, 2), (3, 2)])

quick = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""For tests that draw networks."""


@dataclass(frozen=True)
class Network:
    """A model with weights, and the batch to run it on."""

    model: Sequential
    batch: int
    seed: int

    def __repr__(self) -> str:
        shape = self.model.input_shape
        return f"{self.model!r} for {self.batch} of {shape}, seed {self.seed}"


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A network of a few layers with weights that are all away from zero, and a batch size."""
    shape = draw(input_shapes())
    wide = draw(st.booleans())
    layers = _row(draw, shape, wide, draw(st.integers(1, 7)))
    model = Sequential(layers)
    seed = draw(st.integers(0, 2**16))
    model.build(shape, seed)
    fill(model, seed)
    return Network(model, draw(st.one_of(st.integers(1, 9), st.integers(1, 70))), seed)


def input_shapes() -> st.SearchStrategy[Shape]:
    """Mostly images; also rows of numbers, and other things."""
    sides = st.integers(1, 13)
    images = st.tuples(sides, sides, st.sampled_from([1, 1, 2, 3, 8]))
    rows = st.tuples(st.integers(1, 12))
    return st.one_of(images, images, images, rows, st.sampled_from([(4, 5), (2, 3, 2, 3)]))


def fill(model: Sequential, seed: int) -> None:
    """Move all biases, scales and statistics away from where they start."""
    rng = np.random.default_rng(seed)
    model.parameters += rng.normal(0, 0.2, model.parameters.shape).astype(np.float32)
    model.statistics[:] = rng.uniform(0.5, 1.5, model.statistics.shape)


def batch(model: Sequential, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and the gradients of outputs."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, *model.input_shape)).astype(np.float32)
    return x, rng.normal(size=(count, *model.output_shape)).astype(np.float32)


def recipe_and_batch(name: str, side: int, seed: int) -> tuple[Sequential, np.ndarray, np.ndarray]:
    """A recipe's network with weights, six random pictures, and the gradients of its outputs."""
    model = recipes.RECIPES[name].new_network((side, side, 1), 10)
    model.build((side, side, 1), seed=1)
    fill(model, seed=0)
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (6, side, side, 1)).astype(np.float32)
    return model, x, rng.normal(size=(6, 10)).astype(np.float32)


def smooth(model: Sequential) -> Sequential:
    """The same network and weights without kinks."""

    def replaced(config):
        if config["layer"] in ("ReLU", "LeakyReLU"):
            return {"layer": "Tanh"}
        if config["layer"] == "MaxPool2D":
            return config | {"layer": "AveragePool2D"}
        if config["layer"] == "Residual":
            ways = ("branch", "shortcut")
            return config | {way: [replaced(inner) for inner in config[way]] for way in ways}
        return config

    other = Sequential.from_config([replaced(layer) for layer in model.config()])
    other.build(model.input_shape)
    other.parameters[:] = model.parameters
    other.statistics[:] = model.statistics
    return other


def _row(draw: st.DrawFn, shape: Shape, wide: bool, count: int, depth: int = 0) -> list[Layer]:
    """Up to ``count`` layers that can follow each other; what does not fit is left out."""
    layers: list[Layer] = []
    rng = np.random.default_rng(0)
    for _ in range(count):
        for layer in _next(draw, shape, wide, depth):
            try:
                shape = layer.build(shape, rng)
            except ValueError:
                continue
            layers.append(layer)
    return layers or [ReLU()]


def _next(draw: st.DrawFn, shape: Shape, wide: bool, depth: int) -> list[Layer]:
    """One layer, or a few that often stand together."""
    everywhere: list[Callable[[], list[Layer]]] = [
        lambda: [_activation(draw)],
        lambda: [BatchNorm()],
        lambda: [BatchNorm(), ReLU()],
        lambda: [Dropout(draw(st.sampled_from([0.0, 0.3, 0.5])))],
        lambda: [draw(st.sampled_from([Centering, Flicker, Scale]))()],
        lambda: [draw(st.sampled_from([Rescaling(0.5, -0.3), Normalization(), Softmax()]))],
        lambda: [LayerNorm()],
        lambda: [Flatten()],
    ]
    if depth < 2:
        everywhere.append(lambda: [_residual(draw, shape, wide, depth)])
    if len(shape) == 1:
        everywhere += [lambda: [_dense(draw)], lambda: [_dense(draw), ReLU()]]
        everywhere += [lambda: [_dense(draw), BatchNorm(), ReLU()]]
    if len(shape) == 3:
        everywhere += 2 * [
            lambda: [_convolution(draw, wide)],
            lambda: [_convolution(draw, wide), ReLU()],
            lambda: [_convolution(draw, wide), BatchNorm(), ReLU(), MaxPool2D()],
            lambda: [_convolution(draw, wide), ReLU(), MaxPool2D()],
            lambda: [_convolution(draw, wide), MaxPool2D(), BatchNorm(), ReLU()],
        ]
        everywhere += [
            lambda: [MaxPool2D(draw(POOLS), draw(st.sampled_from([None, 1, 2])), draw(PADDINGS))],
            lambda: [AveragePool2D(draw(POOLS), None, draw(PADDINGS))],
            lambda: [GlobalAveragePool2D()],
            lambda: [Flatten(), _dense(draw)],
        ]
    return draw(st.sampled_from(everywhere))()


def _activation(draw: st.DrawFn) -> Layer:
    smooth = [Sigmoid(), Tanh(), GELU(), GELU("tanh"), SiLU()]
    return draw(st.sampled_from([ReLU(), LeakyReLU(0.1), *smooth]))


def _dense(draw: st.DrawFn) -> Layer:
    return Dense(draw(st.integers(1, 9)), use_bias=draw(st.booleans()))


def _convolution(draw: st.DrawFn, wide: bool) -> Layer:
    return Conv2D(
        draw(FILTERS[wide]), draw(KERNELS), draw(STRIDES), draw(PADDINGS), draw(st.booleans())
    )


def _residual(draw: st.DrawFn, shape: Shape, wide: bool, depth: int) -> Layer:
    """A branch, and a way around it that ends in the same shape."""
    rng = np.random.default_rng(0)
    branch = _row(draw, shape, wide, draw(st.integers(1, 3)), depth + 1)
    after = shape
    for layer in branch:
        after = layer.build(after, rng)
    around: list[Layer] = []
    if after != shape:
        around += [] if len(shape) == len(after) == 1 else [Flatten()]
        if len(after) == 1:
            around.append(Dense(after[0]))
        elif len(shape) == len(after) == 3:
            stride = -(-shape[0] // after[0]), -(-shape[1] // after[1])
            around = [Conv2D(after[2], 1, stride, "same")]
    elif draw(st.booleans()):
        around = [_activation(draw)]
    return Residual(branch, around)
