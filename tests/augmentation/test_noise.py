import numpy as np
import pytest

from numcnn.augmentation import GaussianNoise
from numcnn.random_streams import Draw


def noisy(level: float, stddev: float) -> np.ndarray:
    images = np.full((20, 40, 40, 3), level, np.float32)
    return GaussianNoise(stddev)(images, Draw(np.random.default_rng(0), 0, 0, np.arange(20)))


def test_noise_has_the_given_spread_and_no_bias():
    values = noisy(128, 10)
    assert values.mean() == pytest.approx(128, abs=0.2)
    assert values.std() == pytest.approx(10, rel=0.02)


def test_each_channel_has_its_own_noise():
    values = noisy(128, 10) - 128
    assert abs(np.mean(values[..., 0] * values[..., 1])) < 2


def test_values_stay_between_black_and_white():
    assert noisy(250, 50).max() == 255
    assert noisy(5, 50).min() == 0


def test_no_spread_is_no_change():
    assert (noisy(77, 0) == 77).all()
