import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numcnn.data import Dataset, split_validation


def numbered(counts: list[int]) -> Dataset:
    """Make a data set in which each image is its own number, in four bytes."""
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))
    images = np.arange(len(labels), dtype=np.uint32).view(np.uint8).reshape(-1, 2, 2, 1)
    return Dataset(images, labels, tuple(map(str, range(len(counts)))), "numbered")


def numbers(part: Dataset) -> np.ndarray:
    return part.images.reshape(-1).view(np.uint32)


@given(
    counts=st.lists(st.sampled_from([0, 2, 3, 7, 10, 41]), min_size=1, max_size=5).filter(sum),
    fraction=st.floats(0.001, 0.999),
    seed=st.integers(0, 2**70),
)
def test_a_split_divides_each_class_by_the_fraction(counts, fraction, seed):
    dataset = numbered(counts)
    train, validation = split_validation(dataset, fraction, seed)
    assert sorted([*numbers(train), *numbers(validation)]) == list(range(len(dataset)))
    for part in (train, validation):
        assert (np.diff(numbers(part).astype(np.int64)) > 0).all(), "the order is not kept"
        np.testing.assert_array_equal(part.labels, dataset.labels[numbers(part)])
    for count, share in zip(counts, validation.label_counts(), strict=True):
        if count:
            assert 1 <= share <= count - 1
            assert abs(share - fraction * count) <= max(
                0.5, 1 - fraction * count, fraction * count - (count - 1)
            )


def test_the_seed_decides(make_dataset):
    dataset = make_dataset([50, 50])
    one, same, other = (split_validation(dataset, 0.3, seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.images, same.images)
    assert not np.array_equal(one.images, other.images)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_a_fraction_out_of_range(make_dataset, fraction):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        split_validation(make_dataset([5, 5]), fraction, 0)


@pytest.mark.parametrize("seed", [-1, 0.5, True])
def test_a_bad_seed(make_dataset, seed):
    with pytest.raises(ValueError, match="seed is"):
        split_validation(make_dataset([5, 5]), 0.5, seed)


def test_a_class_of_one_image_is_named(make_dataset):
    with pytest.raises(ValueError, match="class 'class 1' of made has 1 image"):
        split_validation(make_dataset([5, 1]), 0.5, 0)


def test_unlabeled_images_cannot_be_stratified(make_dataset):
    dataset = Dataset(make_dataset([5]).images, None, ("a",), "secret")
    with pytest.raises(ValueError, match="secret has no labels"):
        split_validation(dataset, 0.5, 0)
