"""The activations: by hand, against Python's own mathematics, and their gradients."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn import (
    GELU,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
    check_gradients,
)
from numcnn.nn.layers.activation import erf
from tests.nn.layer_pass import run_layer
from tests.nn.samples import apart, normal


def normal_cdf(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def gelu_tanh(x: float) -> float:
    return x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


FORMULAS = [
    pytest.param(ReLU(), lambda x: max(x, 0), id="relu"),
    pytest.param(LeakyReLU(), lambda x: x if x > 0 else 0.01 * x, id="leaky"),
    pytest.param(LeakyReLU(0.2), lambda x: x if x > 0 else 0.2 * x, id="leaky-0.2"),
    pytest.param(Sigmoid(), lambda x: 1 / (1 + math.exp(-x)), id="sigmoid"),
    pytest.param(Tanh(), math.tanh, id="tanh"),
    pytest.param(SiLU(), lambda x: x / (1 + math.exp(-x)), id="silu"),
    pytest.param(GELU(), lambda x: x * normal_cdf(x), id="gelu"),
    pytest.param(GELU("tanh"), gelu_tanh, id="gelu-tanh"),
]
ALL = [*(case.values[0] for case in FORMULAS), Softmax()]


@pytest.mark.parametrize(("layer", "formula"), FORMULAS)
def test_agrees_with_the_formula_number_by_number(layer, formula):
    x = np.linspace(-20, 20, 401)
    expected = [formula(value) for value in x]
    assert_allclose(run_layer(layer, x[:, None]).y[:, 0], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("layer", "x", "y"),
    [
        (ReLU(), -3, 0),
        (LeakyReLU(0.1), -3, -0.3),
        (Sigmoid(), math.log(3), 3 / 4),
        (Tanh(), math.log(3), 4 / 5),
        (SiLU(), math.log(3), 3 / 4 * math.log(3)),
        (GELU(), 1, 0.8413447460685429),
        (GELU("tanh"), 1, 0.841191990608276),
    ],
    ids=repr,
)
def test_values_worked_by_hand(layer, x, y):
    assert_allclose(run_layer(layer, np.array([[x]], float)).y, [[y]], rtol=1e-14)


def test_softmax_worked_by_hand():
    x = np.log([[1.0, 2, 5]])
    result = run_layer(Softmax(), x, np.array([[1.0, 0, 0]]))
    assert_allclose(result.y, [[1 / 8, 2 / 8, 5 / 8]], rtol=1e-14)
    # d p_1 / d x_k: p_1 (1 - p_1), - p_1 p_2, - p_1 p_3.
    assert_allclose(result.dx, [[7 / 64, -2 / 64, -5 / 64]], rtol=1e-14)


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 4, 3)])
@pytest.mark.parametrize("layer", ALL, ids=repr)
def test_gradients(layer, shape):
    assert check_gradients(layer, apart(*shape)) < 1e-6


@pytest.mark.parametrize(
    ("layer", "slope"), [(ReLU(), 0), (LeakyReLU(0.2), 0.2)], ids=["relu", "leaky"]
)
def test_at_the_corner_the_gradient_is_that_of_the_left(layer, slope):
    assert_allclose(run_layer(layer, np.zeros((1, 1)), np.ones((1, 1))).dx, [[slope]])


@pytest.mark.parametrize("layer", ALL, ids=repr)
def test_huge_inputs_give_finite_outputs_and_gradients(layer):
    x = np.array([[-1e4, -100, 0, 100, 1e4]], np.float32)
    result = run_layer(layer, x)
    assert np.isfinite(result.y).all()
    assert np.isfinite(result.dx).all()


@pytest.mark.parametrize("layer", ALL, ids=repr)
def test_float32_stays_float32(layer):
    result = run_layer(layer, normal(3, 4).astype(np.float32))
    assert result.y.dtype == result.dx.dtype == np.float32


@pytest.mark.parametrize("layer", ALL, ids=repr)
def test_the_input_is_left_as_it_was(layer):
    x = normal(3, 4)
    run_layer(layer, x)
    assert_array_equal(x, normal(3, 4))


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8), st.floats(-1000, 1000))
@settings(deadline=None)
def test_softmax_gives_probabilities_that_a_shift_does_not_change(logits, shift):
    x = np.array([logits])
    y = run_layer(Softmax(), x).y
    assert (y >= 0).all()
    assert_allclose(y.sum(), 1, rtol=1e-12)
    assert_allclose(run_layer(Softmax(), x + shift).y, y, rtol=1e-9)


@given(st.floats(-10, 10))
@settings(deadline=None)
def test_erf_agrees_with_pythons_to_14_digits(x):
    assert_allclose(erf(np.array([x])), [math.erf(x)], rtol=0, atol=1e-14)


def test_erf_keeps_float32_and_says_what_is_not_a_number():
    y = erf(np.array([-np.inf, 0, np.inf, np.nan], np.float32))
    assert y.dtype == np.float32
    assert_array_equal(y, [-1, 0, 1, np.nan])


def test_the_approximate_gelu_is_as_near_as_its_documentation_says():
    x = np.linspace(-6, 6, 2001)[:, None]
    assert np.abs(run_layer(GELU(), x).y - run_layer(GELU("tanh"), x).y).max() < 0.0005


@pytest.mark.parametrize("slope", [-0.1, 1.5, math.nan])
def test_a_leaky_relu_with_a_bad_slope_is_an_error(slope):
    with pytest.raises(ValueError, match="negative_slope is"):
        LeakyReLU(slope)


def test_a_gelu_with_a_bad_form_is_an_error():
    with pytest.raises(ValueError, match='approximate is \'sigmoid\'; choose "none" or "tanh"'):
        GELU("sigmoid")
