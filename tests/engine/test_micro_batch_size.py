"""How many images go through a planned network together."""

from numcnn.engine import hardware
from numcnn.engine.plan import Plan
from numcnn.nn import Conv2D, Sequential


def micro_batch_size(side: int, channels: int, filters: int, batch_size: int = 64) -> int:
    """Of a 3x3 convolution on images of some pixels a side."""
    model = Sequential([Conv2D(channels, 3, padding="same"), Conv2D(filters, 3, padding="same")])
    shape = side, side, channels
    model.build(shape)
    links = [link for _, link in zip(range(2), model.links(), strict=False)]
    plan = Plan(links, shape, batch_size, training=True, shards=1)
    return plan.segments[0].micro_batches[0].size


def test_a_micro_batch_fits_the_cache():
    small, large = micro_batch_size(32, 32, 32), micro_batch_size(64, 32, 32)
    assert 1 <= large < small < 64


def test_weights_beyond_the_cache_make_larger_micro_batches(monkeypatch):
    # 36 x 256 x 256 floats are nine megabytes for Winograd.
    among_images = micro_batch_size(8, 256, 256)
    monkeypatch.setattr(hardware, "CORE_CACHE", 1 << 24)
    monkeypatch.setattr("numcnn.engine.plan._CACHE_SHARE", 5.1 / 16)
    assert micro_batch_size(8, 256, 256) < among_images <= 64


def test_a_micro_batch_is_no_larger_than_the_batch():
    assert micro_batch_size(4, 256, 256, batch_size=8) == 8
