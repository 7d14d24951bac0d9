"""A plan says why it is as it is."""

import pytest

from numcnn.nn import BatchNorm, Conv2D, Dense, Flatten, ReLU, Sequential
from tests.engine.agreement import fake_hardware
from tests.engine.own_layers import Centering


def reasons(layers: list, batch_size: int = 64) -> list[str]:
    model = Sequential(layers)
    model.build((16, 16, 1))
    with fake_hardware(shards=2):
        return list(model.plan(batch_size).reasons)


def test_each_method_gives_its_reason():
    wide = reasons([Conv2D(32, 3), BatchNorm(), ReLU(), Conv2D(32, 3), Flatten(), Dense(4)])
    assert any(line.startswith("conv2d_1: im2col: ") for line in wide)
    assert any(line.startswith("conv2d_2: Winograd: ") for line in wide)
    assert any(line.startswith("batchnorm_1: sums, then join: ") for line in wide)
    narrow = reasons([Conv2D(6, 5), Centering(), Flatten(), Dense(4)])
    assert any(line.startswith("conv2d_1: Toeplitz, 4 columns: ") for line in narrow)
    assert any(line.startswith("centering_1: the layer's own") for line in narrow)


def test_what_is_shared_and_what_is_not():
    layers = [Conv2D(32, 3), Conv2D(32, 3), Flatten(), Dense(4)]
    assert reasons(layers)[0].startswith("2 shards: ")
    assert reasons(layers, batch_size=1)[0] == "1 shard: too little work to share"


def test_a_library_that_is_tied_to_an_older_processor_is_told(monkeypatch):
    layers = [Flatten(), Dense(4)]
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    assert not any("OPENBLAS" in line for line in reasons(layers))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert reasons(layers)[-1].startswith("OPENBLAS_CORETYPE is Haswell: ")


@pytest.mark.parametrize("training", [True, False])
def test_the_text_has_them(training):
    model = Sequential([Flatten(), Dense(4)])
    model.build((4, 4, 1))
    plan = model.plan(8, training=training)
    assert plan.summary() == str(plan)
    assert all(f"- {reason}" in plan.summary().splitlines() for reason in plan.reasons)
    assert plan.as_dict()["reasons"] == plan.reasons
