import numpy as np
import pytest

from numcnn.data import Dataset
from numcnn.data.dataset import DIGITS
from numcnn.handwriting.synthesis.european_digits import (
    european_digit,
    european_strokes,
    with_european_digits,
)

ONES = Dataset(np.zeros((200, 28, 28, 1), np.uint8), np.arange(200) % 10, DIGITS, "some")


@pytest.mark.parametrize("value", range(10))
def test_every_digit_is_drawn_in_the_frame(value):
    rng = np.random.default_rng(value)
    for _ in range(20):
        image = european_digit(rng, value)
        assert (image.dtype, image.shape) == (np.uint8, (28, 28))
        # MNIST's digits have ink on 3 to 50% of the frame.
        assert 0.02 < (image > 60).mean() < 0.5
        assert not image[:2].any()
        assert not image[:, :1].any()


def test_the_upstroke_of_a_1_rises_and_may_be_as_long_as_the_stem():
    rng = np.random.default_rng(0)
    lengths = []
    for _ in range(200):
        upstroke, stem = european_strokes(rng, 1)[:2]
        length = np.ptp(upstroke, axis=0) @ [0, 1] / (np.ptp(stem, axis=0) @ [0, 1])
        lengths.append(length)
        # It ends at the tip, above where it began.
        assert upstroke[-1, 1] < upstroke[0, 1]
    assert min(lengths) < 0.4
    assert max(lengths) > 0.8


def test_most_sevens_are_crossed_and_not_all():
    rng = np.random.default_rng(0)
    crossed = [len(european_strokes(rng, 7)) == 2 for _ in range(200)]
    assert 100 < sum(crossed) < 180


def test_they_are_added_behind_with_their_labels():
    more = with_european_digits(ONES, 0.5, 3)
    assert len(more) == 300
    np.testing.assert_array_equal(more.images[:200], ONES.images)
    added = more.labels[200:]
    assert set(added) <= set(range(10))
    assert more.images[200:].any(axis=(1, 2, 3)).all()
    # Ones, sevens and fours come more often than others.
    counts = np.bincount(with_european_digits(ONES, 5, 3).labels, minlength=10) - 20
    assert counts[1] > counts[7] > counts[4] > counts[8]


def test_the_same_seed_draws_the_same():
    one, other = (with_european_digits(ONES, 0.1, 7) for _ in range(2))
    np.testing.assert_array_equal(one.images, other.images)
    assert (with_european_digits(ONES, 0.1, 8).images != one.images).any()


def test_what_it_cannot_add_to_is_refused():
    nine = Dataset(ONES.images[:9], np.arange(9), DIGITS[:9], "nine")
    with pytest.raises(ValueError, match="no class '9'"):
        with_european_digits(nine, 0.1, 0)
    with pytest.raises(ValueError, match="share is -1"):
        with_european_digits(ONES, -1, 0)
