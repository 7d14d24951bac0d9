"""Conv2D: by hand, against the loops, and its gradients."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn import Conv2D, Flatten, Sequential, check_gradients
from tests.nn.layer_pass import run_layer
from tests.nn.samples import normal
from tests.reference.convolution import convolve, convolve_backward

NINE = np.arange(1.0, 10).reshape(1, 3, 3, 1)
ONE_TO_FOUR = np.arange(1.0, 5).reshape(2, 2, 1, 1)

GRID = [
    (shape, kernel, stride, padding)
    for shape, kernel, stride, padding in product(
        [(5, 5), (6, 7)],
        [(1, 1), (2, 2), (3, 3), (2, 3), (5, 4)],
        [(1, 1), (2, 2), (1, 3), (3, 2)],
        ["valid", "same"],
    )
]


def test_each_output_is_the_sum_of_pixels_times_weights_without_flipping_the_filter():
    result = run_layer(Conv2D(1, 2), NINE, params={"weight": ONE_TO_FOUR, "bias": [0]})
    # 1*1 + 2*2 + 4*3 + 5*4 = 37, and so on. A flipped filter would give 23 first.
    assert_array_equal(result.y[0, :, :, 0], [[37, 47], [67, 77]])


def test_the_bias_is_added_everywhere():
    result = run_layer(Conv2D(1, 2), NINE, params={"weight": ONE_TO_FOUR, "bias": [100]})
    assert_array_equal(result.y[0, :, :, 0], [[137, 147], [167, 177]])


def test_gradients_worked_by_hand():
    dy = np.ones((1, 2, 2, 1))
    result = run_layer(Conv2D(1, 2), NINE, dy, params={"weight": ONE_TO_FOUR, "bias": [0]})
    # The corner of the filter has met 1, 2, 4 and 5.
    assert_array_equal(result.grads["weight"][:, :, 0, 0], [[12, 16], [24, 28]])
    assert_array_equal(result.grads["bias"], [4])
    # The pixel in the middle has met all four weights, a corner pixel one.
    assert_array_equal(result.dx[0, :, :, 0], [[1, 3, 2], [4, 10, 6], [3, 7, 4]])


def test_same_puts_the_odd_row_and_column_of_zeros_at_the_bottom_and_right():
    layer = Conv2D(1, 2, padding="same")
    result = run_layer(layer, NINE, params={"weight": ONE_TO_FOUR, "bias": [0]})
    # Last column: 3*1 + 6*3 = 21, 6*1 + 9*3 = 33; last row: 7*1 + 8*2 = 23, 8*1 + 9*2 = 26; 9.
    assert_array_equal(result.y[0, :, :, 0], [[37, 47, 21], [67, 77, 33], [23, 26, 9]])


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), GRID)
def test_agrees_with_the_loops(shape, kernel, stride, padding):
    layer = Conv2D(3, kernel, stride, padding)
    x = normal(2, *shape, 2)
    result = run_layer(layer, x)
    weight, bias = result.params["weight"], result.params["bias"]
    assert_allclose(result.y, convolve(x, weight, bias, stride, padding), rtol=1e-12, atol=1e-12)
    dy = normal(*result.y.shape, seed=1)
    again = run_layer(layer, x, dy)
    dx, dweight, dbias = convolve_backward(dy, x, weight, stride, padding)
    assert_allclose(again.dx, dx, rtol=1e-12, atol=1e-12)
    assert_allclose(again.grads["weight"], dweight, rtol=1e-12, atol=1e-12)
    assert_allclose(again.grads["bias"], dbias, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), GRID)
def test_gradients(shape, kernel, stride, padding):
    assert check_gradients(Conv2D(3, kernel, stride, padding), normal(2, *shape, 2)) < 1e-6


def test_gradients_without_bias():
    assert check_gradients(Conv2D(3, 3, use_bias=False), normal(2, 5, 5, 2)) < 1e-6


def test_gradients_of_one_convolution_on_another():
    layers = [Conv2D(3, 3, padding="same"), Conv2D(2, 2, 2)]
    assert check_gradients(layers, normal(2, 6, 6, 1)) < 1e-6


@given(
    batch=st.integers(1, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.sampled_from(["valid", "same"]),
)
@settings(max_examples=60, deadline=None)
def test_any_setting_gives_the_promised_shape_and_right_gradients(
    batch, height, width, channels, filters, kernel, stride, padding
):
    layer = Conv2D(filters, kernel, stride, padding)
    image_shape = (height, width, channels)
    if padding == "valid" and (kernel[0] > height or kernel[1] > width):
        with pytest.raises(ValueError, match="does not fit"):
            layer.build(image_shape, np.random.default_rng(0))
        return
    promised = layer.build(image_shape, np.random.default_rng(0))
    x = normal(batch, *image_shape)
    assert run_layer(layer, x).y.shape == (batch, *promised)
    assert check_gradients(layer, x) < 1e-6


@given(
    height=st.integers(1, 30), width=st.integers(1, 30), stride=st.integers(1, 5),
    kernel=st.integers(1, 7),
)  # fmt: skip
@settings(deadline=None)
def test_same_has_a_position_for_every_stride_th_pixel(height, width, stride, kernel):
    layer = Conv2D(1, kernel, stride, "same")
    rows, columns, _ = layer.build((height, width, 1), np.random.default_rng(0))
    assert (rows, columns) == (-(-height // stride), -(-width // stride))


def test_a_kernel_of_1_is_a_dense_layer_at_every_pixel():
    x = normal(2, 3, 4, 5)
    result = run_layer(Conv2D(6, 1), x)
    matrix = result.params["weight"].reshape(5, 6)
    assert_allclose(result.y, x @ matrix + result.params["bias"], rtol=1e-12)


def test_a_kernel_of_the_images_size_is_a_dense_layer_on_the_flat_image():
    x = normal(2, 3, 4, 5)
    result = run_layer(Conv2D(6, (3, 4)), x)
    flat = x.reshape(2, -1) @ result.params["weight"].reshape(-1, 6) + result.params["bias"]
    assert_allclose(result.y.reshape(2, 6), flat, rtol=1e-12)


def test_the_output_moves_with_the_input():
    x = normal(1, 8, 8, 1)
    layer = Conv2D(2, 3)
    moved = run_layer(layer, np.roll(x, 1, axis=2)).y
    assert_allclose(moved[:, :, 1:], run_layer(layer, x).y[:, :, :-1], rtol=1e-12)


def test_float32_stays_float32():
    result = run_layer(Conv2D(3, 3), normal(2, 5, 5, 1).astype(np.float32))
    arrays = [result.y, result.dx, *result.grads.values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_the_bias_starts_at_zero_and_can_be_left_out():
    layer = Conv2D(3)
    layer.build((5, 5, 1), np.random.default_rng(0))
    assert_array_equal(layer.params["bias"], np.zeros(3))
    layer = Conv2D(3, use_bias=False)
    layer.build((5, 5, 1), np.random.default_rng(0))
    assert layer.params.keys() == {"weight"}


def test_macs_count_one_patch_for_each_output_number():
    model = Sequential([Conv2D(6, 5), Flatten()])
    model.build((28, 28, 3))
    assert model.summary().macs == 24 * 24 * 6 * (5 * 5 * 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"filters": 0}, "filters is 0"),
        ({"kernel_size": 0}, "kernel_size is 0"),
        ({"kernel_size": (3, 0)}, "kernel_size is"),
        ({"kernel_size": (3, 3, 3)}, "kernel_size is"),
        ({"kernel_size": (2.5, 2)}, "kernel_size is"),
        ({"stride": -1}, "stride is -1"),
        ({"padding": "full"}, "padding is 'full'; choose"),
        ({"initializer": "zeros"}, "initializer 'zeros' is unknown; choose one of"),
    ],
)
def test_a_bad_setting_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Conv2D(**{"filters": 2, **settings})


@pytest.mark.parametrize("size", [2.5, None])
def test_a_size_of_another_type_is_named(size):
    with pytest.raises(ValueError, match="kernel_size is"):
        Conv2D(2, size)


def test_a_size_may_be_an_integer_of_numpy():
    assert Conv2D(2, np.int64(3)).window.size == (3, 3)


def test_a_kernel_larger_than_the_image_is_an_error_with_a_remedy():
    with pytest.raises(ValueError, match=r"window of 5 x 5 does not fit into an input of 4 x 9"):
        Conv2D(1, 5).build((4, 9, 1), np.random.default_rng(0))


@pytest.mark.parametrize("input_shape", [(28, 28), (784,), (1, 28, 28, 1)])
def test_an_input_that_is_no_image_is_an_error_with_a_remedy(input_shape):
    with pytest.raises(ValueError, match=r"images are \(height, width, channels\)"):
        Conv2D(1).build(input_shape, np.random.default_rng(0))
