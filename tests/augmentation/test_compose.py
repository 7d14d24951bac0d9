import numpy as np

from numcnn.augmentation import Compose, Cutout, GaussianNoise, PaddedCrop
from numcnn.random_streams import Draw


def test_steps_are_applied_in_order():
    images = np.full((3, 5, 5, 1), 100, np.float32)

    def draw() -> Draw:
        return Draw(np.random.default_rng(0), 0, 0, np.arange(3))

    chance = draw()
    expected = Cutout(3)(PaddedCrop(1, "constant")(images, chance), chance)
    after = Compose((PaddedCrop(1, "constant"), Cutout(3)))(images, draw())
    np.testing.assert_array_equal(after, expected)
    # The other way round, noise would be seen in the covered part.
    after = Compose((GaussianNoise(5), Cutout(9)))(images, draw())
    assert (after == 0).all()
