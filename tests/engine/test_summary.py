import json

import numpy as np
import pytest

from numcnn.nn import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
)
from tests.engine.agreement import fake_hardware
from tests.engine.own_layers import Centering


@pytest.fixture(scope="module")
def model() -> Sequential:
    model = Sequential(
        [
            Conv2D(6, 3),
            MaxPool2D(),
            BatchNorm(),
            ReLU(),
            Residual([Conv2D(6, 3, padding="same"), Centering()]),
            Flatten(),
            Dropout(0.5),
            Dense(4),
        ]
    )
    model.build((10, 10, 1))
    return model


def test_every_layer_is_in_the_table(model):
    rows = model.plan(32).rows
    named = {name for row in rows for name in row.layers}
    assert {name for name, _ in model.named_layers()} <= named
    assert rows[-1].output_shape == (4,)
    assert rows[1].layers == ("conv2d_1", "maxpool2d_1")
    assert rows[1].output_shape == (4, 4, 6)
    assert rows[1].layout == "C H W n"
    assert rows[1].bytes == 4 * rows[1].micro_batch * 4 * 4 * 6
    assert all(row.forward is row.backward is row.share is None for row in rows)


def test_as_text(model):
    with fake_hardware(shards=2):
        text = str(model.plan(32))
    lines = text.splitlines()
    assert lines[0].split()[:4] == ["layers", "how", "layout", "output"]
    assert set(lines[1]) == {"-", " "}
    assert lines[3].split()[:4] == ["conv2d_1,", "maxpool2d_1", "Toeplitz,", "2"]
    assert lines[-1].startswith("training, batches of 32 in 2 shards, ")
    assert "inference, batches of 1 in 1 shard, " in str(model.plan(1, training=False))
    assert text == "\n".join(line.rstrip() for line in lines)


@pytest.mark.parametrize("training", [True, False])
def test_measured(model, training):
    before = model.parameters.copy(), model.statistics.copy()
    with fake_hardware(shards=2):
        found = model.plan(8, training=training, measure=True)
    for row in found.rows:
        assert row.forward >= 0
        assert (row.backward is not None) == training
        assert (row.share is not None) == bool(row.macs)
    assert found.product_speed > 1e6
    shares = [row.share for row in found.rows if row.share is not None]
    # As much as the processor can do, and not many times more: then something was not run.
    assert all(0 < share < 3 for share in shares)
    assert "GFLOP/s on one core" in str(found)
    assert "us/image" in str(found)
    np.testing.assert_array_equal(model.parameters, before[0])
    np.testing.assert_array_equal(model.statistics, before[1])


def test_as_json(model):
    found = json.loads(json.dumps(model.plan(32, measure=True).as_dict()))
    assert found["batch_size"] == 32
    assert found["training"] is True
    assert found["rows"][-1]["layers"] == ["dense_1"]
    assert found["rows"][-1]["macs"] == 4 * 4 * 6 * 4


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, True])
def test_a_batch_size_that_is_none(model, batch_size):
    with pytest.raises(ValueError, match="batch_size is"):
        model.plan(batch_size)
