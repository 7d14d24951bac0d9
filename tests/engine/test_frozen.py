"""Frozen layers: no gradient, the others' as before, engine and layers alike."""

import numpy as np
import pytest

from numcnn.nn import (
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LayerNorm,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
    SoftmaxCrossEntropy,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def networks():
    yield (
        "toeplitz",
        [Conv2D(4, 3), ReLU(), Conv2D(6, 3), MaxPool2D(), ReLU(), Flatten(), Dense(9), Dense(5)],
    )
    yield (
        "winograd",
        [Conv2D(32, 3), BatchNorm(), ReLU(), Conv2D(32, 3), MaxPool2D(), Flatten(), Dense(5)],
    )
    yield (
        "im2col",
        [Conv2D(32, 5, 2), ReLU(), Conv2D(8, 2), Flatten(), BatchNorm(), ReLU(), Dense(5)],
    )
    yield (
        "residual",
        [
            Conv2D(8, 3),
            Residual([Conv2D(8, 3, padding="same"), BatchNorm(), ReLU()], [Conv2D(8, 1)]),
            LayerNorm(),
            Dropout(0.0),
            Flatten(),
            Dense(5),
        ],
    )


def passes(model, x, labels, engine):
    """The outputs, the gradient and the new statistics of one training step."""
    ctx = Context(training=True, rng=np.random.default_rng(3))
    with model.executor(engine).training_passes(2, 2) as run:
        outputs = run.forward(x, ctx).copy()
        _, dy = SoftmaxCrossEntropy().value_and_gradient(outputs, labels)
        gradient = run.backward(dy, ctx).copy()
    return outputs, gradient, dict(ctx.new_state)


def learners(model):
    return [layer for _, layer in model.named_layers() if layer.params]


@pytest.mark.parametrize("case", range(6))
@pytest.mark.parametrize("layers", [pytest.param(made, id=name) for name, made in networks()])
def test_engine_and_layers_agree_whatever_is_frozen(layers, case, rng):
    model = Sequential(layers)
    model.build((10, 10, 3), seed=1)
    model = model.astype(np.float32)
    model.statistics[:] = rng.uniform(0.5, 1.5, model.statistics.shape)
    chosen = learners(model)
    for place, layer in enumerate(chosen):
        # None, the first, all but the last, the last, every second one, those in the middle.
        layer.trainable = [
            True,
            place > 0,
            place == len(chosen) - 1,
            place < len(chosen) - 1,
            place % 2 == 0,
            place in (0, len(chosen) - 1),
        ][case]
    x, labels = rng.standard_normal((12, 10, 10, 3), np.float32), rng.integers(0, 5, 12)
    outputs, gradient, new = passes(model, x, labels, "auto")
    expected, true_gradient, true_new = passes(model, x, labels, "layers")
    np.testing.assert_allclose(outputs, expected, rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(gradient, true_gradient, rtol=1e-3, atol=3e-5)
    assert (
        new.keys()
        == true_new.keys()
        == {layer for layer in chosen if isinstance(layer, BatchNorm) and layer.trainable}
    )
    frozen = model.frozen_mask()
    if case:
        assert not gradient[frozen].any()
        assert np.count_nonzero(gradient[~frozen]) > 0.3 * (~frozen).sum()
    else:
        assert frozen is None


def test_what_is_frozen_first_is_not_differentiated(rng, monkeypatch):
    called = []
    kept = Dense.backward
    monkeypatch.setattr(Dense, "backward", lambda *a: called.append(1) or kept(*a))
    model = Sequential([Dense(4), ReLU(), Dense(3)])
    model.build((5,))
    model.layers[0].trainable = False
    summary = str(model.plan(training=True))
    assert "dense_1" in summary
    x, labels = rng.standard_normal((8, 5), np.float32), rng.integers(0, 3, 8)
    _, gradient, _ = passes(model, x, labels, "auto")
    assert not called
    assert not gradient[: 5 * 4 + 4].any()


def test_freezing_between_two_steps_takes_effect(rng):
    model = Sequential([Dense(4), ReLU(), Dense(3)])
    model.build((5,))
    x, labels = rng.standard_normal((8, 5), np.float32), rng.integers(0, 3, 8)
    with model.training_engine() as engine:
        for trainable in (True, False, True):
            model.layers[0].trainable = trainable
            ctx = Context(training=True)
            outputs = engine.forward(x, ctx)
            _, dy = SoftmaxCrossEntropy().value_and_gradient(outputs, labels)
            gradient = engine.backward(dy, ctx)
            assert gradient[:20].any() == trainable
            assert gradient[24:].any()
