from itertools import pairwise

import numpy as np
import pytest

from numcnn.handwriting.vision import RegionScore, best_split, find_cuts, find_digits, find_pieces
from numcnn.handwriting.vision.cut_paths import Cut
from numcnn.handwriting.vision.region import Region
from numcnn.handwriting.vision.split import _best_path, _bounds, _piece, _shape_score, _spans
from tests.handwriting.vision.strokes import draw, noisy, write

NO_DIGIT = RegionScore(-3.0, -0.1, -4.0)


def touching():
    (region,) = find_digits(noisy(draw((200, 180), write("27", 50, 50, 80, 43), 6), 2)).regions
    return region


def blocks(count=2):
    """Solid blocks of 30 x 40 pixels in a row, joined by thin bars of 10 pixels' length."""
    ink = np.ones((40, 40 * count - 10), np.float32)
    for k in range(1, count):
        ink[:18, 40 * k - 10 : 40 * k] = ink[22:, 40 * k - 10 : 40 * k] = 0
    return Region(5, 7, ink)


def scoring(digit, several=-0.5, neither=-2.0):
    """A function that scores how surely a region is a digit, and doubts everything else."""

    def score(regions):
        return [RegionScore(min(digit(region), -1e-6), several, neither) for region in regions]

    return score


def likes_width(width):
    return lambda region: -abs(region.width - width) / 10


def test_the_best_split_is_the_one_with_the_best_scores():
    region = touching()
    half = region.width / 2
    left, right = best_split(region, NO_DIGIT, scoring(likes_width(half)))
    assert left.width == pytest.approx(half, abs=8)
    assert right.x + right.width == region.x + region.width
    assert left.mass + right.mass == pytest.approx(region.mass)
    assert best_split(region, NO_DIGIT, scoring(lambda _: -9.0)) == [region]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_blocks_are_split_where_they_are_joined(count):
    region = blocks(count)
    digits = best_split(region, NO_DIGIT, scoring(likes_width(35)))
    assert len(digits) == count
    for k, digit in enumerate(digits):
        assert digit.height == 40
        assert digit.y == 7
        assert digit.x - 5 == pytest.approx(40 * k, abs=10)
    assert sum(digit.mass for digit in digits) == region.mass


def test_what_looks_like_a_drawing_is_not_split():
    region = touching()
    drawing = RegionScore(-6.0, -6.0, -1e-3)
    assert best_split(region, drawing, scoring(lambda _: -1.5)) == [region]


@pytest.mark.parametrize(("several", "alone", "among"), [(-0.9, 2, 2), (-1.1, 1, 2), (-3.1, 1, 1)])
def test_among_digits_a_drawing_is_less_probable(several, alone, among):
    # Both halves are digits for sure, and the whole is a drawing for sure. The logarithm of its
    # being several digits must be above -1 for a split, among digits above -3.
    whole = RegionScore(-9.0, several, 0.0)
    score = scoring(lambda region: -0.0 if region.width < 45 else -9.0)
    for is_among_digits, count in ((False, alone), (True, among)):
        digits = best_split(blocks(), whole, score, is_among_digits=is_among_digits)
        assert len(digits) == count


def test_a_single_digit_is_not_split_for_a_little_more_certainty():
    (zero,) = find_digits(draw((200, 180), write("0", 50, 40, 100), 6)).regions
    assert best_split(zero, RegionScore(-0.2, -2, -3), scoring(lambda _: -0.001)) == [zero]


def test_neighbors_that_are_not_several_digits_together_are_not_split():
    region = blocks(3)

    def score(several):
        return scoring(lambda each: -1e-6 if each.width < 45 else -9.0, several, -0.01)

    assert best_split(region, NO_DIGIT, score(-7.0)) == [region]
    assert len(best_split(region, NO_DIGIT, score(-0.1))) == 3


def test_a_region_too_small_to_split():
    region = Region(3, 4, np.ones((3, 3), np.float32))
    assert best_split(region, NO_DIGIT, scoring(lambda _: -0.001)) == [region]


def test_what_is_narrow_for_its_line_is_not_split():
    def score(regions):
        raise AssertionError("scored")

    region = blocks()  # 70 pixels wide
    assert best_split(region, NO_DIGIT, score, height=108.0) == [region]  # 0.65 heights are 70.2
    with pytest.raises(AssertionError, match="scored"):
        best_split(region, NO_DIGIT, score, height=107.0)


def test_pieces_lie_between_two_cuts_or_a_cut_and_an_end():
    region = blocks(3)
    bounds = _bounds(region, find_cuts(region))
    expected = [_piece(region, bounds[start], bounds[end]) for start, end in _spans(bounds, 40.0)]
    # A digit is up to 52 pixels wide, at least 16 high, and has 15% of the ink of one on average.
    least = 0.15 * region.mass * 0.6 * 40 / region.width
    fitting = [
        each.box
        for each in expected
        if each.width <= 52 and each.height >= 16 and each.mass >= least
    ]
    found = [piece.box for piece in find_pieces(region)]
    assert found == fitting
    assert 10 < len(found) < len(expected)
    assert region.box not in found


def straight(column, rows=10):
    return Cut(np.full(rows, column), 0.5)


def test_a_piece_has_the_ink_between_its_bounds():
    ink = np.arange(1, 31, dtype=np.float32).reshape(3, 10) / 30
    region = Region(100, 50, ink)
    left, right = Cut(np.array([2, 3, 4]), 0.0), Cut(np.array([6, 6, 6]), 0.0)
    piece = _piece(region, left, right)
    assert piece.box == (102, 50, 4, 3)
    expected = ink[:, 2:6].copy()
    expected[1, 0] = expected[2, :2] = 0
    np.testing.assert_array_equal(piece.ink, expected)
    assert _piece(region, right, right) is None


def test_spans_are_as_wide_as_a_digit_and_not_the_whole():
    bounds = [straight(column) for column in (0, 5, 9, 100, 160, 170)]
    # Of 100 pixels' height, a digit is 10 to 150 pixels wide.
    assert _spans(bounds, 100.0) == [(0, 3), (1, 3), (2, 3), (3, 4), (3, 5), (4, 5)]
    bounds = [straight(column) for column in (0, 60, 120)]
    assert _spans(bounds, 100.0) == [(0, 1), (1, 2)]  # and not (0, 2), which is all


@pytest.mark.parametrize(("top", "fits"), [(19, False), (21, True)])
def test_bounds_cross_by_a_tenth_of_the_height_at_most(top, fits):
    crossing = Cut(np.array([top] * 5 + [65] * 5), 0.5)
    spans = _spans([straight(0), straight(30), crossing, straight(90)], 100.0)
    assert ((1, 2) in spans) == fits


@pytest.mark.parametrize("seed", range(5))
def test_no_sequence_of_pieces_scores_better(seed):
    rng = np.random.default_rng(seed)
    bounds = [straight(20 * k) for k in range(6)]
    spans = [(start, end) for start in range(6) for end in range(start + 1, 6)]
    pieces = {span: Region(0, 0, np.ones((20, 15), np.float32)) for span in spans}
    scores = {
        span: RegionScore(float(value), 0.0, 0.0)
        for span, value in zip(spans, -3 * rng.random(len(spans)), strict=True)
    }

    def total(path):
        # Each cut costs 0.3, and 0.3 for each stroke it crosses; these cross half a stroke.
        return sum(scores[span].digit for span in path) - 0.45 * (len(path) - 1)

    inner = [[k for k in range(1, 5) if choice >> (k - 1) & 1] for choice in range(16)]
    paths = [list(pairwise([0, *places, 5])) for places in inner]
    found = _best_path(bounds, pieces, scores, 20.0)
    assert found in paths
    assert total(found) == pytest.approx(max(map(total, paths)))


def test_without_a_way_to_the_right_end_there_is_no_path():
    bounds = [straight(20 * k) for k in range(4)]
    piece, sure = Region(0, 0, np.ones((20, 15), np.float32)), RegionScore(-0.01, -5.0, -5.0)
    spans = [(0, 1), (0, 2), (1, 2)]
    path = _best_path(bounds, dict.fromkeys(spans, piece), dict.fromkeys(spans, sure), 20.0)
    assert path == []


@pytest.mark.parametrize(
    ("width", "height", "penalty"), [(50, 100, 0), (50, 70, 0), (50, 60, -0.6), (115, 100, -0.6)]
)
def test_low_and_wide_digits_are_improbable(width, height, penalty):
    piece = Region(0, 0, np.ones((height, width), np.float32))
    assert _shape_score(piece, 100.0) == pytest.approx(penalty)
