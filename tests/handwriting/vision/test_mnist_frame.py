import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits

from numcnn.handwriting.vision import find_digits, stroke_width, to_mnist_frame
from numcnn.handwriting.vision.mnist_frame import STROKES
from tests.handwriting.vision.strokes import draw, write


def center(image):
    index = np.arange(28)
    weights = image / image.sum()
    return (weights.sum(axis=1) * index).sum(), (weights.sum(axis=0) * index).sum()


def extent(image):
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def drawn(text="2", size=200, width=14):
    strokes = write(text, size * 0.3, size * 0.15, size * 0.7)
    return find_digits(draw((size, size), strokes, width)).regions[0].ink


@pytest.mark.parametrize("digit", "012457")
@pytest.mark.parametrize("size", [40, 100, 400, 1000])
def test_the_box_has_20_pixels_and_the_mass_is_central(digit, size):
    image = to_mnist_frame(drawn(digit, size, max(2, size // 15)))
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert max(extent(image)) == 20
    assert image.max() > 180
    if max(extent(image)) - min(extent(image)) < 8:  # a 1 or a 7 may have to stay in the frame
        np.testing.assert_allclose(center(image), 14, atol=0.52)


def test_the_shape_is_kept():
    height, width = extent(to_mnist_frame(drawn("1", 200, 14)))
    assert height == 20
    assert width <= 4
    assert extent(to_mnist_frame(np.ones((10, 40), np.float32)))[1] == 20


@pytest.mark.parametrize("width", [2, 4, 12, 24, 60])
def test_strokes_get_a_width_that_mnist_has(width):
    image = to_mnist_frame(drawn("7", 400, width))
    fine = Image.fromarray(image).resize((168, 168), Image.Resampling.BICUBIC)
    measured = stroke_width(np.asarray(fine) / 255) / 6
    assert STROKES[0] - 0.2 < measured < STROKES[1] + 0.4
    assert max(extent(image)) == 20


def test_stroke_width_of_a_bar():
    bar = np.zeros((40, 400), np.float32)
    bar[10:22, 5:395] = 1
    assert stroke_width(bar) == pytest.approx(12, rel=0.06)
    assert stroke_width(np.zeros((5, 5), np.float32)) == 0


def mnist_like(digit):
    """Scikit-learn's 8 x 8 digits in MNIST's frame."""
    image = Image.fromarray((digit * 255 / 16).astype(np.float32))
    large = np.clip(np.asarray(image.resize((20, 20), Image.Resampling.BICUBIC)), 0, 255)
    large = np.clip((large - 100) * 2, 0, 255) / 255
    return to_mnist_frame(large.astype(np.float32))


DIGITS = [mnist_like(image) for image in load_digits().images[::36]]


@pytest.mark.parametrize("paper", ["black", "white"])
def test_what_is_in_the_frame_already_stays_as_it_is(paper):
    # Bigger pictures of the same, too.
    differences = []
    for image in DIGITS:
        page = find_digits(image if paper == "black" else 255 - image)
        assert len(page.regions) == 1
        differences.append(np.abs(page.images()[0].astype(int) - image).mean())
    assert np.median(differences) < 1
    assert np.mean(np.array(differences) > 3) < 0.1


def test_enlarged_pictures_come_back():
    for image in DIGITS[::5]:
        large = Image.fromarray(image).resize((280, 280), Image.Resampling.BICUBIC)
        (back,) = find_digits(large).images()
        assert np.abs(back.astype(int) - image).mean() < 16


@pytest.mark.slow
@given(
    st.integers(1, 60), st.integers(1, 60), st.integers(0, 99), st.sampled_from([0.0, 0.5, 0.99])
)
@settings(max_examples=60, deadline=None)
def test_any_ink_is_framed(height, width, seed, empty):
    rng = np.random.default_rng(seed)
    ink = (rng.random((height, width)) * (rng.random((height, width)) >= empty)).astype(np.float32)
    image = to_mnist_frame(ink)
    assert image.shape == (28, 28)
    assert image.any() or ink.max() < 0.3


def test_no_ink():
    assert not to_mnist_frame(np.zeros((9, 9), np.float32)).any()
    assert not to_mnist_frame(np.zeros((0, 0), np.float32)).any()
