"""The seam between a model and what computes it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numcnn
from numcnn.nn import Context, Dense, ReLU, Sequential
from tests.nn.samples import normal


@pytest.fixture
def model() -> Sequential:
    model = Sequential([Dense(4), ReLU(), Dense(2)])
    model.build((3,), seed=1)
    return model


def test_where_no_engine_is_wired_in_the_layers_compute(monkeypatch, model):
    monkeypatch.delattr(numcnn, "executor")
    x = normal(5, 3).astype(np.float32)
    assert_array_equal(model.outputs(x), model.outputs(x, engine="layers"))
    with model.predictor(5) as predict:
        assert_array_equal(predict(x), model.outputs(x))
    with model.training_engine(threads=2, shards=2) as passes:
        ctx = Context(training=True)
        passes.forward(x, ctx)
        gradient = passes.backward(np.ones((5, 2), np.float32), ctx)
    assert passes.shards is None
    assert_array_equal(gradient, model.gradient(ctx))
    with pytest.raises(ValueError, match="no engine is wired in"):
        model.plan(5)


@pytest.mark.parametrize("engine", ["auto", "layers"])
def test_no_examples_have_no_outputs(model, engine):
    assert model.outputs(np.empty((0, 3)), engine=engine).shape == (0, 2)


def test_an_unknown_engine_is_named_even_for_no_examples(model):
    with pytest.raises(ValueError, match="engine is 'gpu'; choose one of auto, layers"):
        model.outputs(np.empty((0, 3)), engine="gpu")
