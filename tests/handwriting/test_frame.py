import numpy as np
import pytest

from numcnn.handwriting.frame import BOX, CENTER, SIDE, centered, cropped


def center(image):
    along = np.arange(SIDE)
    weights = image / image.sum()
    return (weights.sum(axis=1) * along).sum(), (weights.sum(axis=0) * along).sum()


@pytest.mark.parametrize("full", [1.0, 255.0])
def test_the_center_of_mass_lies_in_the_middle_to_half_a_pixel(full):
    rng = np.random.default_rng(0)
    for shape in ((BOX, 7), (4, BOX), (11, 13)):
        ink = rng.random(shape) ** 3
        image = centered(ink * full, full)
        assert (image.shape, image.dtype) == ((SIDE, SIDE), np.uint8)
        np.testing.assert_array_equal(cropped(image), cropped(np.rint(ink * 255)))
        np.testing.assert_allclose(center(image), CENTER, atol=0.51)


def test_the_drawing_stays_within_the_frame():
    ink = np.zeros((BOX, BOX))
    ink[:, 0], ink[0] = 0.01, 1
    ink[-1] = 0.01
    image = centered(ink)
    assert image[SIDE - BOX].sum() == BOX * 255
    assert np.count_nonzero(image) == np.count_nonzero(ink)


def test_without_ink_there_is_an_empty_frame():
    assert not centered(np.zeros((5, 5))).any()
    assert not centered(np.zeros((0, 0))).any()


def test_the_margin_is_cut_off():
    image = np.zeros((9, 8))
    image[2:5, 3:5] = 2
    image[7, 7] = 1
    assert cropped(image, 1).shape == (3, 2)
    assert cropped(image).shape == (6, 5)
    assert cropped(image, 2).shape == (0, 0)
