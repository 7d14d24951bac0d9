"""Which numbers of shards there are."""

import os

import numpy as np
import pytest

from numcnn.engine import SHARDS, is_shards
from numcnn.nn import Dense, Sequential


def small() -> Sequential:
    model = Sequential([Dense(2)])
    model.build((3,))
    return model


@pytest.mark.parametrize("shards", [0, -2, 3, 2.0, True, "4", 2048])
def test_shards_that_are_none(shards):
    assert not is_shards(shards)
    with pytest.raises(ValueError, match=r"shards is .*; give a power of two from 1 to 1024"):
        small().training_engine(shards=shards)


def test_the_default_does_not_depend_on_the_cores(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert small().training_engine().shards == SHARDS == 4
    assert small().training_engine(shards=np.int64(2).item()).shards == 2
