"""Filters whose window may be larger than the picture: SciPy's answer, and never beside it."""

import numpy as np
import pytest
from scipy import ndimage

from numcnn.handwriting.vision import window
from numcnn.handwriting.vision.ink import find_ink
from numcnn.handwriting.vision.paper import extend_paper

SHAPES = [(1, 1), (1, 40), (2, 40), (3, 40), (40, 3), (5, 7), (26, 31)]
SIZES = [2, 3, 8, 25, 51]


def values(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


def median_by_hand(array, size):
    reach = size // 2
    padded = np.pad(array, reach, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    return np.median(windows, axis=(2, 3))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [3, 7, 25, 41])
def test_the_median_is_right_however_large_the_window(shape, size):
    array = values(shape)
    np.testing.assert_array_equal(window.median_filter(array, size), median_by_hand(array, size))


def test_the_median_takes_a_side_for_each_axis():
    array = values((2, 50, 3))
    expected = np.stack([median_by_hand(array[..., k], 7) for k in range(3)], axis=-1)
    np.testing.assert_array_equal(window.median_filter(array, (7, 7, 1)), expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["maximum_filter", "minimum_filter"])
def test_extremes_are_those_of_scipy(shape, size, name):
    array = values(shape)
    expected = getattr(ndimage, name)(array, size)
    np.testing.assert_array_equal(getattr(window, name)(array, size), expected)


@pytest.mark.parametrize("size", SIZES)
def test_the_minimum_with_a_repeated_border_is_that_of_scipy(size):
    array = values((3, 40))
    expected = ndimage.minimum_filter(array, size, mode="nearest")
    np.testing.assert_array_equal(window.minimum_filter(array, size, "nearest"), expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [3, 25, 51])
@pytest.mark.parametrize("name", ["grey_closing", "grey_opening"])
def test_closing_and_opening_are_those_of_scipy(shape, size, name):
    array = values(shape)
    expected = getattr(ndimage, name)(array, (size, size))
    np.testing.assert_array_equal(getattr(window, name)(array, size), expected)


def test_no_window_is_larger_than_its_picture_needs():
    assert window.covering(40_825, (8, 500_000)) == (17, 40_825)
    assert window.covering(40_824, (8, 500_000)) == (16, 40_824)


@pytest.mark.parametrize("shape", [(8, 400), (19, 335), (9, 3000), (400, 8)])
def test_ink_is_found_on_a_strip(shape):
    pixels = np.full((*shape, 3), 230, np.uint8)
    pixels[3:6, 3:6] = 30
    ink = find_ink(pixels)
    assert ink.amount[4, 4] > 0.99
    assert not ink.amount[7:, 7:].any()


def test_a_narrow_sheet_is_continued():
    pixels = np.full((104, 40_000, 3), 200, np.uint8)
    sheet = np.ones(pixels.shape[:2], bool)
    sheet[:, :500] = False
    assert extend_paper(pixels, sheet).shape == pixels.shape
