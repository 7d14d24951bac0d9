"""Whole little networks: gradients from the loss to the first weight, and learning."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from numcnn.nn import (
    GELU,
    SGD,
    Adam,
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
    MeanSquaredError,
    ReLU,
    Rescaling,
    Residual,
    Sequential,
    Sigmoid,
    SigmoidCrossEntropy,
    SiLU,
    Softmax,
    SoftmaxCrossEntropy,
    Tanh,
    check_gradients,
    directional_error,
)
from tests.nn.samples import apart, classes, normal

NETWORKS = {
    "perceptron": ((5,), lambda: [Dense(6), Tanh(), Dense(3)]),
    "deep": ((5,), lambda: [Dense(6), ReLU(), Dense(6), GELU(), Dense(6), SiLU(), Dense(3)]),
    "lenet": (
        (12, 12, 1),
        lambda: [
            Conv2D(3, 5, padding="same"),
            Tanh(),
            AveragePool2D(),
            Conv2D(4, 3),
            Tanh(),
            MaxPool2D(),
            Flatten(),
            Dense(6),
            Sigmoid(),
            Dense(3),
        ],
    ),
    "normalized": (
        (9, 8, 2),
        lambda: [
            Rescaling(0.5, -0.1),
            Conv2D(4, 3, 2, "same", use_bias=False),
            BatchNorm(),
            LeakyReLU(0.1),
            MaxPool2D(3, 1),
            Dropout(0.3),
            Flatten(),
            Dense(5),
            BatchNorm(),
            Tanh(),
            Dense(3),
        ],
    ),
    "residual": (
        (8, 8, 1),
        lambda: [
            Conv2D(3, 3, padding="same"),
            Residual([BatchNorm(), ReLU(), Conv2D(3, 3, padding="same")]),
            Residual([Conv2D(4, 3, 2, "same"), BatchNorm(), SiLU()], [Conv2D(4, 1, 2)]),
            GlobalAveragePool2D(),
            Dense(3),
        ],
    ),
    "with softmax": ((5,), lambda: [Dense(4), Tanh(), Dense(3), Softmax()]),
}
each_network = pytest.mark.parametrize("name", NETWORKS)


@pytest.mark.parametrize("training", [True, False])
@each_network
def test_gradients(name, training):
    shape, layers = NETWORKS[name]
    assert check_gradients(layers(), apart(4, *shape), training=training) < 1e-6


@pytest.mark.parametrize(
    "loss",
    [SoftmaxCrossEntropy(0.1, (1, 2, 0.5)), SigmoidCrossEntropy(), MeanSquaredError()],
    ids=["softmax", "sigmoid", "squared"],
)
@each_network
def test_gradients_from_the_loss_to_the_pixels(name, loss):
    shape, layers = NETWORKS[name]
    built = Sequential(layers())
    built.build(shape, seed=1)
    model = built.astype(np.float64)
    model.parameters += 0.1 * normal(model.parameters.size)
    x, start, targets = apart(4, *shape), model.parameters.copy(), classes(4, 3)

    def run(point):
        ctx = Context(training=True, rng=np.random.default_rng(0))
        model.parameters[:] = point[1]
        return *loss.value_and_gradient(model.forward(point[0], ctx), targets), ctx

    _, dy, ctx = run([x, start])
    gradients = [model.backward(dy, ctx), model.gradient(ctx)]
    error = directional_error(
        lambda point: run(point)[0], [x, start], gradients, np.random.default_rng(0)
    )
    assert error < 1e-6


def train(model: Sequential, x: np.ndarray, targets: np.ndarray, optimizer, steps: int) -> float:
    """Train on one batch and return its last loss."""
    rng = np.random.default_rng(0)
    for _ in range(steps):
        ctx = Context(training=True, rng=rng)
        value, dy = SoftmaxCrossEntropy().value_and_gradient(model.forward(x, ctx), targets)
        model.backward(dy, ctx)
        model.apply_state_updates(ctx)
        optimizer.step(model.parameters, model.gradient(ctx), decayed=model.weight_decay_mask())
    return value


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "with softmax"])
def test_a_network_learns_a_few_examples_by_heart(name):
    shape, layers = NETWORKS[name]
    model = Sequential([layer for layer in layers() if not isinstance(layer, Dropout)])
    model.build(shape)
    x, targets = normal(12, *shape), classes(12, 3)
    assert train(model, x, targets, Adam(learning_rate=0.02), 200) < 0.05
    assert (model.predict(x) == targets).mean() > 0.9


@each_network
def test_the_same_seed_trains_to_the_same_bits(name):
    shape, layers = NETWORKS[name]
    ends = []
    for _ in range(2):
        model = Sequential(layers())
        model.build(shape, seed=3)
        optimizer = SGD(learning_rate=0.05, momentum=0.9, weight_decay=0.01, clip_norm=1)
        train(model, normal(8, *shape), classes(8, 3), optimizer, 5)
        ends.append(np.concatenate([model.parameters, model.statistics]))
    assert_array_equal(*ends)


def test_a_small_step_down_the_gradient_lowers_the_loss_by_its_squared_length():
    shape, layers = NETWORKS["lenet"]
    built = Sequential(layers())
    built.build(shape)
    model, loss = built.astype(np.float64), SoftmaxCrossEntropy()
    x, targets, ctx = normal(6, *shape), classes(6, 3), Context(training=True)
    before, dy = loss.value_and_gradient(model.forward(x, ctx), targets)
    model.backward(dy, ctx)
    gradient = model.gradient(ctx)
    model.parameters -= 1e-6 * gradient
    lowered = before - loss(model.outputs(x), targets)
    assert lowered == pytest.approx(1e-6 * gradient @ gradient, rel=1e-3)
