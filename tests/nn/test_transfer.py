"""Transfer learning: layers of one model in another, frozen layers, weights in part."""

import copy
import pickle

import numpy as np
import pytest

from numcnn import nn, training
from numcnn.model_files import load_model, save_model

SHAPE = (8, 8, 1)


def built(outputs=4, seed=0):
    model = nn.Sequential(
        [
            nn.Normalization(),
            nn.Conv2D(4, 3),
            nn.BatchNorm(),
            nn.ReLU(),
            nn.Residual([nn.Conv2D(4, 3, padding="same")]),
            nn.Flatten(),
            nn.Dense(outputs),
        ]
    )
    model.build(SHAPE, seed)
    model.statistics[:] = np.linspace(0.5, 2, model.statistics.size)
    return model


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (40, *SHAPE)).astype(np.uint8), rng.integers(0, 2, 40)


def test_layers_of_a_built_model_are_copied_with_their_weights(data):
    old = built()
    weights, outputs = old.state_dict(), old.outputs(data[0])
    new = nn.Sequential([*old.layers[:-1], nn.Dense(2)])
    training.fit(new, *data, epochs=1, optimizer=nn.SGD(learning_rate=1e-9), progress="none")
    for name, array in new.state_dict().items():
        if not name.startswith("dense") and "batchnorm_1." not in name:
            np.testing.assert_allclose(array, weights[name], rtol=0.5, atol=1e-6)
    np.testing.assert_array_equal(new.layers[1].params["weight"], old.layers[1].params["weight"])
    training.fit(new, *data, epochs=3, optimizer="adam", progress="none")
    np.testing.assert_array_equal(old.outputs(data[0]), outputs)
    for name, array in old.state_dict().items():
        np.testing.assert_array_equal(array, weights[name])
    assert np.shares_memory(old.parameters, old.layers[1].params["weight"])
    old.parameters[:] = 0
    assert not old.outputs(data[0]).any()


def test_a_layer_inside_a_new_residual_is_copied_too(data):
    old = built()
    weight = old.layers[1].params["weight"].copy()
    new = nn.Sequential([nn.Residual([old.layers[1], nn.Conv2D(1, 3)], [nn.Conv2D(1, 5)])])
    new.build(SHAPE)
    np.testing.assert_array_equal(new.state_dict()["residual_1.branch.conv2d_1.weight"], weight)
    assert np.shares_memory(old.parameters, old.layers[1].params["weight"])


def test_the_same_layer_twice_becomes_two():
    old = nn.Sequential([nn.Dense(3)])
    old.build((3,))
    new = nn.Sequential([old.layers[0], "relu", old.layers[0]])
    new.build((3,))
    assert new.parameters.size == 2 * old.parameters.size
    new.layers[0].params["weight"][:] = 0
    assert new.layers[2].params["weight"].any()


def test_weights_that_do_not_fit_are_refused_by_name():
    old = built()
    new = nn.Sequential([*old.layers[1:-1], nn.Dense(2)])
    with pytest.raises(ValueError, match=r"conv2d_1: its weight comes from another model and is"):
        new.build((8, 8, 3))
    new.build(SHAPE)


def test_a_model_stands_for_its_layers():
    body = nn.Sequential([nn.Dense(4), "relu"])
    model = nn.Sequential(body, nn.Dense(2))
    assert [name for name, _ in model.named_layers()] == ["dense_1", "relu_1", "dense_2"]


def frozen(names):
    model = built(2)
    for name, layer in model.named_layers():
        if name in names:
            layer.trainable = False
    return model


@pytest.mark.parametrize("engine", ["auto", "layers"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", nn.AdamW(weight_decay=0.5)])
def test_what_is_frozen_stays_and_the_rest_learns(data, engine, optimizer):
    model = frozen(["conv2d_1", "batchnorm_1"])
    before = model.state_dict()
    training.fit(
        model, *data, epochs=2, optimizer=copy.deepcopy(optimizer), engine=engine, progress="none"
    )
    for name, array in model.state_dict().items():
        is_frozen = name.startswith(("conv2d_1", "batchnorm_1"))
        kept = np.array_equal(array, before[name])
        assert kept == (is_frozen or name.startswith("normalization")), name
    assert str(model.summary()).count("frozen") == 3


def test_freezing_a_residual_freezes_what_is_inside_and_a_file_remembers_it(data, tmp_path):
    model = frozen(["residual_1", "conv2d_1"])
    assert not model.layers[4].branch[0].trainable
    save_model(tmp_path / "m", model)
    loaded = load_model(tmp_path / "m").model
    assert [layer.trainable for _, layer in loaded.named_layers()] == [
        layer.trainable for _, layer in model.named_layers()
    ]
    copied = nn.Sequential([*loaded.layers[:-1], nn.Dense(3)])
    assert not copied.layers[1].trainable
    with pytest.raises(ValueError, match="trainable is 'no'; give True or False"):
        model.layers[0].trainable = "no"


def test_what_is_frozen_throughout_has_nothing_to_learn(data):
    model = frozen([name for name, _ in built().named_layers()])
    with pytest.raises(ValueError, match="nothing to learn"):
        training.fit(model, *data, progress="none")


def test_weights_in_part_with_a_report():
    old, new = built(4), built(2, seed=5)
    before = new.state_dict()
    with pytest.raises(ValueError, match=r"dense_1.weight is .* or give strict=False"):
        new.load_state_dict(old.state_dict())
    arrays = {**old.state_dict(), "extra": np.zeros(2, np.float32)}
    del arrays["conv2d_1.bias"]
    report = new.load_state_dict(arrays, strict=False)
    assert report.missing == ("conv2d_1.bias",)
    assert report.unexpected == ("extra",)
    assert report.mismatched == ("dense_1.weight", "dense_1.bias")
    assert "conv2d_1.weight" in report.matched
    now = new.state_dict()
    np.testing.assert_array_equal(now["conv2d_1.weight"], old.state_dict()["conv2d_1.weight"])
    np.testing.assert_array_equal(now["dense_1.weight"], before["dense_1.weight"])


COPIES = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),  # noqa: S301 (our own)
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("way", COPIES.values(), ids=COPIES)
def test_a_copy_is_a_whole_model_of_its_own(data, way):
    model = built(2)
    training.fit(model, data[0], np.array(["a", "b"])[data[1]], epochs=1, progress="none")
    twin = way(model)
    np.testing.assert_array_equal(twin.predict(data[0]), model.predict(data[0]))
    np.testing.assert_array_equal(twin.parameters, model.parameters)
    np.testing.assert_array_equal(twin.statistics, model.statistics)
    for one in (model, twin):
        for layer in (one.layers[1], one.layers[2]):
            for array in layer.params.values():
                assert np.shares_memory(one.parameters, array)
    before = model.parameters.copy()
    training.fit(twin, *data, epochs=2, progress="none")
    np.testing.assert_array_equal(model.parameters, before)
    assert not np.array_equal(twin.parameters, before)


@pytest.mark.parametrize("way", COPIES.values(), ids=COPIES)
def test_parts_of_a_training_can_be_copied(way):
    optimizer = nn.Adam(learning_rate=nn.Cosine(0.01))
    optimizer.step(np.ones(3, np.float32), np.ones(3, np.float32), 0.1)
    twin = way(optimizer)
    assert twin == optimizer
    assert twin.iterations == 1
    np.testing.assert_array_equal(twin.slots["mean"], optimizer.slots["mean"])
    loss = nn.SoftmaxCrossEntropy(class_weights={0: 2.0})
    assert way(loss) == loss
    assert way(training.EarlyStopping(3)) == training.EarlyStopping(3)
    layer = way(nn.Conv2D(3, 5))
    assert layer.config() == nn.Conv2D(3, 5).config()
    unbuilt = way(nn.Sequential([nn.Dense(2)]))
    assert unbuilt.build((3,)) == (2,)


@pytest.mark.slow
def test_joblib_takes_models_along(data):
    joblib = pytest.importorskip("joblib")
    model = built(2)
    results = joblib.Parallel(n_jobs=2)(
        joblib.delayed(nn.Sequential.outputs)(model, data[0]) for _ in range(3)
    )
    for result in results:
        np.testing.assert_array_equal(result, model.outputs(data[0]))
