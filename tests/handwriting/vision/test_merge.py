"""Merging: pieces of one digit become one region, two digits stay two."""

import numpy as np
import pytest

from numcnn.handwriting.vision.merge import (
    gaps_in_one_digit,
    merge_broken_digits,
    merge_near_pieces,
)
from numcnn.handwriting.vision.region import Region
from numcnn.handwriting.vision.region_score import RegionScore

DIGIT, POOR = RegionScore(-0.05, -4.0, -4.0), RegionScore(-3.0, -4.0, -0.06)


def region(x, y, width, height):
    return Region(x, y, np.ones((height, width), np.float32))


TALL = region(0, 0, 30, 100)


@pytest.mark.parametrize(
    ("other", "count"),
    [
        (region(0, 110, 30, 20), 1),  # a low piece below: part of the same digit
        (region(0, 140, 30, 20), 2),  # too far below
        (region(35, 0, 25, 10), 1),  # the upper stroke of a 5, beside it
        (region(60, 0, 25, 10), 2),  # too far beside
        (region(40, 0, 30, 100), 2),  # a digit as tall, beside it
        (region(5, 30, 10, 30), 1),  # inside its box
    ],
)
def test_pieces_are_merged_by_how_their_boxes_lie(other, count):
    # A third digit, far away, says how high digits are.
    assert len(merge_near_pieces([TALL, other, region(500, 0, 30, 100)])) == count + 1


def test_pieces_are_merged_across_several_steps_and_keep_their_ink():
    pieces = [region(500, 0, 30, 100), region(0, 0, 20, 60), region(0, 65, 20, 20)]
    merged = merge_near_pieces([*pieces, region(0, 90, 20, 15)])
    assert [each.box for each in merged] == [(500, 0, 30, 100), (0, 0, 20, 105)]
    assert merged[1].mass == 20 * (60 + 20 + 15)
    assert merge_near_pieces([]) == []


def test_gaps_are_in_pixels_and_infinite_between_digits():
    box = np.array([0, 0, 30, 100])
    others = np.array([[0, 110, 30, 20], [5, 30, 10, 30], [100, 0, 30, 100]])
    np.testing.assert_array_equal(gaps_in_one_digit(box, others, 100.0), [10, 0, np.inf])


def merged_pair(left, right, scores, together):
    asked = []

    def score(pairs):
        asked.extend(pairs)
        return [together] * len(pairs)

    line = [region(*left), region(*right)]
    return merge_broken_digits(line, scores, score, 100.0), asked


def test_two_strokes_that_only_together_are_a_digit_become_one():
    (regions, scores), _ = merged_pair(
        (0, 0, 30, 60), (40, 0, 10, 100), [POOR, DIGIT], RegionScore(-0.2, -3.0, -3.0)
    )
    assert [each.box for each in regions] == [(0, 0, 50, 100)]
    assert scores == [RegionScore(-0.2, -3.0, -3.0)]


@pytest.mark.parametrize(
    ("right", "scores", "together", "is_asked"),
    [
        ((40, 0, 30, 100), [DIGIT, DIGIT], DIGIT, False),  # two digits
        ((40, 0, 10, 100), [POOR, DIGIT], POOR, True),  # the pair is no digit either
        ((80, 0, 10, 100), [POOR, DIGIT], DIGIT, False),  # too far apart
        ((40, 0, 90, 100), [POOR, DIGIT], DIGIT, False),  # too wide together
    ],
)
def test_what_is_no_broken_digit_stays_two(right, scores, together, is_asked):
    (regions, kept), asked = merged_pair((0, 0, 30, 60), right, scores, together)
    assert len(regions) == 2
    assert kept == scores
    assert bool(asked) == is_asked


# Of a digit of 60 pixels.
@pytest.mark.parametrize(
    ("other", "gap"),
    [
        ((15, 10, 20, 30), 0),  # within its box
        ((10, 78, 40, 13), 8),  # a piece below it; together 81 pixels, 1.35 heights
        ((10, 78, 40, 14), np.inf),  # together 82 pixels
        ((10, 76, 40, 60), 6),  # two halves of a digit, a tenth of the height apart
        ((10, 77, 40, 60), np.inf),  # too far for that
        ((10, 76, 1, 60), np.inf),  # a line of one pixel is no half
        ((57, 10, 20, 24), 7),  # the upper stroke of a 5, beside it; at most 7.2 pixels
        ((58, 10, 20, 24), np.inf),  # too far for that
        ((57, 10, 20, 25), np.inf),  # too high for that, 0.4 heights are 24 pixels
        ((40, 80, 20, 1), 10),  # below it with half of its own width
        ((41, 80, 20, 1), np.inf),  # with less
        ((20, 28, 20, 60), 0),  # within its box with 0.7 of its own height
        ((20, 29, 20, 60), np.inf),  # with less
        ((10, 46, 40, 45), 0),  # as high as a part of a digit, 0.75 heights
        ((10, 45, 40, 46), np.inf),  # higher
    ],
)
def test_the_limits_of_the_rules_on_boxes(other, gap):
    digit = np.array([10, 10, 40, 60])
    assert gaps_in_one_digit(digit, np.array([other]), 60.0) == [gap]
    assert gaps_in_one_digit(np.array(other), digit[np.newaxis], 60.0) == [gap]


@pytest.mark.parametrize(("top", "gap"), [(61, 21), (62, np.inf)])
def test_pieces_of_a_digit_are_at_most_35_hundredths_of_its_height_apart(top, gap):
    piece, others = np.array([10, 10, 40, 30]), np.array([[10, top, 40, 15]])
    assert gaps_in_one_digit(piece, others, 60.0) == [gap]


def scores_all(result):
    return lambda regions: [result for _ in regions]


@pytest.mark.parametrize(("probability", "count"), [(-0.09, 1), (-0.11, 2)])
def test_a_low_piece_close_to_a_tall_one_is_merged_if_both_are_surely_a_digit(probability, count):
    line = [region(10, 10, 12, 30), region(26, 10, 12, 60)]
    pair = RegionScore(probability, -5.0, -5.0)
    assert len(merge_broken_digits(line, [DIGIT, DIGIT], scores_all(pair), 60.0)[0]) == count


@pytest.mark.parametrize(("probability", "count"), [(-0.34, 1), (-0.36, 2)])
def test_less_is_enough_where_one_piece_is_no_digit(probability, count):
    line = [region(10, 10, 12, 60), region(30, 10, 12, 60)]
    pair = RegionScore(probability, -5.0, -5.0)
    assert len(merge_broken_digits(line, [DIGIT, POOR], scores_all(pair), 60.0)[0]) == count


@pytest.mark.parametrize(
    ("right", "probability", "count"),
    [
        ((37, 10, 12, 60), -1.1, 1),  # 15 pixels apart, a quarter of the height
        ((38, 10, 12, 60), -1.1, 2),  # farther
        ((37, 10, 12, 60), -0.9, 2),  # may be a digit by itself
        ((26, 10, 12, 41), -0.9, 1),  # less than 0.7 heights, and close
        ((26, 10, 12, 42), -0.9, 2),  # not so low
        ((27, 10, 12, 41), -0.9, 2),  # not so close
    ],
)
def test_the_limits_of_merging_by_scores(right, probability, count):
    line = [region(10, 10, 12, 60), region(*right)]
    scores = [DIGIT, RegionScore(probability, -3.0, -3.0)]
    assert len(merge_broken_digits(line, scores, scores_all(DIGIT), 60.0)[0]) == count


def test_a_merged_pair_is_compared_with_the_piece_before_it():
    line = [region(10 + 15 * k, 10, 10, 60) for k in range(3)]

    def score(regions):
        (pair,) = regions
        return [POOR if pair.box == (10, 10, 25, 60) else DIGIT]  # the first two are no digit

    regions, scores = merge_broken_digits(line, [POOR] * 3, score, 60.0)
    assert [each.box for each in regions] == [(10, 10, 40, 60)]
    assert scores == [DIGIT]
