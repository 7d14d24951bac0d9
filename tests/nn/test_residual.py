"""Residual: the way around, with and without layers of its own."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from numcnn.nn import (
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Dropout,
    ReLU,
    Residual,
    Sequential,
    Tanh,
    check_gradients,
)
from tests.nn.samples import normal


def conv_block() -> Residual:
    return Residual([Conv2D(2, 3, padding="same"), Tanh(), Conv2D(2, 3, padding="same")])


BLOCKS = {
    "plain": lambda: [conv_block()],
    "shortcut": lambda: [Residual([Conv2D(4, 3, 2, "same"), Tanh()], [Conv2D(4, 1, 2)])],
    "normalized": lambda: [
        Residual(
            [Conv2D(3, 3, 2, "same", use_bias=False), BatchNorm(), ReLU()],
            [Conv2D(3, 1, 2, use_bias=False), BatchNorm()],
        )
    ],
    "dropout": lambda: [Residual([Conv2D(2, 1), Dropout(0.4)])],
    "nested": lambda: [Residual([conv_block(), Tanh(), Residual([Conv2D(2, 1)])])],
    "in a row": lambda: [conv_block(), Tanh(), conv_block()],
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", BLOCKS)
def test_gradients(name, training):
    assert check_gradients(BLOCKS[name](), normal(2, 5, 6, 2), training=training) < 1e-6


def test_gradients_of_a_dense_block():
    assert check_gradients([Dense(4), Residual([Tanh(), Dense(4)])], normal(3, 2)) < 1e-6


def test_the_output_is_the_branchs_plus_the_input():
    branch = Sequential([Dense(3), Tanh()])
    branch.build((3,), seed=5)
    model = Sequential([Residual([Dense(3), Tanh()])])
    model.build((3,), seed=5)
    x = normal(4, 3).astype(np.float32)
    assert_allclose(model.outputs(x), branch.outputs(x) + x, rtol=1e-6)


def test_a_branch_of_zeros_passes_value_and_gradient_through():
    model = Sequential([Residual([Dense(3)])])
    model.build((3,))
    model.parameters[:] = 0
    ctx = Context(training=True)
    x = normal(2, 3).astype(np.float32)
    assert_allclose(model.forward(x, ctx), x)
    assert_allclose(model.backward(x, ctx), x)


def test_inner_layers_are_named_by_their_place():
    model = Sequential([Residual([Conv2D(4, 1), ReLU(), Conv2D(4, 1)], [Conv2D(4, 1)])])
    names = [name for name, _ in model.named_layers()]
    assert names == [
        "residual_1",
        "residual_1.branch.conv2d_1",
        "residual_1.branch.relu_1",
        "residual_1.branch.conv2d_2",
        "residual_1.shortcut.conv2d_1",
    ]


def test_ways_that_do_not_meet_are_an_error_with_a_remedy():
    model = Sequential([Residual([Conv2D(8, 3, padding="same")])])
    with pytest.raises(ValueError, match=r"residual_1: the branch turns .* as the shortcut"):
        model.build((5, 5, 3))


def test_an_error_inside_names_the_place():
    model = Sequential([Residual([Conv2D(8, 9), ReLU()])])
    with pytest.raises(ValueError, match="residual_1: conv2d_1: a window of 9 x 9"):
        model.build((5, 5, 3))


def test_an_empty_branch_is_an_error():
    with pytest.raises(ValueError, match="branch is empty"):
        Residual([])
