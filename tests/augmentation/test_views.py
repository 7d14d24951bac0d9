"""The views for test-time augmentation: no chance in them, and the images themselves first."""

import numpy as np
import pytest

from numcnn.augmentation import (
    Augmentation,
    Compose,
    Cutout,
    ElasticDistortion,
    GaussianNoise,
    HorizontalFlip,
    PaddedCrop,
    RandomAffine,
)
from numcnn.augmentation.affine import inverse_maps, warp_affine

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 6, 2)).astype(np.float32)


@pytest.mark.parametrize(
    ("augmentation", "count"),
    [
        (Compose(()), 1),
        (Cutout(3), 1),
        (ElasticDistortion(3, 2), 1),
        (GaussianNoise(5), 1),
        (HorizontalFlip(), 2),
        (PaddedCrop(4), 5),
        (PaddedCrop(1), 1),
        (RandomAffine(), 1),
        (RandomAffine(zoom=0.1, shear=5), 1),
        (RandomAffine(rotation=10), 3),
        (RandomAffine(shift=0.1), 5),
        (RandomAffine(shift=(0, 0.1)), 3),
        (RandomAffine(rotation=10, shift=0.1, zoom=0.1), 7),
        (Compose((PaddedCrop(4), HorizontalFlip())), 10),
        (Compose((GaussianNoise(5), HorizontalFlip("alternating"), Cutout(2))), 2),
    ],
    ids=repr,
)
def test_the_images_come_first_and_each_view_once(augmentation: Augmentation, count: int):
    before = IMAGES.copy()
    views = list(augmentation.views(IMAGES))
    assert len(views) == count
    np.testing.assert_array_equal(views[0], IMAGES)
    np.testing.assert_array_equal(before, IMAGES)
    assert {(view.shape, view.dtype) for view in views} == {(IMAGES.shape, IMAGES.dtype)}
    assert len({view.tobytes() for view in views}) == count
    for again, view in zip(augmentation.views(IMAGES), views, strict=True):
        np.testing.assert_array_equal(again, view)


def test_a_mirrored_view_is_mirrored():
    _, mirrored = HorizontalFlip().views(IMAGES)
    np.testing.assert_array_equal(mirrored, IMAGES[:, :, ::-1])


def test_affine_views_go_half_as_far_as_training():
    views = list(RandomAffine(rotation=10, shift=(0.5, 0.0), fill="edge").views(IMAGES))
    expected = [
        {"rotation": 5},
        {"rotation": -5},
        {"down": 2},
        {"down": -2},
    ]
    for view, change in zip(views[1:], expected, strict=True):
        maps = np.repeat(inverse_maps((8, 6), **change), len(IMAGES), axis=0)
        np.testing.assert_array_equal(view, warp_affine(IMAGES, maps, "edge"))


def test_a_shifted_view_shows_the_same_pixels_elsewhere():
    _, down, up, right, left = RandomAffine(shift=(0.25, 1 / 3)).views(IMAGES)
    np.testing.assert_allclose(down[:, 1:], IMAGES[:, :-1], atol=1e-3)
    np.testing.assert_allclose(up[:, :-1], IMAGES[:, 1:], atol=1e-3)
    np.testing.assert_allclose(right[:, :, 1:], IMAGES[:, :, :-1], atol=1e-3)
    np.testing.assert_allclose(left[:, :, :-1], IMAGES[:, :, 1:], atol=1e-3)


@pytest.mark.parametrize("mode", ["reflect", "constant"])
def test_cropped_views_are_shifted_by_half_the_padding(mode):
    _, up, down, left, right = PaddedCrop(4, mode).views(IMAGES)
    np.testing.assert_array_equal(up[:, :-2], IMAGES[:, 2:])
    np.testing.assert_array_equal(down[:, 2:], IMAGES[:, :-2])
    np.testing.assert_array_equal(left[:, :, :-2], IMAGES[:, :, 2:])
    np.testing.assert_array_equal(right[:, :, 2:], IMAGES[:, :, :-2])
    border = IMAGES[:, -3:-1][:, ::-1] if mode == "reflect" else np.zeros_like(up[:, -2:])
    np.testing.assert_array_equal(up[:, -2:], border)


def test_composed_views_are_all_pairs():
    steps = PaddedCrop(2), HorizontalFlip()
    expected = [view for moved in steps[0].views(IMAGES) for view in steps[1].views(moved)]
    for view, pair in zip(Compose(steps).views(IMAGES), expected, strict=True):
        np.testing.assert_array_equal(view, pair)
