"""Lines composed of digits: what they say, and that the same seed says it again."""

import hashlib

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from numcnn.data import Dataset
from numcnn.handwriting.line_frame import HEIGHT, WIDTH
from numcnn.handwriting.synthesis.lines import DASH, DOT, LONGEST, SYMBOLS, compose_lines


def digits(count=40):
    """Images of rings and strokes, framed as MNIST's, that stand for digits."""
    rng = np.random.default_rng(0)
    images = np.zeros((count, 28, 28, 1), np.uint8)
    for image in images:
        left, right = 8 + int(rng.integers(0, 3)), 19 + int(rng.integers(0, 2))
        image[4:24, left:right] = 255
        image[7:21, left + 3 : right - 3] = 0
    labels = np.arange(count, dtype=np.int64) % 10
    return Dataset(images, labels, tuple("0123456789"), "rings")


@pytest.fixture(scope="module")
def lines():
    return compose_lines(digits(), 150, 3)


def test_lines_are_framed_and_their_targets_filled_up(lines):
    assert lines.images.shape == (150, HEIGHT, WIDTH, 1)
    assert lines.images.dtype == np.uint8
    assert lines.targets.shape == (150, LONGEST)
    assert lines.targets.dtype == np.int64
    assert lines.targets.min() == -1
    assert lines.targets.max() < len(SYMBOLS)
    is_symbol = lines.targets >= 0
    assert (is_symbol[:, :-1] >= is_symbol[:, 1:]).all()


def test_all_symbols_equal_neighbors_and_lines_without_digits_occur(lines):
    targets = lines.targets
    assert set(targets.ravel().tolist()) == {-1, *range(len(SYMBOLS))}
    is_digit = (targets >= 0) & (targets < 10)
    assert (is_digit.sum(axis=1) == 0).any()
    assert (is_digit[:, 1:] & (targets[:, 1:] == targets[:, :-1])).any()
    assert {SYMBOLS[DOT], SYMBOLS[DASH]} == {".", "-"}


def test_every_line_can_be_spelled_by_the_network_s_46_steps(lines):
    doubled = (lines.targets[:, 1:] == lines.targets[:, :-1]) & (lines.targets[:, 1:] >= 0)
    assert ((lines.targets >= 0).sum(axis=1) + doubled.sum(axis=1)).max() <= 46


def test_papers_differ(lines):
    assert len({hashlib.sha256(image.tobytes()).digest() for image in lines.images}) == 150
    assert (lines.images.std(axis=(1, 2, 3)) > 3).mean() > 0.95


def test_the_same_seed_composes_the_same_and_each_line_depends_on_its_place_alone(lines):
    fewer = compose_lines(digits(), 5, 3)
    assert_array_equal(fewer.images, lines.images[:5])
    assert_array_equal(fewer.targets, lines.targets[:5])
    assert (compose_lines(digits(), 5, 4).images != lines.images[:5]).any()


def test_what_no_lines_can_be_made_of_is_refused():
    whole = digits()
    with pytest.raises(ValueError, match="28"):
        compose_lines(
            Dataset(whole.images[:, :20].copy(), whole.labels, whole.classes, "small"), 2, 0
        )
    with pytest.raises(ValueError, match="label"):
        compose_lines(Dataset(whole.images, None, whole.classes, "unlabeled"), 2, 0)
