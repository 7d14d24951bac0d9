from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numcnn.engine.ops.conv_winograd import FILTER, INPUT, OUTPUT, REACH, TILE, Winograd
from numcnn.engine.ops.max_pool import InPlaceMaxPool
from numcnn.nn.patches import Window
from tests.engine import naive
from tests.engine.binding import laid_out, read, through
from tests.nn.samples import integers, normal

WINDOW = Window((3, 3), (1, 1), "valid")


def fractions(array):
    """The same numbers without rounding; what was meant as a 24th is one."""
    exact = [Fraction(float(value)).limit_denominator(24) for value in array.flat]
    return np.array(exact, object).reshape(array.shape)


@pytest.mark.slow
def test_the_matrices_make_a_convolution_exactly():
    # Both sides are linear in tile and filter: equal on all pairs of units, equal always.
    b, g, a = map(fractions, (INPUT, FILTER, OUTPUT))
    for pixel in np.ndindex(REACH, REACH):
        tile = np.full((REACH, REACH), Fraction(0))
        tile[pixel] = Fraction(1)
        transformed = b @ tile @ b.T
        for cell in np.ndindex(3, 3):
            weight = np.full((3, 3), Fraction(0))
            weight[cell] = Fraction(1)
            found = a @ ((g @ weight @ g.T) * transformed) @ a.T
            expected = naive.convolve(tile[None, ..., None], weight[..., None, None], WINDOW)
            assert (found == expected[0, ..., 0]).all(), (pixel, cell)


@pytest.mark.parametrize("matrix", [INPUT, FILTER, OUTPUT])
def test_the_matrices_are_the_fractions_next_to_them(matrix):
    np.testing.assert_array_equal(matrix, fractions(matrix).astype(np.float64))


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.data())
def test_the_numbers_are_those_of_the_formula(data):
    padding = data.draw(st.sampled_from(["valid", "same"]))
    least = 3 if padding == "valid" else 1
    sides = st.integers(least, 11)
    image = data.draw(st.tuples(sides, sides, st.sampled_from([1, 2, 8])))
    window = Window((3, 3), (1, 1), padding)
    method = Winograd(window, image, data.draw(st.sampled_from([1, 3, 8])))
    n = data.draw(st.integers(1, 4))
    x, weight = normal(n, *image), normal(3, 3, image[2], method.filters, seed=1)
    dy = normal(n, *method.output_shape, seed=2)
    found = through(method, *(array.astype(np.float32) for array in (x, weight, dy)))
    expected = naive.convolve(x, weight, window), *naive.gradients(x, weight, dy, window)
    for one, other in zip(found, expected, strict=True):
        assert np.linalg.norm(one - other) <= 4e-6 * np.linalg.norm(other)


def test_backward_is_the_adjoint_of_forward():
    window = Window((3, 3), (1, 1), "same")
    method = Winograd(window, (9, 6, 5), 7)
    x, weight, dy = (
        normal(*shape, seed=seed).astype(np.float32)
        for seed, shape in enumerate([(3, 9, 6, 5), (3, 3, 5, 7), (3, 9, 6, 7)])
    )
    y, dx, dweight = (array.astype(np.float64) for array in through(method, x, weight, dy))
    size = np.linalg.norm(y) * np.linalg.norm(dy)
    for one, other in ((x, dx), (weight, dweight)):
        assert abs((y * dy).sum() - (one * other).sum()) <= 1e-6 * size


@pytest.mark.parametrize("side", [5, 6, 8, 9])
def test_pooling_finds_the_windows_in_the_tiles(side):
    method = Winograd(Window((3, 3), (1, 1), "same"), (8, side, 2), 3)
    images = integers((4, 8, side, 3))
    image = laid_out(images, method.target_layout)
    raw = image.reshape(method.raw_shape(4)) if method.raw_is_target else None
    if raw is None:
        raw = np.ascontiguousarray(method.aligned(image, 4))
    assert raw.shape == method.raw_shape(4)
    pooled = np.empty(method.pooled_layout.array_shape(method.pooled_shape, 4), np.float32)
    target = method.aligned_pooled(pooled, 4)
    InPlaceMaxPool(target.shape, training=False).forward(
        method.cells(raw, 4), target, np.empty_like(target)
    )
    half = side // 2
    expected = images[:, :, : 2 * half].reshape(4, 4, 2, half, 2, 3).max(axis=(2, 4))
    np.testing.assert_array_equal(read(pooled, method.pooled_layout), expected)


@pytest.mark.parametrize(
    ("size", "stride", "fits"),
    [((3, 3), (1, 1), True), ((3, 3), (2, 1), False), ((3, 2), (1, 1), False)],
)
def test_it_is_for_3x3_with_stride_1(size, stride, fits):
    assert Winograd.fits(Window(size, stride, "same")) == fits


def test_it_multiplies_less_the_more_channels_there_are():
    plain = 32 * 32 * 9 * 256 * 256
    method = Winograd(Window((3, 3), (1, 1), "same"), (32, 32, 256), 256)
    tiles, points = (32 // TILE) ** 2, REACH**2
    transforms = tiles * points * (points * 256 + TILE**2 * 256)
    assert method.macs() == plain / 4 + transforms
