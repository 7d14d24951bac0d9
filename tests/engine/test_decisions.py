"""What the engine decides at kinks can be read, and no mistake there passes for rounding."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import pytest

from numcnn.engine.ops import conv_winograd
from numcnn.engine.ops.batch_norm import StatisticsOp
from numcnn.engine.ops.max_pool import InPlaceMaxPool
from numcnn.engine.ops.relu import InPlaceReLU, InPlaceReLUGradient
from numcnn.nn import (
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
)
from tests.engine.agreement import RECIPE_LIMIT, by_engine, by_layers, disagreements, fake_hardware
from tests.engine.decisions import decided_by
from tests.engine.networks import fill, recipe_and_batch
from tests.nn.kinks import near_kink, tell

NETWORKS = {
    "Winograd + pool + bias + ReLU": (
        (8, 8, 8),
        lambda: [Conv2D(32, 3, padding="same"), ReLU(), MaxPool2D(), Conv2D(8, 3), MaxPool2D()],
    ),
    "Winograd + bias + ReLU": ((9, 7, 8), lambda: [Conv2D(32, 3), ReLU(), MaxPool2D((2, 1))]),
    "im2col + pool + bias + ReLU": (
        (9, 11, 3),
        lambda: [Conv2D(32, 3), MaxPool2D(), ReLU(), Conv2D(4, 2, 2), ReLU()],
    ),
    "im2col, batch last + pool + bias + ReLU": (
        (7, 7, 2),
        lambda: [Conv2D(4, 3, padding="same"), ReLU(), MaxPool2D()],
    ),
    "Toeplitz, 4 columns + pool + bias + ReLU": (
        (8, 12, 2),
        lambda: [
            Conv2D(5, 5, padding="same"),
            ReLU(),
            MaxPool2D(),
            Conv2D(3, 3, padding="same"),
            MaxPool2D(),
            ReLU(),
        ],
    ),
    "scale + shift + ReLU": (
        (8, 8, 2),
        lambda: [Conv2D(4, 3, padding="same"), BatchNorm(), ReLU(), MaxPool2D()],
    ),
    "max pool": ((8, 8, 3), lambda: [Conv2D(32, 3), LeakyReLU(0.1), MaxPool2D(), MaxPool2D()]),
    "the layer's own": (
        (8, 8, 3),
        lambda: [Conv2D(4, 3, padding="same"), LeakyReLU(), MaxPool2D(3, 2, "same"), MaxPool2D()],
    ),
    "add + ReLU": (
        (6, 6, 3),
        lambda: [
            Residual(
                [Conv2D(4, 3, 2, "same"), ReLU(), Residual([ReLU(), Conv2D(4, 3, padding="same")])],
                [MaxPool2D(), Conv2D(4, 1)],
            ),
            ReLU(),
        ],
    ),
    "product + bias + ReLU": ((5, 4, 2), lambda: [Flatten(), Dense(7), ReLU(), Dense(6), ReLU()]),
}


@pytest.mark.parametrize(("shards", "cache"), [(1, 1 << 20), (3, 1 << 10)])
@pytest.mark.parametrize("method", NETWORKS)
def test_the_engines_decisions_are_read(method, shards, cache):
    shape, layers = NETWORKS[method]
    model = Sequential(layers())
    model.build(shape, seed=1)
    fill(model, seed=1)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, *shape)).astype(np.float32)
    dy = rng.normal(size=(8, *model.output_shape)).astype(np.float32)
    assert not near_kink(model, x)
    with fake_hardware(shards=shards, cache=cache), model.training_engine() as engine:
        by_engine(engine, model, x, dy, seed=0)
        plan = engine.plan(len(x))
        read = decided_by(plan, model)
    assert method in [op.method for segment in plan.segments for op in segment.ops]
    assert (len(plan.segments[0].micro_batches) > 1) == (shards > 1)

    double = model.astype(np.float64)
    expected = tell(double, None)
    by_layers(double, x, dy, seed=0)
    found = tell(double, read)
    by_layers(double, x, dy, seed=0)
    for name, kink in found.items():
        np.testing.assert_array_equal(kink.decisions, expected[name].decisions, err_msg=name)
        assert not kink.shortfall.any()


@final
@dataclass(eq=False)
class Hidden(Layer):
    """A layer of somebody's own with a ReLU inside, where nobody can read it."""

    def __post_init__(self) -> None:
        self.inner = ReLU()

    def children(self) -> Iterator[tuple[str, Layer]]:
        yield "inner", self.inner

    def build(self, input_shape, rng):
        return input_shape

    def forward(self, x, ctx):
        return self.inner.forward(x, ctx)

    def backward(self, dy, ctx):
        return self.inner.backward(dy, ctx)


def test_what_cannot_be_read_is_said():
    model = Sequential([Dense(3), Hidden()])
    model.build((4,))
    with model.training_engine() as engine:
        by_engine(engine, model, np.ones((2, 4)), np.ones((2, 3)), seed=0)
        with pytest.raises(AssertionError, match=r"cannot read .*hidden_1\.inner"):
            decided_by(engine.plan(2), model)


# A test of the test: mistakes, each as small as somebody might make it.


def none_at_all(patch):
    pass


def count_less_one(patch):
    join = StatisticsOp.barrier_backward

    def mistaken(self, ctx):
        self._count -= 1
        join(self, ctx)
        self._count += 1

    patch.setattr(StatisticsOp, "barrier_backward", mistaken)


def beta_a_thousandth_too_large(patch):
    join = StatisticsOp.barrier_backward

    def mistaken(self, ctx):
        join(self, ctx)
        self._gradients["beta"] *= 1.001

    patch.setattr(StatisticsOp, "barrier_backward", mistaken)


def one_wrong_winner(patch):
    forward = InPlaceMaxPool.forward

    def mistaken(self, cells, out, scratch):
        forward(self, cells, out, scratch)
        for above in self._wins[2:]:
            above[np.unravel_index(out.argmax(), out.shape)] ^= True

    patch.setattr(InPlaceMaxPool, "forward", mistaken)


def wrong_coefficient(patch):
    output = np.where(conv_winograd.OUTPUT == 8, 8.004, conv_winograd.OUTPUT)
    both = np.kron(output, output).astype(np.float32)
    patch.setattr(conv_winograd, "_OUTPUT_2D", both)
    patch.setattr(conv_winograd, "_OUTPUT_2D_T", np.ascontiguousarray(both.T))


def relu_from_a_hundredth_on(patch):
    def mistaken(self):
        np.multiply(self._rows, self._rows > 0.01, out=self._rows)

    patch.setattr(InPlaceReLU, "forward", mistaken)


def relu_gradient_from_a_hundredth_on(patch):
    def mistaken(self):
        np.multiply(self._dy, self._y > 0.01, out=self._dy)

    patch.setattr(InPlaceReLUGradient, "run", mistaken)


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("mistake", "where"),
    [
        (none_at_all, None),
        (beta_a_thousandth_too_large, "d batchnorm_2.beta"),
        (one_wrong_winner, "maxpool2d_1 tie"),
        pytest.param(count_less_one, "d conv2d_2.weight", marks=slow),
        pytest.param(wrong_coefficient, "outputs", marks=slow),
        pytest.param(relu_from_a_hundredth_on, "relu_2 tie", marks=slow),
        pytest.param(relu_gradient_from_a_hundredth_on, "d conv2d_1.weight", marks=slow),
    ],
)
def test_mistakes_are_found(mistake, where, monkeypatch):
    mistake(monkeypatch)
    found = disagreements(*recipe_and_batch("four-conv-batchnorm", 16, seed=0), RECIPE_LIMIT)
    assert where in found if where else not found
