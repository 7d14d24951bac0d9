import numpy as np
import pytest

from numcnn.augmentation import Reframe
from numcnn.random_streams import Draw

COUNT = 60


def draw():
    return Draw(np.random.default_rng(0), 0, 0, np.arange(COUNT))


def drawings():
    """An L, small and off the middle."""
    images = np.zeros((COUNT, 28, 28, 1), np.float32)
    images[:, 3:15, 4:7] = 255
    images[:, 12:15, 4:12] = 255
    return images


def measured(images):
    """For each image the longer side of its box, and where its center of mass lies."""
    ink = images[..., 0]
    sides = [
        [np.ptp(np.flatnonzero((one > 100).any(axis=axis))) + 1 for axis in (0, 1)] for one in ink
    ]
    index = np.arange(28)
    mass = ink.sum(axis=(1, 2))
    centers = [(ink.sum(axis=2) @ index) / mass, (ink.sum(axis=1) @ index) / mass]
    return np.max(sides, axis=1), np.array(centers)


@pytest.mark.parametrize("change", [{}, {"rotation": 30}, {"shear": 20}, {"stretch": 0.5}])
def test_whatever_is_done_the_drawing_fills_its_frame(change):
    sides, centers = measured(Reframe(**change, shift=0)(drawings(), draw()))
    np.testing.assert_allclose(sides, 20, atol=1.5)
    np.testing.assert_allclose(centers, 14, atol=0.4)


def test_the_center_may_lie_off_the_middle():
    _, centers = measured(Reframe(shift=2)(drawings(), draw()))
    assert centers.std() > 0.8
    assert abs(centers - 14).max() < 2.5


def test_an_empty_image_stays_empty():
    assert not Reframe(rotation=10)(np.zeros((COUNT, 28, 28, 1), np.float32), draw()).any()
