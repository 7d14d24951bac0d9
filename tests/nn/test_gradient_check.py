"""The gradient checker itself: it must catch what is wrong, and pass what is right."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from numcnn.nn import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePool2D,
    MaxPool2D,
    ReLU,
    Softmax,
    Tanh,
    check_gradients,
    directional_error,
)
from tests.nn.samples import apart, normal

RIGHT, CAUGHT = 1e-6, 1e-5
IMAGES, ROWS = (3, 6, 6, 2), (5, 4)


def spoil(monkeypatch, layer: type, part: str) -> None:
    """Make one part of a layer's gradient 0.05% too large."""
    honest = layer.backward

    def backward(self, dy, ctx):
        dx = honest(self, dy, ctx)
        if part == "input":
            return dx * 1.0005
        ctx.grads[self][part] = ctx.grads[self][part] * 1.0005
        return dx

    monkeypatch.setattr(layer, "backward", backward)


@pytest.mark.parametrize(
    ("layer", "shape", "part"),
    [
        (Dense(3), ROWS, "weight"),
        (Dense(3), ROWS, "bias"),
        (Dense(3), ROWS, "input"),
        (Conv2D(3, 3, 2, "same"), IMAGES, "weight"),
        (Conv2D(3, 3, 2, "same"), IMAGES, "bias"),
        (Conv2D(3, 3, 2, "same"), IMAGES, "input"),
        (BatchNorm(), IMAGES, "gamma"),
        (BatchNorm(), IMAGES, "beta"),
        (BatchNorm(), IMAGES, "input"),
        (MaxPool2D(2), IMAGES, "input"),
        (AveragePool2D(2), IMAGES, "input"),
        (GlobalAveragePool2D(), IMAGES, "input"),
        (ReLU(), ROWS, "input"),
        (Softmax(), ROWS, "input"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else None,
)
def test_a_gradient_that_is_wrong_by_a_twentieth_of_a_percent_is_caught(
    monkeypatch, layer, shape, part
):
    assert check_gradients(layer, apart(*shape)) < RIGHT
    spoil(monkeypatch, type(layer), part)
    assert check_gradients(layer, apart(*shape)) > CAUGHT


@pytest.mark.parametrize("part", ["weight", "bias"])
def test_it_is_caught_in_the_middle_of_a_network(monkeypatch, part):
    layers = [Conv2D(3, 3), Tanh(), Flatten(), Dense(4)]
    assert check_gradients(layers, normal(*IMAGES)) < RIGHT
    spoil(monkeypatch, Conv2D, part)
    assert check_gradients(layers, normal(*IMAGES)) > CAUGHT


def test_one_wrong_number_among_many_is_caught(monkeypatch):
    honest = Dense.backward

    def backward(self, dy, ctx):
        dx = honest(self, dy, ctx)
        ctx.grads[self]["weight"][2, 1] *= 1.01
        return dx

    monkeypatch.setattr(Dense, "backward", backward)
    assert check_gradients(Dense(5), normal(4, 6)) > CAUGHT


def test_a_gradient_that_ignores_the_bias_is_caught(monkeypatch):
    honest = Dense.backward

    def backward(self, dy, ctx):
        dx = honest(self, dy, ctx)
        ctx.grads[self]["bias"][:] = 0
        return dx

    monkeypatch.setattr(Dense, "backward", backward)
    assert check_gradients(Dense(5), normal(4, 6)) > 1e-3


def test_the_same_seed_gives_the_same_answer():
    assert check_gradients(Dense(3), normal(4, 5)) == check_gradients(Dense(3), normal(4, 5))


def test_the_input_is_left_as_it_was():
    x = normal(4, 5)
    check_gradients(Dense(3), x)
    assert_array_equal(x, normal(4, 5))


def cube(point):
    return float((point[0] ** 3).sum())


def test_the_difference_quotient_of_a_cube_is_exact():
    x = normal(5)
    assert directional_error(cube, [x], [3 * x**2], np.random.default_rng(0)) < 1e-9


def test_the_error_is_relative():
    x = normal(5)
    error = directional_error(cube, [x], [3.03 * x**2], np.random.default_rng(0))
    assert error == pytest.approx(0.01 / 1.01, rel=1e-6)


def test_several_arrays_are_moved_at_once():
    x, y = normal(3), normal(2, 2)
    error = directional_error(
        lambda point: float(np.sin(point[0]).sum() * point[1].sum()),
        [x, y],
        [np.cos(x) * y.sum(), np.full((2, 2), np.sin(x).sum())],
        np.random.default_rng(0),
    )
    assert error < 1e-9


def test_where_nothing_happens_nothing_is_wrong():
    x = normal(5)
    assert directional_error(lambda _: 1.0, [x], [np.zeros(5)], np.random.default_rng(0)) == 0


@pytest.mark.parametrize(
    ("point", "gradient"),
    [
        (np.zeros(3, np.float32), np.zeros(3)),
        (np.zeros(3, int), np.zeros(3)),
        (np.zeros(3), np.zeros(4)),
        (np.zeros((3, 1)), np.zeros(3)),
        (np.zeros((3, 1)), np.zeros((1, 3))),
    ],
)
def test_arrays_of_another_type_or_shape_are_an_error(point, gradient):
    with pytest.raises(ValueError, match="give float64 arrays and gradients of their shapes"):
        directional_error(cube, [point], [gradient], np.random.default_rng(0))


def test_a_missing_gradient_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        directional_error(cube, [np.zeros(3), np.zeros(2)], [np.zeros(3)], np.random.default_rng(0))
