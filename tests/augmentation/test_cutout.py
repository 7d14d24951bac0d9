import numpy as np
import pytest

from numcnn.augmentation import Cutout
from numcnn.random_streams import Draw


def covered(size: int, count: int, height: int, width: int) -> np.ndarray:
    images = np.full((count, height, width, 2), 255, np.float32)
    after = Cutout(size)(images, Draw(np.random.default_rng(0), 0, 0, np.arange(count)))
    assert set(np.unique(after)) <= {0, 255}
    np.testing.assert_array_equal(after[..., 0], after[..., 1])
    return after[..., 0] == 0


@pytest.mark.parametrize("size", [1, 2, 3, 4, 30])
def test_a_square_around_each_pixel_comes_up(size):
    height, width = 6, 5
    expected = set()
    for row in range(height):
        for column in range(width):
            mask = np.zeros((height, width), bool)
            top, left = row - size // 2, column - size // 2
            mask[max(top, 0) : top + size, max(left, 0) : left + size] = True
            expected.add(mask.tobytes())
    assert {mask.tobytes() for mask in covered(size, 1000, height, width)} == expected


def test_the_gray_level_can_be_chosen():
    images = np.zeros((1, 3, 3, 1), np.float32)
    after = Cutout(9, fill=33.5)(images, Draw(np.random.default_rng(0), 0, 0, np.arange(1)))
    assert (after == 33.5).all()
