"""Dropout: what it drops, how it scales, and its gradients."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn import Context, Dropout, check_gradients
from tests.nn.layer_pass import run_layer
from tests.nn.samples import normal


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("rate", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("shape", [(6, 5), (2, 3, 4, 2)])
def test_gradients(shape, rate, training):
    assert check_gradients(Dropout(rate), normal(*shape), training=training) < 1e-6


def test_what_stays_is_scaled_up_and_the_rest_is_zero():
    y = run_layer(Dropout(0.75), np.ones((100, 100))).y
    assert set(np.unique(y)) == {0, 4}


def test_the_rate_is_the_share_that_is_dropped():
    y = run_layer(Dropout(0.2), np.ones((300, 300))).y
    # 90,000 draws: the standard deviation of the share is 0.0013.
    assert abs((y == 0).mean() - 0.2) < 0.006


def test_the_mean_stays_the_same():
    assert_allclose(run_layer(Dropout(0.5), np.ones((300, 300))).y.mean(), 1, atol=0.02)


def test_the_gradient_passes_where_the_number_stayed():
    result = run_layer(Dropout(0.5), np.ones((20, 20)), np.ones((20, 20)))
    assert_array_equal(result.dx, result.y)


def test_inference_passes_everything_through():
    x = normal(4, 5)
    result = run_layer(Dropout(0.5), x, x, training=False)
    assert_array_equal(result.y, x)
    assert_array_equal(result.dx, x)


def test_the_same_generator_drops_the_same_numbers_and_another_others():
    first, again, other = (run_layer(Dropout(0.5), np.ones((9, 9)), seed=s).y for s in (1, 1, 2))
    assert_array_equal(first, again)
    assert (first != other).any()


def test_training_without_a_generator_is_an_error_with_a_remedy():
    with pytest.raises(ValueError, match=r"give one: Context\(training=True, rng="):
        Dropout(0.5).forward(np.ones((2, 2)), Context(training=True))


def test_float32_stays_float32():
    result = run_layer(Dropout(0.3), np.ones((4, 4), np.float32))
    assert result.y.dtype == result.dx.dtype == np.float32


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_a_bad_rate_is_named(rate):
    with pytest.raises(ValueError, match=f"rate is {rate}"):
        Dropout(rate)
