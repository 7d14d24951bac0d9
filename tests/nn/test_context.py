"""Context: what one pass remembers, and for whom."""

import numpy as np
import pytest

from numcnn.nn import (
    AveragePool2D,
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePool2D,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
)
from tests.nn.samples import normal


def network() -> Sequential:
    model = Sequential(
        [
            Conv2D(4, 3, padding="same"),
            BatchNorm(),
            ReLU(),
            MaxPool2D(),
            Residual([Conv2D(4, 1), AveragePool2D(3, 1, "same")]),
            Flatten(),
            Dense(3),
        ]
    )
    model.build((6, 6, 1))
    return model


X = normal(2, 6, 6, 1).astype(np.float32)
DY = normal(2, 3).astype(np.float32)


def test_inference_keeps_nothing():
    ctx = Context()
    network().forward(X, ctx)
    assert not ctx._saved
    assert not ctx.new_state
    assert not ctx.grads


def test_training_remembers_until_backward_has_used_it():
    model, ctx = network(), Context(training=True)
    model.forward(X, ctx)
    assert ctx._saved
    model.backward(DY, ctx)
    assert not ctx._saved


def test_inference_can_be_derived_if_asked_for():
    model, ctx = network(), Context(training=False, differentiable=True)
    model.forward(X, ctx)
    assert model.backward(DY, ctx).shape == X.shape
    assert not ctx.new_state


def test_training_need_not_remember():
    ctx = Context(training=True, differentiable=False)
    network().forward(X, ctx)
    assert not ctx._saved


@pytest.mark.parametrize("layer", [Dense(2), Flatten(), ReLU()], ids=repr)
def test_backward_without_forward_is_an_error_with_a_remedy(layer):
    with pytest.raises(ValueError, match="run forward first with the same Context, made with"):
        layer.backward(DY, Context(training=True))


def test_backward_after_plain_inference_is_an_error():
    model, ctx = network(), Context()
    model.forward(X, ctx)
    with pytest.raises(ValueError, match="found nothing from forward"):
        model.backward(DY, ctx)


def test_backward_twice_is_an_error():
    model, ctx = network(), Context(training=True)
    model.forward(X, ctx)
    model.backward(DY, ctx)
    with pytest.raises(ValueError, match="and backward once"):
        model.backward(DY, ctx)


def test_the_gradients_of_a_second_pass_replace_those_of_the_first():
    model, ctx = network(), Context(training=True)
    model.forward(X, ctx)
    model.backward(DY, ctx)
    once = model.gradient(ctx)
    model.forward(X, ctx)
    model.backward(DY, ctx)
    np.testing.assert_array_equal(model.gradient(ctx), once)


def test_two_passes_through_one_model_do_not_mix():
    model = network()
    first, second, alone = (Context(training=True) for _ in range(3))
    model.forward(X, alone)
    expected = model.backward(DY, alone)
    model.forward(X, first)
    model.forward(X[::-1] * 3, second)
    model.backward(DY, second)
    np.testing.assert_array_equal(model.backward(DY, first), expected)


def test_training_leaves_the_layers_as_they_were():
    model = network()
    before = model.state_dict()
    settings = [dict(vars(layer)) for _, layer in model.named_layers()]
    ctx = Context(training=True)
    model.forward(X, ctx)
    model.backward(DY, ctx)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    for (_, layer), kept in zip(model.named_layers(), settings, strict=True):
        assert vars(layer).keys() == kept.keys()
        assert all(vars(layer)[key] is value for key, value in kept.items())


@pytest.mark.parametrize("layer", [GlobalAveragePool2D(), BatchNorm(), Flatten()], ids=repr)
def test_a_context_knows_layers_apart_that_have_the_same_settings(layer):
    twin = type(layer)()
    ctx = Context(training=True)
    for each in (layer, twin):
        each.build((6, 6, 1), np.random.default_rng(0))
    layer.forward(X, ctx)
    with pytest.raises(ValueError, match="found nothing"):
        twin.backward(X, ctx)
