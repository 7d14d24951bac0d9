import numpy as np
import pytest
from scipy import ndimage

from numcnn.data import Dataset
from numcnn.handwriting.class_names import OTHER, SEVERAL
from numcnn.handwriting.synthesis.touching_digits import what_is, with_touching_digits, written
from numcnn.handwriting.vision import find_pieces
from numcnn.handwriting.vision.region import Region, trimmed

CLASSES = (*"0123456789", OTHER, SEVERAL)


def ring(radius: float = 9) -> np.ndarray:
    y, x = np.mgrid[:28, :28]
    return np.where(abs(np.hypot(y - 13.5, x - 13.5) - radius) < 1.5, 255, 0).astype(np.uint8)


def bar() -> np.ndarray:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    return image


def reader_images(count: int = 40) -> Dataset:
    """Zeros and ones, and some that are no digit."""
    images = np.stack([ring(), bar(), np.full((28, 28), 99, np.uint8), ring()] * (count // 4))
    labels = np.array([0, 1, 10, 11] * (count // 4))
    return Dataset(images[..., np.newaxis], labels, CLASSES, "reader")


def two(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two digits of 28 x 28 on one sheet, the second right of the first."""
    layers = np.zeros((2, 28, 60), np.float32)
    layers[0, :, :28], layers[1, :, 28:56] = left / 255, right / 255
    return layers


def between(layers: np.ndarray, start: int, end: int) -> Region:
    ink = layers.max(axis=0).copy()
    ink[:, :start] = ink[:, end:] = 0
    piece = trimmed(0, 0, ink)
    assert piece is not None
    return piece


def test_a_piece_is_what_most_of_it_is():
    layers = two(ring(), bar())
    values = np.array([0, 1])
    assert what_is(between(layers, 0, 30), layers, values) == "0"
    assert what_is(between(layers, 28, 60), layers, values) == "1"
    assert what_is(between(layers, 0, 60), layers, values) == SEVERAL
    # Half of an 0 is none, be it the left or the right half.
    assert what_is(between(layers, 0, 14), layers, values) == OTHER
    assert what_is(between(layers, 14, 28), layers, values) == OTHER
    # The right half of an 8 may pass for a 3, and a 0 with a large bit of a neighbor for anything.
    assert what_is(between(layers, 14, 28), layers, np.array([8, 1])) is None
    assert what_is(between(layers, 14, 60), layers, values) is None


def test_a_digit_may_lose_a_bit_and_gain_a_bit():
    layers = two(ring(), ring())
    values = np.array([0, 0])
    assert what_is(between(layers, 5, 28), layers, values) == "0"
    assert what_is(between(layers, 0, 33), layers, values) == "0"
    assert what_is(between(layers, 0, 42), layers, values) is None


def test_digits_of_a_chain_touch_or_nearly_so():
    rng = np.random.default_rng(0)
    touching = 0
    for _ in range(40):
        layers = written([ring(), bar(), ring(7)], rng)
        assert layers.min() >= 0
        assert layers.max() <= 1
        assert (layers.sum(axis=(1, 2)) > 50).all()
        _, count = ndimage.label(layers.max(axis=0) > 0.25, np.ones((3, 3)))
        touching += 3 - count
        starts = [np.flatnonzero(layer.any(axis=0))[0] for layer in layers]
        assert starts == sorted(starts)
    assert touching > 40  # of 80 pairs


def test_the_pieces_of_a_chain_have_its_digits_among_them():
    layers = written([ring(), bar()], np.random.default_rng(3))
    region = trimmed(0, 0, layers.max(axis=0))
    assert region is not None
    found = {what_is(piece, layers, np.array([0, 1])) for piece in find_pieces(region)}
    assert {"0", "1"} <= found


def test_the_images_come_first_and_what_is_added_is_framed():
    before = reader_images()
    after = with_touching_digits(before, 1.5, seed=1)
    assert after.classes == CLASSES
    assert len(after) == 100
    assert after.labels is not None
    np.testing.assert_array_equal(after.images[:40], before.images)
    added, labels = after.images[40:, :, :, 0], after.labels[40:]
    assert {0, 1, 11} <= set(labels.tolist()) <= {0, 1, 10, 11}
    for image in added:
        rows, columns = np.nonzero(image)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
    wide = [np.ptp(np.nonzero(image)[1]) for image in added]
    # A 0 is wider than a 1, whatever of a neighbor is left at it.
    assert np.mean(wide, where=labels == 0) > np.mean(wide, where=labels == 1) + 3


def test_the_same_seed_adds_the_same():
    one, same, other = (
        with_touching_digits(reader_images(), 0.5, seed).images for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_nothing_is_added_for_a_share_of_nothing():
    assert len(with_touching_digits(reader_images(), 0.0, 0)) == 40


@pytest.mark.parametrize("share", [-0.1, float("nan"), float("inf")])
def test_a_share_below_nothing_is_refused(share):
    with pytest.raises(ValueError, match=r"share is .*; give at least 0"):
        with_touching_digits(reader_images(), share, 0)


def test_other_images_are_refused():
    small = Dataset(np.zeros((3, 8, 8, 1), np.uint8), np.zeros(3, np.int64), CLASSES, "small")
    with pytest.raises(ValueError, match=r"small has images of \(8, 8, 1\).*\(28, 28, 1\)"):
        with_touching_digits(small, 0.5, 0)
    images = reader_images()
    digits = Dataset(images.images[:2], np.array([0, 1]), tuple("0123456789"), "mnist")
    with pytest.raises(ValueError, match="mnist has no class 'other'"):
        with_touching_digits(digits, 0.5, 0)
    nothing = Dataset(images.images[2:3], np.array([10]), CLASSES, "nothing")
    with pytest.raises(ValueError, match="nothing has no digits"):
        with_touching_digits(nothing, 0.5, 0)
    blank = Dataset(np.zeros_like(images.images[:2]), np.array([0, 1]), CLASSES, "blank")
    with pytest.raises(ValueError, match="blank has no digits with ink"):
        with_touching_digits(blank, 0.5, 0)
