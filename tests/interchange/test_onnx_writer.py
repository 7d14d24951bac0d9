import json

import numpy as np
import pytest
from hypothesis import given, settings

from numcnn import recipes
from numcnn.interchange import onnx_model, write_onnx
from numcnn.model_files import ModelFile
from numcnn.nn import (
    GELU,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    LayerNorm,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
    Sequential,
    Sigmoid,
    Softmax,
)
from numcnn.nn.task import Task
from tests.engine.networks import batch, fill, quick, recipe_and_batch
from tests.engine.own_layers import Scale
from tests.interchange.agreement import LIMIT, times_own_error
from tests.interchange.networks import own_networks
from tests.interchange.onnx_tools import NEWEST, as_file, exported, onnx, run


def built(*layers, shape=(8, 6, 3)):
    model = Sequential(layers)
    model.build(shape)
    fill(model, 1)
    return model


def logits_model(model):
    """The network whose outputs are the logits."""
    if not isinstance(model.layers[-1], Softmax | Sigmoid):
        return model
    body = Sequential.from_config(model.config()[:-1] or [{"layer": "Dropout", "rate": 0.0}])
    body.build(model.input_shape)
    body.load_state_dict(model.state_dict())
    return body


@pytest.mark.parametrize("opset", [17, 18, 20, NEWEST])
@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipes_network(name, opset):
    model, x, _ = recipe_and_batch(name, 28, seed=0)
    logits, probabilities = run(exported(model, opset=opset), x.astype(np.uint8))
    assert times_own_error(model, x, logits) < LIMIT
    np.testing.assert_allclose(probabilities, model.predict_proba(x, engine="layers"), atol=1e-5)


@pytest.mark.slow
@settings(quick, max_examples=300)
@given(own_networks())
def test_a_random_network(network):
    x, _ = batch(network.model, network.batch, network.seed)
    for settings_ in ({"opset": 17}, {"opset": NEWEST}):
        logits = run(exported(network.model, dtype="float32", **settings_), x)[0]
        assert times_own_error(logits_model(network.model), x, logits) < LIMIT


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_input(dtype, layout, channels):
    model = built(Rescaling(), Conv2D(2, 3), Flatten(), Dense(3), shape=(8, 6, channels))
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 6, channels)).astype(dtype)
    proto = exported(model, dtype=dtype, layout=layout)
    moved = pixels if layout == "nhwc" else np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    for count in (1, 5):
        logits, _ = run(proto, moved[:count])
        assert times_own_error(model, pixels[:count].astype(np.float32), logits) < LIMIT
    transposes = [node for node in proto.graph.node if node.op_type == "Transpose"]
    assert len(transposes) == (1 if layout == "nhwc" and channels > 1 else 0)


def test_the_order_of_a_flattened_image_lasts_until_a_dense_layer():
    # Everything between has its arrays in the other order, and nothing is transposed.
    model = built(
        Flatten(), LayerNorm(), GELU(), Residual([Dropout(0.5), ReLU()]), Normalization(), Dense(4)
    )
    proto = exported(model, dtype="float32", layout="nchw")
    x, _ = batch(model, 3)
    (logits, _) = run(proto, np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    assert times_own_error(model, x, logits) < LIMIT
    assert "Transpose" not in {node.op_type for node in proto.graph.node}


@pytest.mark.parametrize(
    "layers",
    [
        [Conv2D(4, 3), Flatten()],
        [Conv2D(4, 3)],
        [Flatten(), Residual([Dense(144)])],
        [Residual([Flatten(), Dense(144)], [Flatten()])],
        [LayerNorm(), Softmax(), GlobalAveragePool2D()],
        [Dropout(0.5)],
        [Softmax()],
        [Flatten(), Sigmoid()],
    ],
    ids=str,
)
def test_outputs_are_in_numcnns_order(layers):
    model = built(*layers)
    x, _ = batch(model, 3)
    logits, probabilities = run(exported(model, dtype="float32"), x)
    assert times_own_error(logits_model(model), x, logits) < LIMIT
    np.testing.assert_allclose(probabilities, model.predict_proba(x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "task",
    [
        Task(),
        Task(activation="none"),
        Task("labels", "sigmoid"),
        Task(activation="sigmoid", names=("no", "yes")),
    ],
    ids=str,
)
def test_probabilities_are_those_of_the_model(task):
    units = 1 if task.names else 3
    model = built(Flatten(), Dense(units))
    model.task = task
    x, _ = batch(model, 4)
    _, probabilities = run(exported(model, dtype="float32"), x)
    np.testing.assert_allclose(probabilities, model.predict_proba(x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("activation", ["sigmoid", "none"])
def test_values(activation):
    model = built(Flatten(), Dense(2))
    model.task = Task("values", activation)
    x, _ = batch(model, 4)
    (values,) = run(onnx_model(ModelFile(model, ()), dtype="float32"), x)
    np.testing.assert_allclose(values, model.predict(x), rtol=1e-4, atol=1e-6)


def test_classes_and_card_are_in_the_metadata(tmp_path):
    card = {"dataset": "cats", "test_accuracy": 0.987}
    model_file = ModelFile(built(Flatten(), Dense(2)), ("Katze", "Käuzchen"), card)
    write_onnx(tmp_path / "model.onnx", model_file)
    proto = onnx.load(tmp_path / "model.onnx")
    found = {entry.key: entry.value for entry in proto.metadata_props}
    assert json.loads(found["classes"]) == ["Katze", "Käuzchen"]
    assert json.loads(found["card"]) == card
    assert found["layout"] == "nhwc"
    assert proto.producer_name == "numcnn"
    assert [entry.version for entry in proto.opset_import] == [17]


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in ("one.onnx", "two.onnx"):
        write_onnx(tmp_path / name, as_file(built(Conv2D(2, 3), Flatten(), Dense(2))))
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


def test_a_layer_of_ones_own_is_refused_by_name():
    model = built(Residual([Scale()]), Flatten(), Dense(2))
    with pytest.raises(ValueError, match=r"residual_1\.branch\.scale_1 is a layer of your own"):
        exported(model)


@pytest.mark.parametrize(
    "wrong",
    [
        {"opset": 16},
        {"opset": onnx.defs.onnx_opset_version() + 1},
        {"opset": 17.0},
        {"dtype": "float64"},
        {"layout": "chwn"},
    ],
)
def test_arguments_out_of_range(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        exported(built(Flatten(), Dense(2)), **wrong)


def test_a_model_without_weights():
    with pytest.raises(ValueError, match="build"):
        onnx_model(ModelFile(Sequential([Dense(2)]), ()))
