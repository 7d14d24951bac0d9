import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from numcnn.augmentation import RandomAffine
from numcnn.augmentation.affine import inverse_maps, warp_affine
from numcnn.random_streams import Draw


def images(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape)).astype(np.float32)


@pytest.mark.parametrize("side", [1, 2, 4, 5, 28])
@pytest.mark.parametrize("turns", [1, 2, 3, -1])
def test_quarter_turns_only_move_pixels(side, turns):
    before = images(2, side, side, 3)
    after = warp_affine(before, inverse_maps((side, side), rotation=[90 * turns] * 2))
    np.testing.assert_allclose(after, np.rot90(before, turns, axes=(1, 2)), atol=0.02)


def test_half_a_turn_of_an_oblong_image():
    before = images(1, 4, 7, 1)
    after = warp_affine(before, inverse_maps((4, 7), rotation=180))
    np.testing.assert_allclose(after, before[:, ::-1, ::-1], atol=0.02)


def test_shifts_by_whole_pixels_are_slices():
    before = images(1, 6, 5, 1)
    after = warp_affine(before, inverse_maps((6, 5), down=2, right=-1), fill=9)
    np.testing.assert_array_equal(after[:, 2:, :-1], before[:, :-2, 1:])
    assert (after[:, :2] == 9).all()
    assert (after[:, :, -1] == 9).all()


def test_half_a_pixel_is_the_mean_of_two():
    before = np.array([10, 30, 70], np.float32).reshape(1, 1, 3, 1)
    after = warp_affine(before, inverse_maps((1, 3), right=0.5))
    assert after.reshape(-1).tolist() == [5, 20, 50]
    after = warp_affine(before, inverse_maps((1, 3), right=0.5), fill="edge")
    assert after.reshape(-1).tolist() == [10, 20, 50]


def test_twice_as_large_puts_the_middle_part_over_the_whole():
    before = np.array([0, 10, 20, 30, 40], np.float32).reshape(1, 1, 5, 1)
    after = warp_affine(before, inverse_maps((1, 5), zoom=2))
    assert after.reshape(-1).tolist() == [10, 15, 20, 25, 30]


def test_a_positive_shear_leans_an_upright_line_to_the_right():
    before = np.zeros((1, 5, 5, 1), np.float32)
    before[:, :, 2] = 255
    after = warp_affine(before, inverse_maps((5, 5), shear=45))
    np.testing.assert_allclose(after[0, ..., 0], 255 * np.eye(5)[::-1], atol=0.01)


def test_no_change_is_no_change_to_the_last_bit():
    before = images(3, 7, 6, 3)
    draw = Draw(np.random.default_rng(0), 0, 0, np.arange(3))
    np.testing.assert_array_equal(RandomAffine()(before, draw), before)
    np.testing.assert_array_equal(RandomAffine(fill="edge")(before, draw), before)


@given(
    rotation=st.floats(-180, 180),
    shear=st.floats(-60, 60),
    zoom=st.floats(0.1, 1.9),
    down=st.floats(-9, 9),
    right=st.floats(-9, 9),
)
def test_the_maps_undo_the_composed_forward_map(rotation, shear, zoom, down, right):
    size = np.array([5, 8])
    turn, slope = np.radians(rotation), np.tan(np.radians(shear))
    R = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    S = np.array([[1, 0], [-slope, 1]])
    point, middle = np.array([3.0, 1.0]), (size - 1) / 2
    moved = zoom * R @ S @ (point - middle) + middle + [down, right]
    (back,) = inverse_maps(
        (5, 8), rotation=rotation, shear=shear, zoom=zoom, down=down, right=right
    )
    np.testing.assert_allclose(back[:, :2] @ moved + back[:, 2], point, atol=1e-3)


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    channels=st.sampled_from([1, 3]),
    fill=st.sampled_from([0.0, 100.0, "edge"]),
    seed=st.integers(0, 100),
)
def test_the_images_agree_with_scipys_under_the_same_draws(height, width, channels, fill, seed):
    before = images(3, height, width, channels)
    augmentation = RandomAffine(rotation=90, shift=0.4, zoom=0.5, shear=30, fill=fill)
    maps = augmentation.draw_maps(before.shape[:3], np.random.default_rng(seed))
    after = augmentation(before, Draw(np.random.default_rng(seed), 0, 0, np.arange(3)))
    outside = {"mode": "nearest"} if fill == "edge" else {"mode": "grid-constant", "cval": fill}
    for image, result, matrix in zip(before, after, maps.astype(np.float64), strict=True):
        for channel in range(channels):
            expected = scipy.ndimage.affine_transform(
                image[..., channel].astype(np.float64),
                matrix[:, :2],
                matrix[:, 2],
                order=1,
                **outside,
            )
            np.testing.assert_allclose(result[..., channel], expected, atol=0.02)


def test_the_draws_fill_their_ranges():
    augmentation = RandomAffine(rotation=30, zoom=0.5, shift=(0.25, 0.5))
    maps = augmentation.draw_maps((4000, 21, 41), np.random.default_rng(0))
    scale = 1 / np.sqrt(np.linalg.det(maps[:, :, :2].astype(np.float64)))
    assert scale.min() == pytest.approx(0.5, abs=0.01)
    assert scale.max() == pytest.approx(1.5, abs=0.01)
    angle = np.degrees(np.arctan2(maps[:, 0, 1], maps[:, 0, 0]))
    assert angle.min() == pytest.approx(-30, abs=0.2)
    assert angle.max() == pytest.approx(30, abs=0.2)
    # Where the middle of the output comes from; turned and scaled back it is the shift.
    middle = np.array([10.0, 20.0])
    linear, offset = maps[:, :, :2].astype(np.float64), maps[:, :, 2]
    shift = np.linalg.solve(linear, (middle - (linear @ middle + offset))[..., None])[..., 0]
    np.testing.assert_allclose(np.abs(shift).max(axis=0), [21 * 0.25, 41 * 0.5], rtol=0.01)


def test_one_setting_does_not_change_what_another_one_draws():
    one = RandomAffine(shift=0.1).draw_maps((5, 9, 9), np.random.default_rng(3))
    two = RandomAffine(shift=0.1, rotation=1e-9).draw_maps((5, 9, 9), np.random.default_rng(3))
    np.testing.assert_allclose(one, two, atol=1e-5)
