import base64

import numpy as np
import pytest

from numcnn.handwriting.reader import Reader
from numcnn.nn import Sequential
from numcnn.nn.layers import Conv2D, Dense, Flatten
from numcnn.web import inspection


@pytest.fixture
def model():
    model = Sequential([Conv2D(2, 3), Flatten(), Dense(4)])
    model.build((28, 28, 1))
    return model


def numbers(tensor):
    return np.frombuffer(base64.b64decode(tensor.float32), "<f4").reshape(tensor.shape)


def test_the_outputs_begin_with_the_image_and_end_with_the_answer(model):
    frame = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    found = inspection.layer_outputs(model, frame)
    assert [each.kind for each in found] == ["Input", "Conv2D", "Dense"]
    np.testing.assert_array_equal(numbers(found[0].output)[..., 0], frame)
    weight, bias = (
        dict(model.named_layers())["dense_1"].params[name] for name in ("weight", "bias")
    )
    answer = numbers(found[1].output).ravel() @ weight + bias
    np.testing.assert_allclose(numbers(found[2].output), answer, rtol=1e-4, atol=1e-3)


def test_the_weights_are_those_of_the_layer(model):
    found = inspection.layer_weights(model, "dense_1")
    assert (found.kind, found.settings["units"]) == ("Dense", 4)
    layer = dict(model.named_layers())["dense_1"]
    np.testing.assert_array_equal(numbers(found.arrays["weight"]), layer.params["weight"])
    assert inspection.layer_weights(model, "dense_2") is None


def test_a_model_is_described_with_all_its_parameters():
    reader = Reader()
    found = inspection.describe(reader, "any")
    assert found.name == "any"
    assert found.parameters == sum(layer.parameters for layer in found.layers)
    assert found.layers[-1].shape == [len(found.classes)]
