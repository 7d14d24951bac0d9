"""The engine and the layers: the same numbers, whatever the network."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from numcnn import recipes
from numcnn.engine.executor import EngineExecutor
from numcnn.nn import (
    AveragePool2D,
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    LeakyReLU,
    MaxPool2D,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
    Sequential,
    Sigmoid,
)
from tests.engine.agreement import (
    LIMIT,
    RECIPE_LIMIT,
    Numbers,
    by_engine,
    by_layers,
    constant_feature,
    disagreements,
    fake_hardware,
)
from tests.engine.kernels import ORDERS, a_kernel
from tests.engine.networks import Network, batch, fill, networks, quick, recipe_and_batch
from tests.engine.own_layers import Centering, Flicker, InPlaceLayer, Scale, Twice
from tests.nn.samples import integers

MACHINES = st.sampled_from([(1, 1 << 20), (2, 1 << 20), (3, 1 << 13), (2, 1 << 16)])
"""Shards, and bytes of a core's cache."""

SOME_RECIPES = "convnet", "two-conv-adam", "four-conv-batchnorm", "lenet5"


def trained(model: Sequential, x: np.ndarray, dy: np.ndarray, threads: int | None = 1) -> Numbers:
    """One training pass of a new engine."""
    with model.training_engine(threads) as engine:
        return by_engine(engine, model, x, dy, seed=0)


def assert_same_bits(one: Numbers, other: Numbers) -> None:
    assert one.keys() == other.keys()
    for name, numbers in one.items():
        np.testing.assert_array_equal(numbers, other[name], err_msg=name)


@quick
@given(networks(), MACHINES)
def test_random_networks(network: Network, shards_and_cache):
    assert_agreement(network, *shards_and_cache)


@pytest.mark.slow
@settings(quick, max_examples=1000)
@given(networks(), MACHINES, st.sampled_from(list(ORDERS)))
def test_many_random_networks_in_other_orders_of_summation(network, shards_and_cache, order):
    with a_kernel(order):
        assert_agreement(network, *shards_and_cache)


def assert_agreement(network: Network, shards: int, cache: int) -> None:
    model = network.model
    x, dy = batch(model, network.batch, network.seed)
    assume(not constant_feature(model, x))
    with fake_hardware(shards=shards, cache=cache):
        assert not disagreements(model, x, dy, LIMIT)


@pytest.mark.slow
@settings(quick, max_examples=25)
@given(networks(), st.sampled_from([2, 3]))
def test_random_networks_have_the_same_bits_however_many_threads_there_are(network, shards):
    model = network.model
    x, dy = batch(model, network.batch, network.seed)
    assume(not constant_feature(model, x))
    with fake_hardware(shards=shards, cache=1 << 14):
        found = [trained(model, x, dy, threads) for threads in (1, 2, 3, None)]
        found.append(trained(model, x, dy, None))
    for other in found[1:]:
        assert_same_bits(found[0], other)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in SOME_RECIPES else pytest.mark.slow)
        for name in recipes.RECIPES
    ],
)
def test_the_recipes_networks(name):
    model, x, dy = recipe_and_batch(name, side=16, seed=0)
    assert not disagreements(model, x, dy, RECIPE_LIMIT)
    with fake_hardware(shards=3, least_work=0):
        found = [trained(model, x, dy, threads) for threads in (1, 2, 3)]
    assert_same_bits(found[0], found[1])
    assert_same_bits(found[0], found[2])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("name", recipes.RECIPES)
def test_the_recipes_networks_on_many_batches(name, seed):
    assert not disagreements(*recipe_and_batch(name, side=28, seed=seed), RECIPE_LIMIT)


EXACT = {
    "pooling": lambda: [Conv2D(3, 3), MaxPool2D(), ReLU(), Flatten(), Dense(4)],
    "relu before pooling": lambda: [
        Conv2D(4, 3, padding="same"),
        ReLU(),
        MaxPool2D(),
        Conv2D(2, 2),
        MaxPool2D(),
        Flatten(),
        Dense(3),
    ],
    "pooling alone": lambda: [
        Conv2D(4, 3),
        LeakyReLU(0.5),
        MaxPool2D(),
        ReLU(),
        MaxPool2D(),
        Flatten(),
        Dense(3),
    ],
    "other pooling": lambda: [
        Conv2D(4, 3),
        MaxPool2D(3, 2, "same"),
        Conv2D(2, 2),
        MaxPool2D(2, 1),
        Flatten(),
        Dense(2),
    ],
    "wide": lambda: [
        Conv2D(33, 2),
        ReLU(),
        MaxPool2D(),
        Conv2D(3, (2, 3), (1, 2), "same"),
        MaxPool2D(),
        Flatten(),
        Dense(2),
    ],
    "wide, pooling alone": lambda: [
        Conv2D(33, 2),
        LeakyReLU(0.5),
        MaxPool2D(),
        Conv2D(2, 1),
        Flatten(),
        Dense(2),
    ],
    "residual": lambda: [
        Conv2D(3, 3, padding="same"),
        Residual([Conv2D(3, 3, padding="same"), ReLU(), MaxPool2D()], [MaxPool2D()]),
        ReLU(),
        Residual([ReLU(), Conv2D(3, 3, padding="same")]),
        Flatten(),
        Residual([Dense(6), ReLU(), Dense(4)], [Dense(4)]),
    ],
}


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 11, 2), (12, 10, 3)])
def test_integers_agree_exactly_also_where_cells_tie(name, shape):
    model = Sequential(EXACT[name]())
    model.build(shape)
    model.parameters[:] = integers(model.parameters.shape) // 2
    x, dy = integers((13, *shape), seed=1), integers((13, *model.output_shape), seed=2)
    expected = by_layers(model, x, dy, seed=0)
    assert any(array.any() for key, array in expected.items() if key.startswith("d "))
    for shards, cache in ((1, 1 << 20), (3, 1 << 12)):
        with fake_hardware(shards=shards, cache=cache):
            assert_same_bits(trained(model, x, dy), expected)


HARD = {
    "folding": (
        (9, 8, 2),
        lambda: [
            Conv2D(5, 3, use_bias=False),
            BatchNorm(),
            ReLU(),
            MaxPool2D(),
            Conv2D(4, 2),
            BatchNorm(),
            Flatten(),
            Dense(5),
            BatchNorm(),
            Sigmoid(),
            Dense(5, use_bias=False),
            BatchNorm(),
            Residual([BatchNorm(), Sigmoid()]),
        ],
    ),
    "folding, wide": (
        (10, 10, 8),
        lambda: [
            Conv2D(32, 3, padding="same", use_bias=False),
            BatchNorm(),
            MaxPool2D(),
            Conv2D(9, 3, 2),
            BatchNorm(),
            GlobalAveragePool2D(),
        ],
    ),
    "preprocessing": (
        (6, 6, 3),
        lambda: [Rescaling(1 / 255, -0.5), Normalization(), Conv2D(4, 3), Flatten(), Dense(2)],
    ),
    "preprocessing of rows": (
        (6, 6, 3),
        lambda: [Normalization(), Rescaling(2, 1), Flatten(), Dense(4), Dropout(0.4), Dense(2)],
    ),
    "preprocessing in the middle": (
        (6, 6, 1),
        lambda: [Conv2D(3, 2), Rescaling(0.5, 1), Normalization(), AveragePool2D(), Flatten()],
    ),
    "a volume": ((2, 3, 2, 3), lambda: [BatchNorm(), Sigmoid(), Flatten(), Dense(3)]),
    "a table": ((4, 5), lambda: [Rescaling(0.5), Dropout(0.3), Centering(), Flatten(), Dense(3)]),
    "nothing to learn": ((4, 4, 1), lambda: [AveragePool2D(), Flatten()]),
    "nothing to do": ((4,), lambda: [Dropout(0.0)]),
    "draws in the layers' order": (
        (6, 6, 1),
        lambda: [Dropout(0.3), Flicker(), Conv2D(2, 3), Dropout(0.5), Flatten(), Flicker()],
    ),
    "layers inside a layer of one's own": (
        (5,),
        lambda: [Dense(6), Sigmoid(), Twice(4), Residual([Twice(4), Centering()]), Dense(2)],
    ),
    "learning layers of one's own, example by example": (
        (6, 6, 1),
        lambda: [
            Conv2D(3, 3),
            Scale(),
            Residual([Scale(), Sigmoid()]),
            Flatten(),
            Scale(),
            Dense(2),
        ],
    ),
    "a learning layer of one's own comes first": ((5, 5, 2), lambda: [Centering(), Conv2D(3, 2)]),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("count", [3, 16])
def test_what_needs_care(name, count):
    shape, layers = HARD[name]
    model = Sequential(layers())
    model.build(shape, seed=3)
    fill(model, seed=3)
    x, dy = batch(model, count)
    for shards, cache in ((1, 1 << 20), (3, 1 << 12)):
        with fake_hardware(shards=shards, cache=cache):
            assert not disagreements(model, x, dy, LIMIT)


@pytest.mark.parametrize("acts_on", ["element", "example", "batch"])
def test_a_layer_that_writes_over_its_arguments_harms_nobody(monkeypatch, acts_on):
    def network(double, inner):
        model = Sequential([Conv2D(3, 3), double, ReLU(), Residual([inner]), Flatten()])
        model.build((7, 7, 1), seed=0)
        return model

    monkeypatch.setattr(InPlaceLayer, "acts_on", acts_on)
    in_place = network(InPlaceLayer(), InPlaceLayer())
    careful = network(Rescaling(2, 0), Rescaling(2, 0))
    x, dy = batch(in_place, 5)
    before = x.copy(), dy.copy()
    found, expected = trained(in_place, x, dy), trained(careful, x, dy)
    for one, other in zip(found.values(), expected.values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(dy, before[1])


@pytest.mark.parametrize(
    ("layer", "reason"), [(Centering, "running statistics"), (Flicker, "draws random numbers")]
)
def test_a_layer_that_needs_the_whole_batch_cannot_say_otherwise(monkeypatch, layer, reason):
    monkeypatch.setattr(layer, "acts_on", "example")
    model = Sequential([layer(), Dense(2)])
    model.build((4,))
    x, dy = batch(model, 5)
    with pytest.raises(ValueError, match=f'{reason}.*acts_on = "batch"'):
        trained(model, x, dy)


@pytest.mark.parametrize("name", ["folding", "folding, wide", "preprocessing", "a table"])
def test_what_a_pass_left_in_memory_changes_no_later_one(name):
    shape, layers = HARD[name]
    model = Sequential(layers())
    model.build(shape, seed=3)
    x, dy = batch(model, 7)
    bad = np.full_like(x, np.nan)
    with fake_hardware(shards=2, cache=1 << 12), model.training_engine() as engine:
        clean = trained(model, x, dy)
        with np.errstate(invalid="ignore"):
            assert np.isnan(by_engine(engine, model, bad, dy, seed=0)["outputs"]).any()
        assert_same_bits(by_engine(engine, model, x, dy, seed=0), clean)

        outputs = inference(model).outputs(x, 7)
        other = inference(model)
        with np.errstate(invalid="ignore"):
            other.outputs(bad, 7)
        np.testing.assert_array_equal(other.outputs(x, 7), outputs)


def inference(model: Sequential) -> EngineExecutor:
    return EngineExecutor(model._chain)


@pytest.mark.parametrize(
    "kind", [np.uint8, np.int64, np.float64, np.float16, np.bool_], ids=lambda kind: kind.__name__
)
def test_inputs_of_any_kind(kind):
    model = Sequential([Rescaling(), Conv2D(3, 3), ReLU(), MaxPool2D(), Flatten(), Dense(4)])
    model.build((8, 8, 1))
    x = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype(kind)
    expected = model.outputs(x, engine="layers")
    np.testing.assert_allclose(model.outputs(x), expected, rtol=1e-5, atol=1e-6)
    with model.predictor(5) as predict, model.training_engine() as engine:
        np.testing.assert_allclose(predict(x), expected, rtol=1e-5, atol=1e-6)
        ctx = Context(training=True)
        np.testing.assert_allclose(engine.forward(x, ctx), expected, rtol=1e-5, atol=1e-6)


def test_inputs_that_lie_anyhow():
    model = Sequential([Conv2D(3, 3), Flatten(), Dense(2)])
    model.build((6, 6, 2))
    x = np.random.default_rng(0).normal(size=(6, 2, 6, 12)).astype(np.float32)
    x = x[:, :, :, ::-2].transpose(0, 2, 3, 1)[::2]
    x.flags.writeable = False
    assert not x.flags.c_contiguous
    expected = model.outputs(np.ascontiguousarray(x))
    np.testing.assert_array_equal(model.outputs(x), expected)
    with model.predictor(3) as predict, model.training_engine() as engine:
        # Three at once, not two and one: other sums, other last bits.
        np.testing.assert_allclose(predict(x), expected, rtol=1e-5, atol=1e-6)
        found = engine.forward(x, Context(training=True))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_passes_of_the_layers_are_what_the_engine_is_held_to():
    model = Sequential([Conv2D(3, 3), BatchNorm(), Flatten(), Dense(2)])
    model.build((6, 6, 2))
    x, dy = batch(model, 4)
    with model.executor("layers").training_passes(None, None) as passes:
        ctx = Context(training=True)
        outputs = passes.forward(x, ctx)
        gradient = passes.backward(dy, ctx)
    expected = by_layers(model, x, dy, seed=0)
    np.testing.assert_array_equal(outputs, expected["outputs"])
    parts = [array.ravel() for name, array in expected.items() if name.startswith("d ")]
    np.testing.assert_array_equal(gradient, np.concatenate(parts))
