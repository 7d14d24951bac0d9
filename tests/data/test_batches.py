from dataclasses import dataclass
from typing import final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numcnn.augmentation import Augmentation, GaussianNoise, RandomAffine
from numcnn.data import Batches, Dataset
from numcnn.random_streams import Draw


def numbered(count: int) -> Dataset:
    images = np.arange(count, dtype=np.uint32).view(np.uint8).reshape(-1, 2, 2, 1)
    return Dataset(images, np.arange(count) % 3, ("a", "b", "c"), "numbered")


def order(batches: Batches, epoch: int) -> list[int]:
    return [int(index) for batch in batches.epoch(epoch) for index in batch.indices]


@given(
    count=st.integers(1, 40),
    batch_size=st.integers(1, 45),
    seed=st.integers(0, 2**66),
    epoch=st.integers(0, 1000),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
)
def test_an_epoch_has_each_image_once(count, batch_size, seed, epoch, shuffle, drop_last):
    dataset = numbered(count)
    if drop_last and batch_size > count:
        with pytest.raises(ValueError, match="give a smaller batch_size"):
            Batches(dataset, batch_size, seed, shuffle, None, drop_last)
        return
    batches = Batches(dataset, batch_size, seed, shuffle, None, drop_last)
    seen = list(batches.epoch(epoch))
    assert len(seen) == len(batches)
    assert all(len(batch) == batch_size for batch in seen[:-1])
    indices = np.concatenate([batch.indices for batch in seen])
    if drop_last:
        assert len(set(indices)) == len(indices) == count // batch_size * batch_size
    else:
        assert sorted(indices) == list(range(count))
    if not shuffle:
        assert indices.tolist() == list(range(len(indices)))
    for batch in seen:
        assert batch.inputs.dtype == np.uint8
        np.testing.assert_array_equal(batch.inputs, dataset.images[batch.indices])
        np.testing.assert_array_equal(batch.targets, batch.indices % 3)


def test_the_order_follows_from_seed_and_epoch_alone():
    one, same, other = (Batches(numbered(50), 8, seed) for seed in (1, 1, 2))
    assert order(one, 0) != order(one, 1)
    assert order(one, 0) != order(other, 0)
    # Without having gone through the epochs before it, as after an interruption.
    assert order(same, 1) == order(one, 1)
    differently_cut = Batches(numbered(50), 50, 1)
    assert order(differently_cut, 1) == order(one, 1)


def test_augmentation_follows_from_seed_epoch_and_batch_alone():
    batches = Batches(numbered(20), 8, 5, augmentation=GaussianNoise(10.0))
    whole = [batch.inputs for batch in batches.epoch(3)]
    again = Batches(numbered(20), 8, 5, augmentation=GaussianNoise(10.0)).epoch(3)
    for expected, batch in zip(whole, again, strict=True):
        assert batch.inputs.dtype == np.float32
        np.testing.assert_array_equal(batch.inputs, expected)
    other = next(iter(batches.epoch(4)))
    assert not np.array_equal(other.inputs, whole[0])


def test_augmentation_does_not_change_the_order():
    plain = Batches(numbered(20), 8, 5)
    assert order(plain, 2) == order(Batches(numbered(20), 8, 5, augmentation=RandomAffine(9)), 2)


@final
@dataclass(frozen=True)
class Spy(Augmentation):
    """Do nothing, and note what was drawn for."""

    draws: list

    def apply(self, images: np.ndarray, draw: Draw) -> np.ndarray:
        self.draws.append((draw.seed, draw.epoch, draw.indices.tolist(), draw.rng.random()))
        return images


def test_each_batch_has_a_draw_of_its_own():
    spy = Spy([])
    batches = Batches(numbered(5), 2, 7, shuffle=False, augmentation=spy)
    seen = [*batches.epoch(0), *batches.epoch(1)]
    assert [draw[:3] for draw in spy.draws] == [
        (7, epoch, indices) for epoch in (0, 1) for indices in ([0, 1], [2, 3], [4])
    ]
    assert len({draw[3] for draw in spy.draws}) == 6
    assert seen[2].inputs.dtype == np.float32
    np.testing.assert_array_equal(seen[2].inputs, numbered(5).images[4:])


def test_unlabeled_images_have_batches_without_labels():
    dataset = Dataset(numbered(3).images, None, ("a",), "unlabeled")
    assert [batch.targets for batch in Batches(dataset, 2, 0).epoch(0)] == [None, None]


def test_bad_settings():
    with pytest.raises(ValueError, match="batch_size is 0; give an integer of at least 1"):
        Batches(numbered(3), 0, 0)
    with pytest.raises(ValueError, match="seed is -1"):
        Batches(numbered(3), 1, -1)
    with pytest.raises(ValueError, match="epoch number is -1"):
        Batches(numbered(3), 1, 0).epoch(-1)
