import numpy as np
import pytest
from PIL import Image

from numcnn.features import draw, first_filters, layer_outputs
from numcnn.model_files import ModelFile
from numcnn.nn import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
    Sequential,
)
from numcnn.recipes import RECIPES

pytestmark = pytest.mark.slow


def built(*layers, shape=(6, 5, 1)) -> Sequential:
    model = Sequential(layers)
    model.build(shape, seed=1)
    return model


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def test_the_outputs_are_those_of_the_layers_for_this_image():
    model = built(Rescaling(), Conv2D(3, 3), Dropout(0.5), ReLU(), Flatten(), Dense(2))
    pixels = image(6, 5, 1)
    outputs = layer_outputs(model, pixels)
    assert [name for name, _ in outputs] == ["rescaling_1", "conv2d_1", "relu_1", "dense_1"]
    assert [value.shape for _, value in outputs] == [(6, 5, 1), (4, 3, 3), (4, 3, 3), (2,)]
    np.testing.assert_allclose(outputs[0][1], pixels / 255, rtol=1e-6)
    np.testing.assert_array_equal(outputs[2][1], np.maximum(outputs[1][1], 0))
    np.testing.assert_allclose(outputs[-1][1], model.outputs(pixels[None])[0], rtol=1e-5)


def test_the_first_filters_are_the_first_convolutions():
    model = built(Normalization(), Conv2D(3, 2), ReLU(), Conv2D(4, 2), Flatten(), Dense(2))
    name, weights = first_filters(model)
    assert name == "conv2d_1"
    np.testing.assert_array_equal(weights, model.layers[1].params["weight"])


def test_a_dense_unit_is_a_picture_of_a_weight_for_each_pixel():
    model = built(Rescaling(), Flatten(), Dense(3), ReLU(), Dense(2), shape=(4, 5, 3))
    name, weights = first_filters(model)
    assert (name, weights.shape) == ("dense_1", (4, 5, 3, 3))
    pixels = image(4, 5, 3) / 255
    expected = [(pixels * weights[..., unit]).sum() for unit in range(3)]
    found = dict(layer_outputs(model, (pixels * 255).round().astype(np.uint8)))["dense_1"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [MaxPool2D(2), Flatten(), Dense(2)],
        lambda: [Residual([Conv2D(1, 3, padding="same")]), Flatten(), Dense(2)],
        lambda: [Flatten()],
    ],
)
def test_where_other_layers_come_first_there_are_no_first_filters(layers):
    assert first_filters(built(*layers())) is None


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 11, 3)])
def test_every_recipes_network_can_be_drawn(recipe, shape, tmp_path):
    model = recipe.new_network(shape, 3)
    model.build(shape, seed=0)
    found = ModelFile(model, ("cat", "dog", "owl"))
    assert draw(found, image(*shape), tmp_path) == ["feature_maps.png", "filters.png"]
    for name in ("feature_maps.png", "filters.png"):
        with Image.open(tmp_path / name) as picture:
            assert len(picture.convert("RGB").getcolors(1 << 24)) > 10


def test_without_first_filters_there_is_one_picture(tmp_path):
    model = built(MaxPool2D(2), Flatten(), Dense(2))
    assert draw(ModelFile(model, ("a", "b")), image(6, 5, 1), tmp_path) == ["feature_maps.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["feature_maps.png"]
