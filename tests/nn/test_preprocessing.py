"""Rescaling and Normalization: by hand, and their gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn import Normalization, Rescaling, Sequential, check_gradients
from tests.nn.layer_pass import run_layer
from tests.nn.samples import normal


@pytest.mark.parametrize("layer", [Rescaling(), Rescaling(2.5, -1)], ids=repr)
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4, 2)])
def test_gradients_of_rescaling(layer, shape):
    assert check_gradients(layer, normal(*shape)) < 1e-6


@pytest.mark.parametrize("shape", [(9, 4), (2, 3, 4, 2)])
def test_gradients_of_normalization(shape):
    x = normal(*shape) * 3 + 1
    assert check_gradients(Normalization().adapt(x), x) < 1e-6


def test_pixels_become_numbers_from_0_to_1():
    assert_allclose(run_layer(Rescaling(), np.array([[0.0, 51, 255]])).y, [[0, 0.2, 1]])


def test_scale_comes_before_offset():
    assert_array_equal(run_layer(Rescaling(2, -1), np.array([[0.0, 3]])).y, [[-1, 5]])


def test_normalization_worked_by_hand():
    images = np.array([[[[1, 10]]], [[[3, 50]]]])
    layer = Normalization().adapt(images)
    assert_array_equal(layer.state["mean"], [2, 30])
    assert_array_equal(layer.state["variance"], [1, 400])
    assert_array_equal(run_layer(layer, images.astype(float)).y.reshape(2, 2), [[-1, -1], [1, 1]])


@given(block=st.integers(1, 12))
@settings(deadline=None)
def test_the_block_does_not_change_what_adapt_finds(block):
    images = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), np.uint8)
    layer = Normalization().adapt(images, block)
    assert_allclose(layer.state["mean"], images.mean(axis=(0, 1, 2)), rtol=1e-6)
    assert_allclose(layer.state["variance"], images.var(axis=(0, 1, 2)), rtol=1e-6)


def test_adapted_images_have_mean_0_and_variance_1():
    images = normal(20, 5, 5, 3) * [1, 20, 300] + [0, 5, -100]
    y = run_layer(Normalization().adapt(images), images).y
    assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    assert_allclose(y.var(axis=(0, 1, 2)), 1, rtol=1e-5)


def test_a_channel_that_never_changes_becomes_zero():
    images = np.full((5, 2, 2, 1), 7, np.uint8)
    layer = Normalization().adapt(images)
    assert_array_equal(layer.state["variance"], [1])
    assert_array_equal(run_layer(layer, images.astype(float)).y, np.zeros((5, 2, 2, 1)))


def test_a_channel_that_never_changes_has_variance_1_whatever_its_value():
    for value in np.random.default_rng(0).uniform(0, 300, 50):
        layer = Normalization().adapt(np.full((50, 4, 4, 1), value))
        assert layer.state["variance"] == [1], f"value {value}"


def test_without_adapt_it_is_the_identity():
    x = normal(3, 4)
    assert_array_equal(run_layer(Normalization(), x).y, x)


def test_the_statistics_survive_building_and_travel_with_the_model():
    images = normal(10, 3, 3, 2) * 4 + 2
    model = Sequential([Normalization().adapt(images)])
    model.build((3, 3, 2))
    other = Sequential([Normalization()])
    other.build((3, 3, 2))
    other.load_state_dict(model.state_dict())
    assert_array_equal(other.outputs(images), model.outputs(images))
    assert other.statistics.size == 4


def test_the_statistics_are_not_learned():
    model = Sequential([Normalization().adapt(normal(4, 3))])
    model.build((3,))
    assert model.parameters.size == 0


def test_adapting_to_nothing_is_an_error():
    with pytest.raises(ValueError, match="give at least one image"):
        Normalization().adapt(np.zeros((0, 2, 2, 1)))


def test_images_of_other_channels_than_adapted_to_are_an_error():
    layer = Normalization().adapt(normal(4, 2, 2, 3))
    with pytest.raises(ValueError, match="adapt saw images of 3 channels"):
        layer.build((2, 2, 1), np.random.default_rng(0))


def test_adapting_after_building_is_refused_or_reaches_the_models_statistics():
    layer = Normalization()
    model = Sequential([layer])
    model.build((1,))
    try:
        layer.adapt(np.array([[1.0], [3]]))
    except ValueError:
        return
    assert_array_equal(model.statistics, [2, 1])
