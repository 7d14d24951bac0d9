"""Dense: by hand, against the loops, and its gradients."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn import Dense, Sequential, check_gradients
from tests.nn.layer_pass import run_layer
from tests.nn.samples import normal
from tests.reference.dense import dense, dense_backward

WEIGHT = [[1, 2, 3], [4, 5, 6]]


def test_values_worked_by_hand():
    result = run_layer(
        Dense(3), np.array([[1.0, 10]]), params={"weight": WEIGHT, "bias": [7, 8, 9]}
    )
    assert_array_equal(result.y, [[48, 60, 72]])


def test_gradients_worked_by_hand():
    x, dy = np.array([[1.0, 10], [2, 0]]), np.array([[1.0, 0, 2], [0, 1, 0]])
    result = run_layer(Dense(3), x, dy, params={"weight": WEIGHT})
    assert_array_equal(result.grads["weight"], [[1, 2, 2], [10, 0, 20]])
    assert_array_equal(result.grads["bias"], [1, 1, 2])
    assert_array_equal(result.dx, [[1 + 6, 4 + 12], [2, 5]])


@pytest.mark.parametrize(("batch", "inputs", "units"), [(1, 1, 1), (3, 4, 5), (7, 5, 2)])
def test_agrees_with_the_loops(batch, inputs, units):
    x, dy = normal(batch, inputs), normal(batch, units, seed=1)
    result = run_layer(Dense(units), x, dy)
    weight, bias = result.params["weight"], result.params["bias"]
    dx, dweight, dbias = dense_backward(dy, x, weight)
    assert_allclose(result.y, dense(x, weight, bias), rtol=1e-12, atol=1e-12)
    assert_allclose(result.dx, dx, rtol=1e-12, atol=1e-12)
    assert_allclose(result.grads["weight"], dweight, rtol=1e-12, atol=1e-12)
    assert_allclose(result.grads["bias"], dbias, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(("batch", "inputs", "units"), [(1, 1, 1), (3, 4, 5), (7, 5, 2)])
def test_gradients(batch, inputs, units, use_bias):
    assert check_gradients(Dense(units, use_bias=use_bias), normal(batch, inputs)) < 1e-6


def test_without_bias_zeros_stay_zeros():
    assert_array_equal(run_layer(Dense(3, use_bias=False), np.zeros((2, 4))).y, np.zeros((2, 3)))


def test_macs_count_the_weights():
    model = Sequential([Dense(30)])
    model.build((20,))
    assert model.summary().macs == 600


def test_an_image_is_an_error_that_says_to_flatten():
    with pytest.raises(ValueError, match=r"put Flatten\(\) before it"):
        Dense(3).build((4, 4, 1), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"units": 0}, "units is 0"), ({"units": 2, "initializer": "ones"}, "'ones' is unknown")],
)
def test_a_bad_setting_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Dense(**settings)
