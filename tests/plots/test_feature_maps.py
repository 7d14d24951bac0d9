import numpy as np
import pytest

from numcnn.plots import feature_maps
from tests.plots.helpers import assert_nothing_clipped, words

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (8, 8, 1), dtype=np.uint8)
DIGITS = [str(k) for k in range(10)]


def test_every_layer_is_named_with_its_shape_and_scale():
    maps = np.maximum(RNG.normal(size=(6, 6, 32)), 0)
    maps[0, 0, 0] = 4.5
    vector = np.array([-2.0, 1.0, 0.5])
    shown = words(feature_maps(IMAGE, [("relu1", maps), ("dense", vector)]))
    assert {"input", "8 × 8 × 1", "relu1", "6 × 6 × 32", "dense", "3"} <= set(shown)  # noqa: RUF001
    assert "first 16 maps, 0 to 4.5" in shown
    assert "±2" in shown


def test_maps_are_the_first_16_on_one_scale():
    maps = RNG.normal(size=(5, 4, 20))
    images = feature_maps(IMAGE, [("conv", maps)]).axes[0].images
    assert len(images) == 1 + 16
    np.testing.assert_array_equal(images[0].get_array(), IMAGE[:, :, 0])
    limit = np.abs(maps).max()
    for k, image in enumerate(images[1:]):
        np.testing.assert_allclose(image.get_array(), maps[:, :, k])
        assert image.get_clim() == (pytest.approx(-limit), pytest.approx(limit))
        left, right, bottom, top = image.get_extent()
        assert (right - left) / (bottom - top) == pytest.approx(4 / 5)


@pytest.mark.parametrize("shape", [(576,), (1, 1, 576), (1,)])
def test_numbers_are_one_strip(shape: tuple[int, ...]):
    values = RNG.normal(size=shape)
    images = feature_maps(IMAGE, [("flatten", values)]).axes[0].images
    assert len(images) == 2
    np.testing.assert_allclose(images[1].get_array(), values.reshape(1, -1))


def test_probabilities_are_bars():
    probabilities = np.full(10, 0.02)
    probabilities[3] = 0.82
    shown = words(feature_maps(IMAGE, [("softmax", probabilities)], DIGITS))
    assert "82.0%" in shown
    assert shown.count("2.0%") == 9
    assert set(DIGITS) <= set(shown)


def test_logits_become_probabilities_and_the_label_says_so():
    logits = np.log([8.0, 1.0, 1.0]) + 5
    shown = words(feature_maps(IMAGE, [("dense", logits)], ["a", "b", "c"]))
    assert {"80.0%", "10.0%", "softmax of these logits"} <= set(shown)


def test_of_many_classes_the_most_probable_are_shown():
    logits = np.arange(100.0)
    classes = [f"class {k}" for k in range(100)]
    shown = words(feature_maps(IMAGE, [("dense", logits)], classes))
    names = [text for text in shown if text.startswith("class")]
    assert names == [f"class {k}" for k in range(99, 89, -1)]


def test_without_classes_a_last_vector_is_a_strip():
    assert len(feature_maps(IMAGE, [("dense", np.ones(10))]).axes[0].images) == 2


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_deep_network_and_every_kind_of_image(channels: int, dtype: type):
    image = RNG.integers(0, 256, (32, 24, channels)).astype(dtype)
    layers = [(f"a_layer_with_a_name_that_is_long_{k}", RNG.normal(size=(8, 8, 9))) for k in (1, 2)]
    layers += [("global", RNG.normal(size=(1, 1, 9))), ("dense", RNG.normal(size=10))]
    assert_nothing_clipped(feature_maps(image, layers, ["a long class name, and longer"] * 10))


def test_a_float_image_is_stretched():
    image = np.linspace(-3, 5, 12).reshape(3, 4, 1)
    drawn = feature_maps(image, [("a", np.ones(2))]).axes[0].images[0]
    assert drawn.get_array().min() == 0
    assert drawn.get_array().max() == 1
    constant = np.zeros((3, 4, 1))
    assert feature_maps(constant, [("a", np.ones(2))]).axes[0].images[0].get_array().max() == 0.5


def test_values_that_are_not_finite_are_counted():
    maps = np.ones((2, 2, 3))
    maps[0, 0, :2] = [np.nan, np.inf]
    shown = words(feature_maps(IMAGE, [("conv", maps), ("out", np.full(10, np.nan))], DIGITS))
    assert "0 to 1, 2 not finite" in shown
    assert shown.count("not finite") == 11  # ten bars, and the label


def test_a_layer_of_zeros_or_of_nothing_finite():
    layers = [("dead", np.zeros((4, 4, 2))), ("lost", np.full((4, 4, 2), np.nan))]
    assert_nothing_clipped(feature_maps(IMAGE, layers))


@pytest.mark.parametrize(
    ("image", "activations", "classes", "message"),
    [
        (IMAGE[:, :, 0], [("a", np.ones(2))], None, r"image has the shape \(8, 8\)"),
        (np.ones((2, 2, 2)), [("a", np.ones(2))], None, r"image has the shape \(2, 2, 2\)"),
        (np.full((2, 2, 1), np.nan), [("a", np.ones(2))], None, "image has values that are not"),
        (IMAGE, [], None, "activations is empty"),
        (IMAGE, [("a", np.ones((1, 4, 4, 2)))], None, r"activations\[0\], 'a', .* batch axis"),
        (IMAGE, [("a", np.ones(0))], None, r"activations\[0\] has the shape \(0,\)"),
        (IMAGE, [("a", np.array(["x"]))], None, r"activations\[0\] has the type <U1"),
        (IMAGE, [("a", np.ones((4, 4, 2)))], DIGITS, "activations ends with 'a' of shape"),
        (IMAGE, [("a", np.ones(3))], DIGITS, r"classes has 10 names but activations\[0\] has 3"),
    ],
)
def test_bad_arguments_are_named(
    image: np.ndarray, activations: list, classes: list[str] | None, message: str
):
    with pytest.raises(ValueError, match=message):
        feature_maps(image, activations, classes)
