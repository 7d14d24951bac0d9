import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from numcnn.augmentation import ElasticDistortion
from numcnn.random_streams import Draw


def draw(count: int, seed: int = 0) -> Draw:
    return Draw(np.random.default_rng(seed), seed, 0, np.arange(count))


@given(height=st.integers(1, 20), width=st.integers(1, 20), smoothness=st.floats(0.3, 8))
def test_smoothing_is_scipys_gaussian_filter(height, width, smoothness):
    fields = np.random.default_rng(0).uniform(-1, 1, (2, 3, height, width))
    expected = scipy.ndimage.gaussian_filter(
        fields, smoothness, mode="constant", truncate=8, axes=(2, 3)
    )
    smoothed = ElasticDistortion(1, smoothness).smooth(fields)
    np.testing.assert_allclose(smoothed, expected, atol=1e-4)


def test_a_single_step_spreads_as_a_bell():
    field = np.zeros((1, 41, 41))
    field[0, 20, 20] = 1
    bell = ElasticDistortion(1, 3).smooth(field)[0]
    assert bell.sum() == pytest.approx(1, abs=1e-3)
    assert bell[20, 20] == pytest.approx(1 / (2 * np.pi * 9), rel=1e-3)
    assert bell[20, 23] / bell[20, 20] == pytest.approx(np.exp(-0.5), rel=1e-3)


def test_no_strength_is_no_change():
    images = np.random.default_rng(0).integers(0, 256, (2, 7, 8, 3)).astype(np.float32)
    np.testing.assert_array_equal(ElasticDistortion(0, 4)(images, draw(2)), images)


def test_pixels_move_as_far_as_the_documentation_says():
    # In an image that shows each pixel's own column, a step to the right can be read off.
    columns = np.broadcast_to(np.arange(64, dtype=np.float32)[:, None], (200, 64, 64, 1))
    moved = ElasticDistortion(34, 4, fill="edge")(np.ascontiguousarray(columns), draw(200))
    steps = (moved - columns)[:, 20:44, 20:44]
    assert steps.std() == pytest.approx(34 / (6.1 * 4), rel=0.05)
    assert abs(steps.mean()) < 0.1


def test_neighbors_move_together():
    columns = np.broadcast_to(np.arange(64, dtype=np.float32)[:, None], (20, 64, 64, 1))
    moved = ElasticDistortion(34, 4, fill="edge")(np.ascontiguousarray(columns), draw(20))
    steps = (moved - columns)[:, 20:44, 20:44, 0]
    assert np.abs(np.diff(steps, axis=1)).max() < 1.5
    assert np.corrcoef(steps[:, 1:].ravel(), steps[:, :-1].ravel())[0, 1] > 0.9


def test_sums_are_exact_so_that_their_order_does_not_matter():
    fields = np.random.default_rng(0).integers(-(2**16), 2**16, (20, 61, 47)) / 2**16
    smoothed = ElasticDistortion(34, 4).smooth(fields)
    backward = ElasticDistortion(34, 4).smooth(fields[:, ::-1, ::-1])[:, ::-1, ::-1]
    np.testing.assert_array_equal(backward, smoothed)


@pytest.mark.parametrize("shape", [(130, 28, 28, 1), (5, 97, 131, 1)])
def test_the_number_of_threads_changes_no_bit(shape):
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)
    augmentation = ElasticDistortion(34, 4)
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            results.append(augmentation(images, draw(len(images))))
    np.testing.assert_array_equal(*results)
