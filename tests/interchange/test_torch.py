"""Networks to PyTorch and back."""

import importlib.util
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings

from numcnn import recipes
from numcnn.interchange import Preprocessing, from_torch, read_torch_weights, write_torch
from numcnn.model_files import ModelFile
from numcnn.nn import (
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    LayerNorm,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
)
from tests.engine.networks import batch, fill, quick, recipe_and_batch
from tests.engine.own_layers import Scale
from tests.interchange.agreement import LIMIT, times_own_error
from tests.interchange.networks import own_networks
from tests.nn.torch_agreement import channels_last, torch

nn = torch.nn


def loaded(folder):
    """The network that the folder's model.py makes."""
    spec = importlib.util.spec_from_file_location("exported_model", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outputs(network, x):
    moved = np.moveaxis(x, -1, 1) if x.ndim == 4 else x
    # A view of one channel has strides that PyTorch 2.13 takes for channels last, and its
    # convolution then reads beyond the weights. A copy has its own.
    given = torch.from_numpy(np.array(moved, order="C", copy=True))
    with torch.inference_mode():
        return np.array(channels_last(network(given)))


def exported(model, folder):
    names = tuple(map(str, range(model.output_shape[-1])))
    write_torch(folder, ModelFile(model, names))
    return loaded(folder).load()


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipes_network_there_and_back(name, tmp_path):
    model, x, _ = recipe_and_batch(name, 28, seed=0)
    network = exported(model, tmp_path)
    assert times_own_error(model, x, outputs(network, x)) < LIMIT
    # Its state dict, and the file, give the same numbers again.
    for arrays in (network.state_dict(), read_torch_weights(tmp_path / "weights.safetensors")):
        other = recipes.RECIPES[name].new_network((28, 28, 1), 10)
        other.build((28, 28, 1), seed=5)
        other.load_state_dict(arrays, layout="torch")
        np.testing.assert_array_equal(other.parameters, model.parameters)
        np.testing.assert_array_equal(other.statistics, model.statistics)


@pytest.mark.slow
@settings(quick, max_examples=150)
@given(network=own_networks())
def test_a_random_network(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("torch")
    model = network.model
    x, _ = batch(model, network.batch, network.seed)
    try:
        other = exported(model, folder)
    except ValueError as error:
        assert "normalizes the last axis" in str(error)  # noqa: PT017
        return
    if len(model.input_shape) > 1 and len(model.input_shape) != 3:
        with torch.inference_mode():
            found = other(torch.from_numpy(x)).numpy()
    else:
        found = outputs(other, x)
    assert times_own_error(model, x, found) < LIMIT


def test_the_classes_are_in_the_module(tmp_path):
    model = Sequential([Flatten(), Dense(2)])
    model.build((2, 2, 1))
    names = ('Kä"uz\n', "\U0001f600")
    write_torch(tmp_path, ModelFile(model, names))
    assert list(names) == loaded(tmp_path).CLASSES


def test_a_layer_of_ones_own(tmp_path):
    model = Sequential([Scale(), Flatten(), Dense(2)])
    model.build((2, 2, 1))
    with pytest.raises(ValueError, match="scale_1 is a layer of your own"):
        write_torch(tmp_path, ModelFile(model, ("a", "b")))


CHAIN = OrderedDict(
    features=nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6, momentum=0.2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, (3, 1), padding="same", bias=False),
        nn.GELU(),
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(8, 8, 3, stride=2),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.5),
    ),
    classifier=nn.Sequential(
        nn.Flatten(),
        nn.LayerNorm(32),
        nn.Linear(32, 10),
        nn.BatchNorm1d(10),
        nn.SiLU(),
        nn.Identity(),
        nn.Linear(10, 4, bias=False),
        nn.LogSoftmax(dim=1),
    ),
)


@pytest.fixture
def chain():
    torch.manual_seed(0)
    network = nn.Sequential(CHAIN)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    network(torch.randn(16, 3, 8, 8))  # running statistics
    return network.eval()


def test_a_sequential_of_pytorchs(chain):
    before = {key: tensor.clone() for key, tensor in chain.state_dict().items()}
    model = from_torch(chain, (8, 8, 3))
    x, _ = batch(model, 5)
    found = torch.from_numpy(model.predict_proba(x)).log().numpy()
    np.testing.assert_allclose(found, outputs(chain, x), atol=2e-5)
    assert model.layers[1].momentum == 0.8
    assert all(torch.equal(before[key], tensor) for key, tensor in chain.state_dict().items())


def test_the_preprocessing_is_put_before(chain):
    how = Preprocessing("0..1", [0.1, 0.2, 0.3], [0.5, 0.6, 0.7])
    plain, model = from_torch(chain, (8, 8, 3)), from_torch(chain, (8, 8, 3), how)
    x = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.float32)
    prepared = (x / 255 - np.array(how.mean)) / np.array(how.std)
    wanted = plain.outputs(prepared.astype(np.float32))
    np.testing.assert_allclose(model.outputs(x), wanted, atol=1e-4)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (nn.LSTM(3, 3), "no layer does this"),
        (nn.Conv2d(3, 3, 3, groups=3), "has 3 groups"),
        (nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"), "pads with reflect"),
        (nn.MaxPool2d(3, 2, 1), "neither"),
        (nn.AvgPool2d(3, padding=1, stride=1), "its mean counts the padding"),
        (nn.AdaptiveAvgPool2d(2), "output_size"),
        (nn.BatchNorm2d(3, affine=False), "has no parameters"),
        (nn.Flatten(2), "flattens other axes"),
        (nn.Linear(6, 2), "Dense takes one row"),
        (nn.LayerNorm([3, 8, 6]), "normalizes 3 axes"),
    ],
    ids=str,
)
def test_modules_that_are_refused_by_name(module, reason):
    with pytest.raises(ValueError, match=r"module 'first\.0'") as caught:
        from_torch(nn.Sequential(OrderedDict(first=nn.Sequential(module))), (8, 6, 3))
    assert reason in str(caught.value)


def test_a_state_dict_of_another_modules_names(chain):
    model = from_torch(chain, (8, 8, 3))
    other = Sequential.from_config(model.config())
    other.build((8, 8, 3), seed=9)
    other.load_state_dict(chain.state_dict(), layout="torch")
    np.testing.assert_array_equal(other.parameters, model.parameters)
    np.testing.assert_array_equal(other.statistics, model.statistics)
    # Sorted by name, as a file may have them, "classifier" comes before "features".
    other.build((8, 8, 3), seed=9)
    other.load_state_dict(dict(sorted(chain.state_dict().items())), layout="torch")
    np.testing.assert_array_equal(other.parameters, model.parameters)


def residual():
    inner = Residual([Conv2D(4, 3, padding="same"), BatchNorm(), ReLU()], [Conv2D(4, 1)])
    model = Sequential([inner, MaxPool2D(), Flatten(), LayerNorm(), Dense(3)])
    model.build((6, 4, 2))
    fill(model, 3)
    return model


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda arrays: arrays.pop("dense_1.bias"), "arrays has none for dense_1"),
        (lambda arrays: arrays.update({"more.weight": np.zeros(3)}), "no layer takes it"),
        (
            lambda arrays: arrays.update({"dense_1.weight": np.zeros((24, 3), np.float32)}),
            "arrays has none for dense_1",
        ),
    ],
)
def test_a_state_dict_that_does_not_fit(change, reason, tmp_path):
    model = residual()
    write_torch(tmp_path, ModelFile(model, ("a", "b", "c")))
    arrays = read_torch_weights(tmp_path / "weights.safetensors")
    before = model.parameters.copy()
    change(arrays)
    with pytest.raises(ValueError, match=reason):
        model.load_state_dict(arrays, layout="torch")
    np.testing.assert_array_equal(model.parameters, before)


def test_ways_of_unlike_order_are_refused():
    model = Sequential([Residual([Flatten(), Dense(48)], [Flatten()])])
    model.build((6, 4, 2))
    with pytest.raises(ValueError, match="its ways end in features of unlike order"):
        model.load_state_dict({}, layout="torch")


def test_a_layout_that_is_none():
    with pytest.raises(ValueError, match="layout is 'keras'"):
        residual().load_state_dict({}, layout="keras")
