import numpy as np
import pytest

from numcnn.engine.ops.batch_norm_fold import Fold
from numcnn.nn import BatchNorm, Context, Dense, Sequential
from tests.engine.agreement import fake_hardware
from tests.nn.samples import normal


def norm(features: int) -> BatchNorm:
    layer = BatchNorm()
    layer.build((features,), np.random.default_rng(0))
    for seed, array in enumerate((*layer.params.values(), *layer.state.values())):
        array[:] = normal(features, seed=seed)
    layer.state["variance"][:] = np.abs(layer.state["variance"]) + 0.1
    return layer


@pytest.mark.parametrize("bias", [None, normal(4, seed=9).astype(np.float32)])
def test_a_normalization_folded_into_a_product(bias):
    x, weight = normal(5, 3).astype(np.float32), normal(3, 4, seed=1).astype(np.float32)
    layer = norm(4)
    plain = x @ weight if bias is None else x @ weight + bias
    expected = layer.forward(plain, Context())
    folded, shift = Fold(layer).apply(weight, bias)
    np.testing.assert_allclose(x @ folded + shift, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_the_variance_is_right_far_from_zero(shards):
    # The mean of squares less the square of the mean would have three digits left here.
    model = Sequential([BatchNorm(momentum=0.0), Dense(1)])
    model.build((3,))
    x = (100 + normal(200, 3)).astype(np.float32)
    ctx = Context(training=True)
    with fake_hardware(shards=shards), model.training_engine() as engine:
        engine.forward(x, ctx)
    state = ctx.new_state[model.layers[0]]
    exact = x.astype(np.float64)
    np.testing.assert_allclose(state["variance"], exact.var(axis=0, ddof=1), rtol=1e-5)
    np.testing.assert_allclose(state["mean"], exact.mean(axis=0), rtol=1e-6)


def test_a_batch_of_one_has_no_variance():
    model = Sequential([BatchNorm(momentum=0.5), Dense(1)])
    model.build((3,))
    with (
        model.training_engine() as engine,
        pytest.raises(ValueError, match=r"a single example.*give another batch_size"),
    ):
        engine.forward(normal(1, 3).astype(np.float32), Context(training=True))


def test_the_layer_keeps_its_statistics_until_they_are_committed():
    model = Sequential([BatchNorm(), Dense(1)])
    model.build((3,))
    before, ctx = model.statistics.copy(), Context(training=True)
    with model.training_engine() as engine:
        engine.forward(normal(5, 3), ctx)
    np.testing.assert_array_equal(model.statistics, before)
    model.apply_state_updates(ctx)
    assert not np.array_equal(model.statistics, before)
