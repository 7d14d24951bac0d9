"""The pools: by hand, against the loops, and their gradients."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn import AveragePool2D, GlobalAveragePool2D, MaxPool2D, check_gradients
from tests.nn.layer_pass import run_layer
from tests.nn.samples import apart, normal
from tests.reference import pooling as loops

SIXTEEN = np.arange(1.0, 17).reshape(1, 4, 4, 1)
POOLS = [
    pytest.param(MaxPool2D, loops.max_pool, loops.max_pool_backward, id="max"),
    pytest.param(AveragePool2D, loops.average_pool, loops.average_pool_backward, id="average"),
]
# Overlapping, gapped and not square; 7 and 5 are sizes that most of them do not cover.
GRID = list(
    product(
        [(6, 6), (7, 5)],
        [(1, 1), (2, 2), (3, 3), (2, 3)],
        [(1, 1), (2, 2), (3, 1), (4, 3)],
        ["valid", "same"],
    )
)


def test_max_pool_worked_by_hand():
    result = run_layer(MaxPool2D(2), SIXTEEN, np.array([1.0, 2, 3, 4]).reshape(1, 2, 2, 1))
    assert_array_equal(result.y[0, :, :, 0], [[6, 8], [14, 16]])
    assert_array_equal(
        result.dx[0, :, :, 0], [[0, 0, 0, 0], [0, 1, 0, 2], [0, 0, 0, 0], [0, 3, 0, 4]]
    )


def test_average_pool_worked_by_hand():
    result = run_layer(AveragePool2D(2), SIXTEEN, np.array([4.0, 8, 12, 16]).reshape(1, 2, 2, 1))
    assert_array_equal(result.y[0, :, :, 0], [[3.5, 5.5], [11.5, 13.5]])
    assert_array_equal(
        result.dx[0, :, :, 0], [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    )


def test_global_average_pool_worked_by_hand():
    x = np.array([[[[1.0, 10], [2, 20]], [[3, 30], [6, 60]]]])
    result = run_layer(GlobalAveragePool2D(), x, np.array([[4.0, 8]]))
    assert_array_equal(result.y, [[3, 30]])
    assert_array_equal(result.dx, np.broadcast_to([1, 2], (1, 2, 2, 2)))


def test_on_a_tie_the_first_cell_gets_the_whole_gradient():
    result = run_layer(MaxPool2D(2), np.zeros((1, 2, 2, 1)), np.ones((1, 1, 1, 1)))
    assert_array_equal(result.dx[0, :, :, 0], [[1, 0], [0, 0]])


def test_on_a_tie_of_later_cells_the_first_of_them_gets_the_gradient():
    x = np.array([0.0, 5, 5, 5]).reshape(1, 2, 2, 1)
    result = run_layer(MaxPool2D(2), x, np.ones((1, 1, 1, 1)))
    assert_array_equal(result.dx[0, :, :, 0], [[0, 1], [0, 0]])


def test_in_overlapping_windows_a_winner_gets_the_gradient_of_each_window_that_it_wins():
    x = np.array([0.0, 9, 0]).reshape(1, 1, 3, 1)
    result = run_layer(MaxPool2D((1, 2), 1), x, np.array([1.0, 10]).reshape(1, 1, 2, 1))
    assert_array_equal(result.dx.ravel(), [0, 11, 0])


def test_the_largest_of_negative_numbers_is_negative_at_the_padded_edge_too():
    result = run_layer(MaxPool2D(2, padding="same"), np.full((1, 3, 3, 1), -1.0))
    assert_array_equal(result.y, np.full((1, 2, 2, 1), -1.0))


def test_the_average_counts_only_real_pixels_at_the_padded_edge():
    result = run_layer(AveragePool2D(2, padding="same"), np.ones((1, 3, 3, 1)))
    assert_array_equal(result.y, np.ones((1, 2, 2, 1)))


def test_valid_leaves_out_pixels_that_no_whole_window_covers():
    result = run_layer(MaxPool2D(2), SIXTEEN[:, :3, :3], np.ones((1, 1, 1, 1)))
    assert_array_equal(result.dx[0, :, :, 0], [[0, 0, 0], [0, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize(("pool", "forward", "backward"), POOLS)
@pytest.mark.parametrize(("shape", "size", "stride", "padding"), GRID)
def test_agrees_with_the_loops(pool, forward, backward, shape, size, stride, padding):
    x = apart(2, *shape, 2)
    y = forward(x, size, stride, padding)
    dy = normal(*y.shape)
    result = run_layer(pool(size, stride, padding), x, dy)
    assert_allclose(result.y, y, rtol=1e-12)
    assert_allclose(result.dx, backward(dy, x, size, stride, padding), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "stride"), [((2, 2), (2, 2)), ((3, 3), (1, 1)), ((2, 3), (1, 2))])
def test_max_pool_agrees_with_the_loops_on_pictures_full_of_ties(size, stride, padding):
    x = np.random.default_rng(0).integers(0, 2, (3, 6, 5, 2)).astype(np.float64)
    y = loops.max_pool(x, size, stride, padding)
    dy = normal(*y.shape)
    result = run_layer(MaxPool2D(size, stride, padding), x, dy)
    assert_array_equal(result.y, y)
    assert_allclose(
        result.dx, loops.max_pool_backward(dy, x, size, stride, padding), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("pool", [MaxPool2D, AveragePool2D])
@pytest.mark.parametrize(("shape", "size", "stride", "padding"), GRID)
def test_gradients(pool, shape, size, stride, padding):
    assert check_gradients(pool(size, stride, padding), apart(2, *shape, 2)) < 1e-6


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 5)])
def test_gradients_of_the_global_average(shape):
    assert check_gradients(GlobalAveragePool2D(), normal(2, *shape, 3)) < 1e-6


@given(
    pool=st.sampled_from([MaxPool2D, AveragePool2D]),
    height=st.integers(1, 8),
    width=st.integers(1, 8),
    channels=st.integers(1, 3),
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.none() | st.tuples(st.integers(1, 5), st.integers(1, 5)),
    padding=st.sampled_from(["valid", "same"]),
)
@settings(max_examples=60, deadline=None)
def test_any_setting_gives_the_promised_shape_and_right_gradients(
    pool, height, width, channels, size, stride, padding
):
    layer = pool(size, stride, padding)
    if padding == "valid" and (size[0] > height or size[1] > width):
        with pytest.raises(ValueError, match="does not fit"):
            layer.build((height, width, channels), np.random.default_rng(0))
        return
    x = apart(2, height, width, channels)
    promised = layer.build(x.shape[1:], np.random.default_rng(0))
    assert run_layer(layer, x).y.shape == (2, *promised)
    assert check_gradients(layer, x) < 1e-6


@given(
    size=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same"]),
    seed=st.integers(0, 1000),
)
@settings(deadline=None)
def test_a_max_pool_hands_on_all_of_the_gradient_whatever_the_ties(size, stride, padding, seed):
    x = np.random.default_rng(seed).integers(0, 3, (2, 5, 5, 2)).astype(np.float64)
    y = run_layer(MaxPool2D(size, stride, padding), x).y
    result = run_layer(MaxPool2D(size, stride, padding), x, np.ones(y.shape))
    assert result.dx.sum() == y.size


@pytest.mark.parametrize("pool", [MaxPool2D, AveragePool2D])
def test_the_stride_is_the_windows_size_unless_said_otherwise(pool):
    assert pool((2, 3)).window.stride == (2, 3)
    assert pool((2, 3), 1).window.stride == (1, 1)


@pytest.mark.parametrize("layer", [MaxPool2D(), AveragePool2D(), GlobalAveragePool2D()], ids=repr)
def test_float32_stays_float32(layer):
    result = run_layer(layer, normal(2, 5, 5, 1).astype(np.float32))
    assert result.y.dtype == result.dx.dtype == np.float32


@pytest.mark.parametrize("pool", [MaxPool2D, AveragePool2D])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pool_size": 0}, "pool_size is 0"),
        ({"stride": (0, 1)}, "stride is"),
        ({"padding": "half"}, "padding is 'half'"),
    ],
)
def test_a_bad_setting_is_named(pool, settings, message):
    with pytest.raises(ValueError, match=message):
        pool(**settings)


@pytest.mark.parametrize("layer", [MaxPool2D(), AveragePool2D(), GlobalAveragePool2D()], ids=repr)
def test_an_input_that_is_no_image_is_an_error(layer):
    with pytest.raises(ValueError, match=r"images are \(height, width, channels\)"):
        layer.build((28, 28), np.random.default_rng(0))
