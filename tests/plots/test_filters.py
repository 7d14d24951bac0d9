import numpy as np
import pytest

from numcnn.plots import filter_grid
from tests.plots.helpers import assert_nothing_clipped, words

pytestmark = pytest.mark.slow


def weights(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_one_channel_is_a_grid_on_one_scale_about_zero():
    values = weights(5, 5, 1, 20)
    figure = filter_grid(values, name="conv1")
    images = figure.axes[0].images
    assert len(images) == 20
    for k, image in enumerate(images):
        np.testing.assert_allclose(image.get_array(), values[:, :, 0, k])
        limit = np.abs(values).max()
        assert image.get_clim() == (pytest.approx(-limit), pytest.approx(limit))
    shown = words(figure)
    assert "conv1: 20 filters of 5 × 5" in shown  # noqa: RUF001
    assert {"1 input channel", "Weight", "0", "8", "16"} <= set(shown)


def test_three_channels_are_rgb_scaled_together():
    values = weights(3, 3, 3, 4)
    values[0, 0, 0, 2] = 9
    figure = filter_grid(values)
    tiles = np.stack([image.get_array() for image in figure.axes[0].images], axis=-1)
    np.testing.assert_allclose(tiles, 0.5 + values / 18, atol=1e-6)
    assert len(figure.axes) == 1  # no color scale
    assert "RGB input, mid-gray is zero" in words(figure)


def test_other_channels_are_a_table_of_filters_by_channels():
    values = weights(3, 3, 2, 5)
    figure = filter_grid(values)
    images = figure.axes[0].images
    assert len(images) == 10
    for image in images:
        left, _, _, top = image.get_extent()
        place = sorted({i.get_extent()[0] for i in images}).index(left)
        row = sorted({i.get_extent()[3] for i in images}).index(top)
        np.testing.assert_allclose(image.get_array(), values[:, :, place, row])
    assert {"2 input channels", "Input channel", "Filter"} <= set(words(figure))


@pytest.mark.parametrize(
    ("shape", "note"),
    [
        ((3, 3, 1, 65), "1 input channel; the first 64 filters are shown"),
        ((7, 7, 3, 96), "RGB input, mid-gray is zero; the first 64 filters are shown"),
        ((3, 3, 32, 64), "32 input channels; the first 16 filters and 16 channels are shown"),
        ((3, 3, 6, 64), "6 input channels; the first 16 filters and 6 channels are shown"),
    ],
)
def test_what_is_left_out_is_said(shape: tuple[int, ...], note: str):
    assert note in words(filter_grid(weights(*shape)))


@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 1), (1, 1, 64, 32), (5, 1, 1, 3), (3, 7, 3, 1), (3, 3, 2, 1), (9, 9, 1, 64)]
)
def test_edge_shapes(shape: tuple[int, ...]):
    assert_nothing_clipped(filter_grid(weights(*shape) * 1e-7, name="a layer"))


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_zeros_and_values_that_are_not_finite(channels: int):
    values = np.zeros((3, 3, channels, 4))
    assert_nothing_clipped(filter_grid(values))
    values[0, 0, 0] = np.nan
    values[1, 1, 0] = np.inf
    assert_nothing_clipped(filter_grid(values))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((3, 3, 1)), r"weights has the shape \(3, 3, 1\); pass \(height, width"),
        (np.zeros((3, 3, 1, 0)), r"weights has the shape \(3, 3, 1, 0\), without a value"),
        (np.zeros((3, 3, 1, 2), dtype=complex), "weights has the type complex128"),
    ],
)
def test_bad_weights_are_named(values: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        filter_grid(values)
