import numpy as np
import pytest

from numcnn.augmentation import PaddedCrop
from numcnn.random_streams import Draw


def draw(count: int) -> Draw:
    return Draw(np.random.default_rng(0), 0, 0, np.arange(count))


@pytest.mark.parametrize("mode", ["reflect", "constant"])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_each_part_of_the_bordered_image_comes_up(mode, padding):
    image = np.random.default_rng(1).integers(0, 256, (4, 5, 3)).astype(np.float32)
    bordered = np.pad(image, ((padding, padding), (padding, padding), (0, 0)), mode=mode)
    parts = {
        bordered[down : down + 4, right : right + 5].tobytes()
        for down in range(2 * padding + 1)
        for right in range(2 * padding + 1)
    }
    assert len(parts) == (2 * padding + 1) ** 2
    after = PaddedCrop(padding, mode)(np.stack([image] * 400), draw(400))
    assert {np.ascontiguousarray(part).tobytes() for part in after} == parts
    assert after.flags.c_contiguous


def test_an_image_keeps_its_own_pixels():
    before = np.repeat(np.arange(6, dtype=np.float32), 9).reshape(6, 3, 3, 1)
    np.testing.assert_array_equal(PaddedCrop(2)(before, draw(6)), before)


def test_an_image_too_small_to_be_mirrored():
    with pytest.raises(ValueError, match="images of 4 x 3 can be mirrored by 2 pixels at most"):
        PaddedCrop(3)(np.zeros((1, 4, 3, 1), np.float32), draw(1))
