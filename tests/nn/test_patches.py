"""im2col and col2im: every patch a row, and back."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn.patches import Window, col2im, im2col
from tests.nn.samples import normal

NINE = np.arange(1.0, 10).reshape(1, 3, 3, 1)

windows = st.builds(
    Window,
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.sampled_from(["valid", "same"]),
)


def test_a_patch_is_a_row():
    rows = im2col(NINE, Window((2, 2), (1, 1), "valid"))
    assert_array_equal(rows, [[1, 2, 4, 5], [2, 3, 5, 6], [4, 5, 7, 8], [5, 6, 8, 9]])


def test_a_row_holds_all_channels_of_a_pixel_before_the_next_pixel():
    x = np.array([[[[1, 10], [2, 20]]]])
    assert_array_equal(im2col(x, Window((1, 2), (1, 1), "valid")), [[1, 10, 2, 20]])


def test_putting_the_patches_back_counts_each_pixel_as_often_as_it_was_seen():
    window = Window((2, 2), (1, 1), "valid")
    back = col2im(np.ones((4, 4)), (3, 3, 1), window)
    assert_array_equal(back[0, :, :, 0], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])


@given(window=windows, height=st.integers(4, 8), width=st.integers(4, 8))
@settings(deadline=None)
def test_col2im_is_the_adjoint_of_im2col(window, height, width):
    x = normal(2, height, width, 3)
    rows = im2col(x, window)
    c = normal(*rows.shape, seed=1)
    assert_allclose((rows * c).sum(), (x * col2im(c, x.shape[1:], window)).sum(), rtol=1e-9)


@given(window=windows, height=st.integers(4, 8), width=st.integers(4, 8))
@settings(deadline=None)
def test_crop_undoes_pad(window, height, width):
    x = normal(2, height, width, 3)
    assert_array_equal(window.crop(window.pad(x), x.shape[1:]), x)


def test_same_gives_the_odd_margin_to_the_bottom_and_right():
    padded = Window((2, 4), (1, 1), "same").pad(np.ones((1, 3, 3, 1)))
    assert_array_equal(
        padded[0, :, :, 0],
        [[0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]],
    )


def test_nothing_is_copied_where_nothing_is_padded():
    assert Window((2, 2), (1, 1), "valid").pad(NINE) is NINE


def test_im2col_keeps_the_images_as_they_are():
    x = NINE.copy()
    im2col(x, Window((2, 2), (1, 1), "same"))[...] = 0
    assert_array_equal(x, NINE)


def test_no_image_has_no_patch():
    rows = im2col(np.zeros((0, 3, 3, 2)), Window((2, 2), (1, 1), "valid"))
    assert rows.shape == (0, 8)
