"""Flatten."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from numcnn.nn import Context, Flatten, check_gradients
from tests.nn.layer_pass import run_layer
from tests.nn.samples import normal


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4, 5), (1, 1, 1, 1)])
def test_gradients(shape):
    assert check_gradients(Flatten(), normal(*shape)) < 1e-6


def test_an_example_becomes_a_row_in_reading_order():
    x = np.arange(8.0).reshape(1, 2, 2, 2)
    assert_array_equal(run_layer(Flatten(), x).y, [[0, 1, 2, 3, 4, 5, 6, 7]])


def test_backward_undoes_forward():
    x = normal(2, 3, 4, 5)
    assert_array_equal(run_layer(Flatten(), x, x.reshape(2, -1)).dx, x)


def test_build_promises_the_number_of_features():
    assert Flatten().build((3, 4, 5), np.random.default_rng(0)) == (60,)


def test_no_example_becomes_no_row():
    assert Flatten().forward(np.zeros((0, 2, 3)), Context()).shape == (0, 6)
