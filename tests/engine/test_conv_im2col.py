import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numcnn.engine.ops.conv_im2col import Im2col
from numcnn.engine.ops.max_pool import InPlaceMaxPool
from numcnn.nn.patches import Window
from tests.engine import naive
from tests.engine.binding import laid_out, read, through
from tests.nn.samples import integers


@pytest.mark.slow
@settings(deadline=None, max_examples=80)
@given(st.data())
def test_the_numbers_are_those_of_the_formula(data):
    size = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    stride = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = data.draw(st.sampled_from(["valid", "same"]))
    least = size if padding == "valid" else (1, 1)
    image = data.draw(
        st.tuples(st.integers(least[0], 9), st.integers(least[1], 9), st.integers(1, 3))
    )
    window = Window(size, stride, padding)
    method = Im2col(window, image, data.draw(st.integers(1, 4)))
    n = data.draw(st.integers(1, 4))
    x, weight = integers((n, *image)), integers((*size, image[2], method.filters), seed=1)
    dy = integers((n, *method.output_shape), seed=2)
    y, dx, dweight = through(method, x, weight, dy)
    np.testing.assert_array_equal(y, naive.convolve(x, weight, window))
    for found, expected in zip((dx, dweight), naive.gradients(x, weight, dy, window), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_pooling_leaves_out_the_row_and_the_column_that_fill_no_window():
    method = Im2col(Window((3, 3), (1, 1), "same"), (5, 7, 2), 3)
    images = integers((4, 5, 7, 3))
    raw = laid_out(images, method.target_layout).reshape(method.raw_shape(4))
    pooled = np.empty(method.pooled_layout.array_shape(method.pooled_shape, 4), np.float32)
    target = method.aligned_pooled(pooled, 4)
    InPlaceMaxPool(target.shape, training=False).forward(
        method.cells(raw, 4), target, np.empty_like(target)
    )
    expected = images[:, :4, :6].reshape(4, 2, 2, 3, 2, 3).max(axis=(2, 4))
    np.testing.assert_array_equal(read(pooled, method.pooled_layout), expected)


def test_macs_are_those_of_the_formula():
    method = Im2col(Window((3, 2), (2, 1), "valid"), (7, 5, 4), 6)
    assert method.macs() == 3 * 4 * (3 * 2 * 4) * 6
