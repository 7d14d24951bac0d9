import numpy as np
import pytest

from numcnn.data import Dataset
from numcnn.handwriting.class_names import OTHER, SEVERAL
from numcnn.handwriting.synthesis import with_non_digits, with_variants
from numcnn.handwriting.synthesis.digit_variants import crossed, flagged
from numcnn.handwriting.synthesis.letters import LETTERS, letter
from numcnn.handwriting.synthesis.pen import draw
from numcnn.handwriting.synthesis.pieces import several
from numcnn.handwriting.synthesis.shapes import SHAPES, shape


def digits(count: int = 60) -> Dataset:
    """Bars and hooks in MNIST's frame, as if they were all digits."""
    images = np.zeros((count, 28, 28, 1), np.uint8)
    images[:, 4:24, 13:15] = 255
    images[1::2, 4:6, 6:15] = 255
    labels = np.arange(count) % 10
    return Dataset(images, labels, tuple("0123456789"), "digits")


def is_framed(image: np.ndarray) -> None:
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    rows, columns = np.nonzero(image)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
    assert image.max() > 150


def test_the_digits_come_first_and_are_what_they_were():
    before = digits()
    after = with_non_digits(before, 5, seed=3)
    assert after.classes == (*before.classes, OTHER, SEVERAL)
    assert len(after) == 360
    np.testing.assert_array_equal(after.images[:60], before.images)
    np.testing.assert_array_equal(after.labels[:60], before.labels)
    assert set(after.labels[60:]) == {10, 11}
    assert 0.05 < (after.labels[60:] == 11).mean() < 0.2


def test_the_same_seed_draws_the_same():
    one, same, other = (with_non_digits(digits(), 0.3, seed).images for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    one, same, other = (with_variants(digits(), 0.3, seed).images for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("name", LETTERS)
def test_every_letter_is_framed(name):
    is_framed(letter(np.random.default_rng(0), name))


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_framed(name):
    is_framed(shape(np.random.default_rng(0), name))


def test_a_line_is_as_wide_as_the_pen():
    image = draw([np.array([[0.0, 0.0], [0.0, 1.0]])], 4)
    assert image.sum() / 255 == pytest.approx(4 * 16 + np.pi * 4, rel=0.05)
    rows, columns = np.nonzero(image)
    assert np.ptp(rows) + 1 == 20
    assert columns.mean() == pytest.approx(14, abs=0.6)


def test_several_digits_are_wider_than_one():
    rng = np.random.default_rng(0)
    images = [several(digits().images[..., 0], rng) for _ in range(30)]
    for image in images:
        is_framed(image)
    bars = [
        np.count_nonzero(np.diff((image > 60).any(axis=0).astype(int)) == 1) for image in images
    ]
    assert max(bars) >= 2


def test_a_seven_gets_its_bar_where_its_stem_is():
    seven = np.zeros((28, 28), np.uint8)
    seven[4:7, 8:20] = 255
    for row in range(7, 24):
        seven[row, 18 - (row - 6) // 3 : 20 - (row - 6) // 3] = 255
    changed = crossed(seven, np.random.default_rng(0)).astype(int) - seven
    rows, columns = np.nonzero(changed > 100)
    assert 9 < rows.mean() < 18
    assert np.ptp(columns) >= 5
    assert changed.min() >= 0


def test_a_one_gets_an_upstroke_at_the_left_of_its_top():
    one = np.zeros((28, 28), np.uint8)
    one[4:24, 13:15] = 255
    changed = flagged(one, np.random.default_rng(1)).astype(int) - one
    rows, columns = np.nonzero(changed[:16] > 100)
    assert rows.min() < 8
    assert columns.max() <= 15
    assert columns.min() < 11


@pytest.mark.parametrize("change", [with_non_digits, with_variants])
def test_other_images_are_refused(change):
    small = Dataset(np.zeros((3, 8, 8, 1), np.uint8), np.zeros(3, np.int64), ("0",), "small")
    with pytest.raises(ValueError, match=r"small has images of \(8, 8, 1\).*\(28, 28, 1\)"):
        change(small, 0.5, 0)
    unlabeled = Dataset(np.zeros((3, 28, 28, 1), np.uint8), None, ("0",), "unlabeled")
    with pytest.raises(ValueError, match="unlabeled has images"):
        change(unlabeled, 0.5, 0)


@pytest.mark.parametrize("change", [with_non_digits, with_variants])
def test_a_share_below_nothing_is_refused(change):
    with pytest.raises(ValueError, match=r"share is -1; give at least 0, such as 0\.25"):
        change(digits(), -1, 0)
