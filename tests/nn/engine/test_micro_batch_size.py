"""How many images go through a planned network together."""

import pytest

from numcnn.nn import Conv2D, Sequential
from numcnn.nn.engine import machine
from numcnn.nn.engine.plan import Plan


@pytest.fixture(autouse=True)
def a_machine(monkeypatch):
    """One lane, and a megabyte of cache."""
    monkeypatch.setattr(machine, "lanes", lambda: 1)
    monkeypatch.setattr(machine, "core_cache", lambda: 1 << 20)


def piece_size(side: int, channels: int, filters: int, batch_size: int = 64) -> int:
    """Of a 3x3 convolution on images of some pixels a side."""
    model = Sequential([Conv2D(channels, 3, padding="same"), Conv2D(filters, 3, padding="same")])
    shape = side, side, channels
    model.build(shape)
    links = [link for _, link in zip(range(2), model._chain.links(), strict=False)]
    plan = Plan(links, shape, batch_size, training=True)
    return plan.segments[0].micro_batches[0].size


def test_a_piece_fits_the_cache():
    small, large = piece_size(32, 32, 32), piece_size(64, 32, 32)
    assert 1 <= large < small < 64


def test_weights_beyond_the_cache_make_larger_pieces(monkeypatch):
    # 36 x 256 x 256 floats are nine megabytes for Winograd.
    among_images = piece_size(8, 256, 256)
    monkeypatch.setattr(machine, "core_cache", lambda: 1 << 24)
    monkeypatch.setattr("numcnn.nn.engine.plan._CACHE_SHARE", 5.1 / 16)
    assert piece_size(8, 256, 256) < among_images <= 64


def test_a_piece_is_no_larger_than_the_batch():
    assert piece_size(4, 256, 256, batch_size=8) == 8
