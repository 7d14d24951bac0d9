import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numcnn.engine.layouts import BatchLast
from numcnn.engine.ops.conv_toeplitz import Toeplitz
from numcnn.engine.ops.max_pool import InPlaceMaxPool
from numcnn.nn.patches import Window
from tests.engine import naive
from tests.engine.binding import read, through
from tests.nn.samples import integers


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_the_numbers_are_those_of_the_formula(data):
    size = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    window = Window(size, (1, 1), data.draw(st.sampled_from(["valid", "same"])))
    image = data.draw(
        st.tuples(st.integers(size[0], 9), st.integers(size[1], 12), st.integers(1, 3))
    )
    possible = Toeplitz.phases_that_fit(window, image, pooled=False)
    phases, n = data.draw(st.sampled_from(possible)), data.draw(st.integers(1, 4))
    method = Toeplitz(window, image, data.draw(st.integers(1, 4)), phases)
    x, weight = integers((n, *image)), integers((*size, image[2], method.filters), seed=1)
    dy = integers((n, *method.output_shape), seed=2)
    y, dx, dweight = through(method, x, weight, dy)
    np.testing.assert_array_equal(y, naive.convolve(x, weight, window))
    for found, expected in zip((dx, dweight), naive.gradients(x, weight, dy, window), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_an_image_smaller_than_its_window():
    window = Window((5, 5), (1, 1), "same")
    method = Toeplitz(window, (2, 1, 1), 2, 1)
    x, weight, dy = integers((3, 2, 1, 1)), integers((5, 5, 1, 2), 1), integers((3, 2, 1, 2), 2)
    y, dx, dweight = through(method, x, weight, dy)
    np.testing.assert_array_equal(y, naive.convolve(x, weight, window))
    for found, expected in zip((dx, dweight), naive.gradients(x, weight, dy, window), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("phases", [1, 2, 4, 8])
def test_pooling_finds_the_windows_in_the_phases(phases):
    method = Toeplitz(Window((3, 3), (1, 1), "same"), (5, 8, 2), 3, phases)
    images = integers((4, 5, 8, 3))
    blocks = images.reshape(4, 5, 8 // phases, phases, 3)
    raw = np.ascontiguousarray(blocks.transpose(4, 3, 1, 2, 0))
    assert raw.shape == method.raw_shape(4)
    cells = method.cells(raw, 4)
    pooled = np.empty(method.pooled_layout.array_shape(method.pooled_shape, 4), np.float32)
    target = method.aligned_pooled(pooled, 4)
    InPlaceMaxPool(target.shape, training=False).forward(cells, target, np.empty_like(target))
    expected = images[:, :4].reshape(4, 2, 2, 4, 2, 3).max(axis=(2, 4))
    np.testing.assert_array_equal(read(pooled, method.pooled_layout), expected)


@pytest.mark.parametrize(
    ("window", "image", "pooled", "phases"),
    [
        (Window((3, 3), (1, 1), "same"), (8, 16, 1), True, [8, 4, 2, 1]),
        (Window((3, 3), (1, 1), "same"), (8, 12, 1), True, [4, 2, 1]),
        (Window((3, 3), (1, 1), "valid"), (8, 12, 1), True, [2, 1]),
        (Window((5, 5), (1, 1), "valid"), (28, 28, 1), True, [4, 2, 1]),
        (Window((3, 3), (1, 1), "same"), (8, 7, 1), True, [1]),
        (Window((3, 3), (1, 1), "same"), (8, 1, 1), True, []),
        (Window((3, 3), (1, 2), "same"), (8, 8, 1), False, []),
    ],
)
def test_so_many_columns_go_together_as_divide_the_width(window, image, pooled, phases):
    assert Toeplitz.phases_that_fit(window, image, pooled) == phases


def test_the_layouts_have_the_phases():
    method = Toeplitz(Window((3, 3), (1, 1), "same"), (8, 8, 2), 3, 4)
    assert method.source_layout == method.target_layout == BatchLast(4)
    assert method.pooled_layout == BatchLast(2)


def test_macs_count_the_zeros():
    # 8 rows of 2 blocks, each a product of a 2 x 3 x 6 patch with 3 filters of 4 columns.
    method = Toeplitz(Window((3, 3), (1, 1), "same"), (8, 8, 2), 3, 4)
    assert method.macs() == 8 * 2 * (2 * 3 * 6) * (3 * 4)
