"""What holds for every augmentation."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numcnn.augmentation import (
    Augmentation,
    Compose,
    Cutout,
    ElasticDistortion,
    Exposure,
    GaussianNoise,
    HorizontalFlip,
    PaddedCrop,
    Pen,
    RandomAffine,
    Reframe,
    augmentation_from_config,
)
from numcnn.random_streams import Draw

ALL = [
    RandomAffine(rotation=20, shift=(0.2, 0.1), zoom=0.3, shear=10),
    RandomAffine(rotation=180, shift=0.3, fill="edge"),
    RandomAffine(shift=1, fill=77.5),
    ElasticDistortion(strength=30, smoothness=3),
    ElasticDistortion(strength=5, smoothness=0.5, fill="edge"),
    HorizontalFlip(),
    HorizontalFlip("alternating"),
    PaddedCrop(2),
    PaddedCrop(9, "constant"),
    Cutout(3),
    Cutout(6, fill=120),
    GaussianNoise(40),
    Pen(thinner=0.8, thicker=1.4, skips=0.3),
    Reframe(rotation=9, shear=12, stretch=0.2, strength=20, zoom=0.05),
    Exposure(blur=0.8, contrast=1.8, paler=0.3, noise=20),
    Compose(()),
    Compose((PaddedCrop(1), Compose((Cutout(2),)), RandomAffine(rotation=5))),
]
each = pytest.mark.parametrize("augmentation", ALL, ids=repr)


def draw(count: int, seed: int = 0, epoch: int = 0) -> Draw:
    return Draw(np.random.default_rng(seed), seed, epoch, np.arange(count))


def images(count: int, *shape: int) -> np.ndarray:
    whole = np.random.default_rng(1).integers(0, 256, (count, *shape))
    return whole.astype(np.float32)


@pytest.mark.slow
@each
@given(
    count=st.integers(1, 4),
    height=st.integers(3, 9),
    width=st.integers(3, 9),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 5),
)
def test_images_stay_images(augmentation, count, height, width, channels, seed):
    before = images(count, height, width, channels)
    given_images = before.copy()
    after = augmentation(given_images, draw(count, seed))
    np.testing.assert_array_equal(given_images, before)
    assert after.shape == before.shape
    assert after.dtype == np.float32
    assert after.min() >= -1e-4
    assert after.max() <= 255 + 1e-4
    np.testing.assert_array_equal(augmentation(before, draw(count, seed)), after)


@pytest.mark.parametrize("augmentation", [one for one in ALL if one != Compose(())], ids=repr)
def test_images_have_draws_of_their_own(augmentation):
    same = np.repeat(images(1, 9, 9, 1), 40, axis=0)
    assert len(np.unique(augmentation(same, draw(40)), axis=0)) > 1


@each
def test_the_settings_make_the_same_again(augmentation):
    text = json.dumps(augmentation.config())
    assert augmentation_from_config(json.loads(text)) == augmentation


@each
def test_other_arrays_are_refused(augmentation):
    with pytest.raises(ValueError, match="images are uint8"):
        augmentation(images(2, 5, 5, 1).astype(np.uint8), draw(2))
    with pytest.raises(ValueError, match=r"of shape \(2, 5, 5\)"):
        augmentation(images(2, 5, 5), draw(2))
    with pytest.raises(ValueError, match="3 indices for 2 images"):
        augmentation(images(2, 5, 5, 1), draw(3))


def test_a_config_is_readable():
    assert RandomAffine(rotation=10, shift=(0.1, 0.2)).config() == {
        "type": "RandomAffine",
        "rotation": 10,
        "shift": [0.1, 0.2],
        "zoom": 0.0,
        "shear": 0.0,
        "fill": 0.0,
    }


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"type": "Exec"}, "type is 'Exec'; there are Compose, Cutout,"),
        ({"type": ["Cutout"]}, "augmentation type is"),
        ({}, "type is None"),
        ([], "give an object"),
        ({"type": "Cutout"}, "settings of Cutout do not fit: .*size"),
        ({"type": "Cutout", "size": 3, "color": 1}, "settings of Cutout do not fit: .*color"),
        ({"type": "Cutout", "size": "3"}, "settings of Cutout do not fit"),
        ({"type": "Cutout", "size": 0}, "size is 0"),
        ({"type": "Compose", "steps": [{"type": "X"}]}, "type is 'X'"),
        ({"type": "Compose", "steps": [3]}, "config is 3"),
        ({"type": "Compose", "steps": 3}, "settings of Compose do not fit"),
    ],
)
def test_a_bad_config(config, message):
    with pytest.raises(ValueError, match=message):
        augmentation_from_config(config)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomAffine(rotation=-1), "rotation is -1; give a number from 0 to 180"),
        (lambda: RandomAffine(shift=1.1), "shift is 1.1"),
        (lambda: RandomAffine(shift=(0.1, -0.1)), "shift is -0.1"),
        (lambda: RandomAffine(shift=(0.1,)), "shift is"),
        (lambda: RandomAffine(zoom=1), "zoom is 1"),
        (lambda: RandomAffine(shear=float("nan")), "shear is nan"),
        (lambda: RandomAffine(fill="mirror"), "fill is 'mirror'"),
        (lambda: RandomAffine(fill=256), "fill is 256"),
        (lambda: ElasticDistortion(-1, 4), "strength is -1; give a number at least 0"),
        (lambda: ElasticDistortion(float("inf"), 4), "strength is inf"),
        (lambda: ElasticDistortion(1, 0), "smoothness is 0"),
        (lambda: HorizontalFlip("never"), "mode is 'never'"),
        (lambda: PaddedCrop(-1), "padding is -1"),
        (lambda: PaddedCrop(1, "edge"), "mode is 'edge'"),
        (lambda: Cutout(0), "size is 0"),
        (lambda: Cutout(1, -3), "fill is -3"),
        (lambda: GaussianNoise(-0.5), "stddev is -0.5"),
        (lambda: Compose((3,)), "steps hold 3"),
    ],
)
def test_bad_settings_name_themselves(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_nobody_makes_the_abstract_one():
    with pytest.raises(TypeError, match="abstract"):
        Augmentation()
