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
