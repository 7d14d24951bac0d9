"""BatchNorm and LayerNorm: by hand, against the loops, gradients and running statistics."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn import (
    BatchNorm,
    Context,
    LayerNorm,
    Sequential,
    check_gradients,
    directional_error,
)
from tests.nn.layer_pass import run_layer
from tests.nn.samples import normal
from tests.reference.normalization import batch_norm, batch_norm_backward, layer_norm

PLAIN = {"gamma": [1], "beta": [0]}
SHAPES = [(5, 3), (8, 1), (3, 4, 5, 2), (2, 1, 3, 4)]


def test_one_two_three_worked_by_hand():
    x = np.array([[1.0], [2], [3]])
    result = run_layer(BatchNorm(epsilon=1e-12), x, params=PLAIN)
    # Mean 2, variance 2/3, so the deviation is sqrt(2/3) and 3 becomes sqrt(3/2).
    assert_allclose(result.y[:, 0], [-np.sqrt(1.5), 0, np.sqrt(1.5)], rtol=1e-9, atol=1e-9)


def test_scale_and_shift_come_after_normalizing():
    x = np.array([[1.0], [3]])
    result = run_layer(BatchNorm(epsilon=1e-12), x, params={"gamma": [10], "beta": [5]})
    assert_allclose(result.y[:, 0], [-5, 15], rtol=1e-9)


def test_epsilon_is_added_to_the_variance():
    x = np.array([[0.0], [2]])
    result = run_layer(BatchNorm(epsilon=3), x, params=PLAIN)
    assert_allclose(result.y[:, 0], [-0.5, 0.5])


def test_gradients_worked_by_hand():
    x, dy = np.array([[1.0], [2], [3]]), np.array([[1.0], [0], [0]])
    result = run_layer(BatchNorm(epsilon=1e-12), x, dy, params=PLAIN)
    # z = (-a, 0, a) with a = sqrt(3/2) = 1 / deviation, so dgamma = -a and dbeta = 1. Then
    # dx = a (dy - 1/3 - z (-a) / 3), whose three entries are a (1 - 1/3 - 1/2, -1/3, -1/3 + 1/2).
    assert_allclose(result.grads["gamma"], [-np.sqrt(1.5)], rtol=1e-9)
    assert_allclose(result.grads["beta"], [1], rtol=1e-9)
    assert_allclose(result.dx[:, 0], np.array([1, -2, 1]) / 6 * np.sqrt(1.5), rtol=1e-6)


def test_running_statistics_worked_by_hand():
    x = np.array([[0.0], [3], [6]])
    result = run_layer(BatchNorm(momentum=0.9), x, params=PLAIN)
    # Mean 3, and 9 + 0 + 9 over 3 - 1: an unbiased variance of 9. They start at 0 and 1.
    assert_allclose(result.new_state["mean"], [0.3])
    assert_allclose(result.new_state["variance"], [0.9 + 0.9])


def test_inference_uses_the_running_statistics():
    x = np.array([[7.0]])
    state = {"mean": [3], "variance": [4]}
    result = run_layer(BatchNorm(epsilon=1e-12), x, training=False, params=PLAIN, state=state)
    assert_allclose(result.y, [[2]])
    assert not result.new_state


@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_the_loops(shape):
    x, dy = normal(*shape) * 3 + 1, normal(*shape, seed=1)
    result = run_layer(BatchNorm(epsilon=1e-3), x, dy)
    features = shape[-1]
    gamma, beta = result.params["gamma"], result.params["beta"]
    y = batch_norm(x.reshape(-1, features), gamma, beta, 1e-3)
    dx, dgamma, dbeta = batch_norm_backward(
        dy.reshape(-1, features), x.reshape(-1, features), gamma, 1e-3
    )
    assert_allclose(result.y, y.reshape(shape), rtol=1e-10, atol=1e-10)
    assert_allclose(result.dx, dx.reshape(shape), rtol=1e-10, atol=1e-10)
    assert_allclose(result.grads["gamma"], dgamma, rtol=1e-10, atol=1e-10)
    assert_allclose(result.grads["beta"], dbeta, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(shape, training):
    assert check_gradients(BatchNorm(), normal(*shape) * 3 + 1, training=training) < 1e-6


def test_gradients_in_inference_with_statistics_away_from_their_start():
    model = Sequential([BatchNorm(epsilon=0.1)])
    model.build((4,))
    model = model.astype(np.float64)
    model.parameters[:] = normal(8)
    model.statistics[:] = [3, -2, 1, 5, 0.1, 2, 7, 0.5]
    x, start, weights = normal(3, 4), model.parameters.copy(), normal(3, 4, seed=1)

    def value(point):
        model.parameters[:] = point[1]
        return float((model.forward(point[0], Context()) * weights).sum())

    ctx = Context(differentiable=True)
    model.forward(x, ctx)
    gradients = [model.backward(weights, ctx), model.gradient(ctx)]
    assert directional_error(value, [x, start], gradients, np.random.default_rng(0)) < 1e-6


def test_outputs_have_mean_0_and_variance_1_in_every_feature():
    y = run_layer(
        BatchNorm(),
        normal(50, 4, 4, 3) * [1, 10, 100] + 7,
        params={"gamma": [1] * 3, "beta": [0] * 3},
    ).y
    assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    assert_allclose(y.var(axis=(0, 1, 2)), 1, atol=1e-4)


def test_training_does_not_change_the_layer_until_the_state_is_committed():
    model = Sequential([BatchNorm(momentum=0.5)])
    model.build((2,))
    before = model.state_dict()
    ctx = Context(training=True)
    model.forward(normal(10, 2) + 4, ctx)
    assert_array_equal(model.statistics, [0, 0, 1, 1])
    model.apply_state_updates(ctx)
    assert_array_equal(model.layers[0].state["mean"], ctx.new_state[model.layers[0]]["mean"])
    assert all(model.state_dict()["batchnorm_1.mean"] != before["batchnorm_1.mean"])


def test_the_running_statistics_come_to_those_of_the_data():
    model = Sequential([BatchNorm(momentum=0.9)])
    model.build((1,))
    rng = np.random.default_rng(0)
    for _ in range(200):
        ctx = Context(training=True)
        model.forward(rng.normal(5, 3, (1000, 1)), ctx)
        model.apply_state_updates(ctx)
    assert_allclose(model.statistics, [5, 9], rtol=0.05)


def test_a_batch_of_one_is_refused_for_its_variance_is_0():
    with pytest.raises(ValueError, match=r"a single example.*give another batch_size"):
        run_layer(BatchNorm(), np.array([[4.0]]))
    # One image has many pixels, and so a variance; and inference knows the running one.
    run_layer(BatchNorm(), normal(1, 2, 2, 1))
    run_layer(BatchNorm(), np.array([[4.0]]), training=False)


@pytest.mark.parametrize("training", [True, False])
def test_float32_stays_float32(training):
    result = run_layer(BatchNorm(), normal(5, 3).astype(np.float32), training=training)
    arrays = [result.y, result.dx, *result.grads.values(), *result.new_state.values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_weight_decay_leaves_scale_and_shift_alone():
    assert not BatchNorm().decayed


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"momentum": 1}, "momentum is 1"),
        ({"momentum": -0.1}, "momentum is -0.1"),
        ({"epsilon": 0}, "epsilon is 0"),
    ],
)
def test_a_bad_setting_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        BatchNorm(**settings)


def test_layer_norm_worked_by_hand():
    x, dy = np.array([[1.0, 2, 3], [5, 5, 5]]), np.array([[1.0, 0, 0], [0, 1, 0]])
    params = {"gamma": [1, 1, 2], "beta": [0, 0, 7]}
    result = run_layer(LayerNorm(epsilon=1e-12), x, dy, params=params)
    # Mean 2 and variance 2/3: 1, 2, 3 become -a, 0, a with a = sqrt(3/2). The second row's
    # deviation is that of epsilon alone.
    a = np.sqrt(1.5)
    assert_allclose(result.y, [[-a, 0, 2 * a + 7], [0, 0, 7]], rtol=1e-9, atol=1e-9)
    assert_allclose(result.grads["gamma"], [-a, 0, 0], rtol=1e-9, atol=1e-9)
    assert_allclose(result.grads["beta"], [1, 1, 0], rtol=1e-9)
    # dz = (1, 0, 0), so a (dz - 1/3 - z (-a) / 3).
    assert_allclose(result.dx[0], np.array([1, -2, 1]) / 6 * a, rtol=1e-6)


@pytest.mark.parametrize("shape", [(5, 3), (1, 8), (3, 4, 5, 2), (2, 1, 3, 4)])
def test_layer_norm_agrees_with_the_loops(shape):
    x = normal(*shape) * 3 + 1
    result = run_layer(LayerNorm(epsilon=1e-3), x)
    gamma, beta = result.params["gamma"], result.params["beta"]
    y = layer_norm(x.reshape(-1, shape[-1]), gamma, beta, 1e-3)
    assert_allclose(result.y, y.reshape(shape), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 3), (1, 8), (3, 4, 5, 2)])
def test_gradients_of_layer_norm(shape, training):
    assert check_gradients(LayerNorm(), normal(*shape) * 3 + 1, training=training) < 1e-6


def test_layer_norm_has_a_bad_epsilon_named():
    with pytest.raises(ValueError, match="epsilon is 0; give a small positive number"):
        LayerNorm(epsilon=0)


def test_weight_decay_leaves_layer_norm_alone():
    assert not LayerNorm().decayed
