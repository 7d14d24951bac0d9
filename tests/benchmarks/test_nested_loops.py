"""The loops that numcnn's speed is measured against compute what numcnn computes."""

import time

import numpy as np
import pytest

from benchmarks import nested_loops
from benchmarks.nested_loops import (
    engine_seconds_per_image,
    network,
    network_seconds_per_image,
    seconds_per_image,
    training_step,
)
from benchmarks.networks import NETWORKS
from numcnn.nn import (
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Loss,
    MaxPool2D,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
    Sequential,
    Sigmoid,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    Tanh,
)
from numcnn.recipes import RECIPES

LABELS = np.array([2, 0, 1, 2])


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (len(LABELS), *shape)).astype(np.uint8)


def randomized(model: Sequential, shape: tuple[int, ...]) -> Sequential:
    """Build, and give biases, scales and statistics other values than they begin with."""
    model.build(shape, seed=1)
    rng = np.random.default_rng(2)
    model.parameters += 0.1 * rng.standard_normal(model.parameters.size).astype(np.float32)
    model.statistics += rng.uniform(0.5, 1, model.statistics.size).astype(np.float32)
    return model


def assert_same(model: Sequential, shape: tuple[int, ...], loss: Loss) -> None:
    """Compare loss and gradients of the loops with those of the layers."""
    value, gradients = training_step(model, images(*shape), LABELS, loss, np.random.default_rng(3))
    ctx = Context(training=True, rng=np.random.default_rng(3))
    expected, dy = loss.value_and_gradient(model.forward(images(*shape), ctx), LABELS)
    model.backward(dy, ctx)
    assert value == pytest.approx(expected, rel=1e-4)
    assert gradients.keys() == ctx.grads.keys()
    # A bias before batch normalization has no influence, and a gradient of rounding errors alone.
    largest = max(np.abs(part).max() for parts in ctx.grads.values() for part in parts.values())
    for name, layer in model.named_layers():
        if not layer.params:
            continue
        assert gradients[layer].keys() == ctx.grads[layer].keys()
        for part, gradient in ctx.grads[layer].items():
            np.testing.assert_allclose(
                gradients[layer][part], gradient, rtol=1e-3, atol=1e-5 * largest,
                err_msg=f"{name}.{part}",
            )  # fmt: skip


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [Rescaling(0.01, -1), Flatten(), Dense(3)],
        lambda: [Normalization(), Flatten(), Dense(5), ReLU(), Dense(3, use_bias=False)],
        lambda: [Rescaling(), Flatten(), Dense(5), Sigmoid(), Dense(3)],
        lambda: [Rescaling(), Conv2D(4, 3), ReLU(), Flatten(), Dense(3)],
        lambda: [Rescaling(), Conv2D(4, (2, 3), (2, 1), "same"), Flatten(), Dense(3)],
        lambda: [Rescaling(), Conv2D(4, 5, 2, "same", use_bias=False), Flatten(), Dense(3)],
        lambda: [Rescaling(), Conv2D(3, 3), Conv2D(4, 2), Flatten(), Dense(3)],
        lambda: [Rescaling(), Conv2D(4, 3), MaxPool2D(), Flatten(), Dense(3)],
        lambda: [Rescaling(), Conv2D(4, 2), MaxPool2D(3, 2, "same"), Flatten(), Dense(3)],
        lambda: [Rescaling(), Conv2D(4, 3), BatchNorm(epsilon=0.01), Flatten(), Dense(3)],
        lambda: [Rescaling(), Flatten(), Dense(6), BatchNorm(), ReLU(), Dense(3)],
        lambda: [Rescaling(), Conv2D(4, 3), Dropout(0.4), Flatten(), Dropout(0.2), Dense(3)],
        lambda: [Rescaling(), Conv2D(3, 3), GlobalAveragePool2D()],
        lambda: [
            Rescaling(),
            Residual([Conv2D(2, 3, 2, "same"), BatchNorm(), ReLU()], [Conv2D(2, 1, 2, "same")]),
            Residual([Conv2D(2, 3, padding="same")]),
            Flatten(),
            Dense(3),
        ],
    ],
)
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(0.1), SigmoidCrossEntropy()])
def test_loops_and_layers_agree(layers, loss):
    shape = 7, 6, 2
    assert_same(randomized(Sequential(layers()), shape), shape, loss)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_there_are_loops_for_every_recipe(recipe):
    shape = max(recipe.smallest_side, 4), 8, 1
    model = recipe.new_network(shape, 3)
    model.build(shape, seed=0)
    value, gradients = training_step(
        model, images(*shape), LABELS, recipe.loss, np.random.default_rng(0)
    )
    assert np.isfinite(value)
    assert set(gradients) == {layer for _, layer in model.named_layers() if layer.params}


def test_a_layer_without_loops_is_named():
    model = Sequential([Flatten(), Dense(3), Tanh()])
    model.build((2, 2, 1))
    with pytest.raises(ValueError, match="no loops for Tanh"):
        training_step(
            model, images(2, 2, 1), LABELS, SoftmaxCrossEntropy(), np.random.default_rng(0)
        )


def test_times_are_of_one_image():
    model, loss = network("lenet5", (8, 8, 1))
    assert 0 < engine_seconds_per_image(model, loss, images=8, repeats=1) < 0.1
    assert 0 < seconds_per_image(model, loss, repeats=1) < 5


def test_a_short_step_is_timed_again_and_again(monkeypatch):
    steps = []
    monkeypatch.setattr(nested_loops, "training_step", lambda *_: steps.append(time.sleep(0.01)))
    model, loss = network("lenet5", (8, 8, 1))
    assert 0.005 <= seconds_per_image(model, loss, images=2, repeats=1, at_least=0.025) < 1
    assert 2 <= len(steps) <= 3


def test_a_network_is_timed_by_its_name():
    model, _ = network("seed", (28, 28, 1))
    assert [layer.config() for layer in model.layers] == [
        layer.config() for layer in NETWORKS["seed"]()
    ]
    assert 0 < network_seconds_per_image("mlp", repeats=1) < 5
    with pytest.raises(ValueError, match="recipe 'lenet6' is unknown"):
        network_seconds_per_image("lenet6")
