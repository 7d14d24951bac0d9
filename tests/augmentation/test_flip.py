import numpy as np
import pytest

from numcnn.augmentation import HorizontalFlip
from numcnn.random_streams import Draw


def images(count: int) -> np.ndarray:
    """Make images whose left half is dark and whose right half is bright."""
    pixels = np.zeros((count, 2, 4, 1), np.float32)
    pixels[:, :, 2:] = 255
    return pixels


def flipped(mode: str, indices: np.ndarray, epoch: int, seed: int = 0) -> np.ndarray:
    """Tell which images come out mirrored."""
    draw = Draw(np.random.default_rng([seed, epoch]), seed, epoch, indices)
    return HorizontalFlip(mode)(images(len(indices)), draw)[:, 0, 0, 0] == 255


@pytest.mark.parametrize("mode", ["random", "alternating"])
def test_an_image_comes_as_itself_or_mirrored(mode):
    before = np.random.default_rng(0).random((50, 3, 5, 3)).astype(np.float32)
    after = HorizontalFlip(mode)(before, Draw(np.random.default_rng(0), 0, 0, np.arange(50)))
    for image, result in zip(before, after, strict=True):
        assert np.array_equal(result, image) or np.array_equal(result, image[:, ::-1])


@pytest.mark.parametrize("mode", ["random", "alternating"])
@pytest.mark.parametrize("seed", [0, 1, 2**65])
def test_half_of_the_images_are_mirrored_first(mode, seed):
    share = flipped(mode, np.arange(10_000), 0, seed).mean()
    assert share == pytest.approx(0.5, abs=0.025)  # five standard deviations


def test_random_flips_are_independent_from_epoch_to_epoch():
    same = flipped("random", np.arange(10_000), 0) == flipped("random", np.arange(10_000), 1)
    assert same.mean() == pytest.approx(0.5, abs=0.025)


def test_alternating_flips_show_both_sides_in_any_two_epochs():
    indices = np.arange(1000)
    for epoch in range(5):
        first, second = (flipped("alternating", indices, e) for e in (epoch, epoch + 1))
        np.testing.assert_array_equal(first, ~second)


def test_an_image_alternates_in_whichever_batch_it_is():
    indices = np.random.default_rng(0).permutation(1000)
    whole = flipped("alternating", np.arange(1000), 3)
    np.testing.assert_array_equal(flipped("alternating", indices[:100], 3), whole[indices[:100]])


def test_the_first_side_depends_on_the_seed_and_not_on_the_neighbor():
    one, two = (flipped("alternating", np.arange(10_000), 0, seed) for seed in (0, 1))
    assert (one == two).mean() == pytest.approx(0.5, abs=0.025)
    assert (one[1:] == one[:-1]).mean() == pytest.approx(0.5, abs=0.025)
