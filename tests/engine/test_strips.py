import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numcnn.engine.strips import strips
from tests.nn.samples import integers


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 24), st.integers(1, 36), st.integers(1, 3000))
def test_the_product_is_the_same(rows, inner, columns):
    matrix, right = integers((rows, inner)), integers((inner, columns), seed=1)
    out = np.full((rows, columns), np.nan, np.float32)
    cut_right, cut_out = strips(matrix, right, out)
    assert np.shares_memory(cut_right, right)
    np.matmul(matrix, cut_right, out=cut_out)
    np.testing.assert_array_equal(out, matrix @ right)


@pytest.mark.parametrize(
    ("columns", "width"),
    [
        (100, 100),  # short enough
        (4096, 1024),  # the widest divisor with 16 x 36 x width of at most a million
        (1709 * 2, 1709),
        (3001, 3001),  # a prime: no good divisor, so one strip
        (127 * 29, 127 * 29),  # its divisors are too narrow
    ],
)
def test_strips_are_as_wide_as_can_be(columns, width):
    matrix, right = integers((16, 36)), integers((36, columns))
    cut, _ = strips(matrix, right, np.empty((16, columns), np.float32))
    assert cut.shape == (columns // width, 36, width)


def test_the_search_is_short_for_a_tiny_matrix():
    matrix, right = integers((1, 1)), integers((1, 997))
    start = time.perf_counter()
    for _ in range(100):
        strips(matrix, right, right.copy())
    assert time.perf_counter() - start < 1
