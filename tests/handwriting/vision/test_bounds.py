"""What an adversary can put into a picture is bounded, and what is left out is told."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from numcnn.handwriting.vision import (
    Budget,
    DeadlineExceeded,
    RegionScore,
    best_split,
    deadline,
    find_cuts,
    find_digits,
    find_ink,
    find_lines,
    load_picture,
    to_mnist_frame,
)
from numcnn.handwriting.vision.component import find_components
from numcnn.handwriting.vision.merge import gaps_in_one_digit, merge_near_pieces
from numcnn.handwriting.vision.region import Region
from numcnn.handwriting.vision.ruling import find_ruling
from numcnn.handwriting.vision.segment import find_lines_and_rest

from .strokes import draw, encode, write


def marks(count, size=12, step=24, side=1000):
    """A map with so many solid squares."""
    amount = np.zeros((side, side), np.float32)
    places = [(y, x) for y in range(6, side - step, step) for x in range(6, side - step, step)]
    for y, x in places[:count]:
        amount[y : y + size, x : x + size] = 1
    return amount


def test_of_many_marks_the_largest_are_looked_at_and_the_others_counted():
    lines, rest = find_lines_and_rest(marks(500))
    assert sum(map(len, lines)) <= 300
    assert rest == 200


def test_all_of_few_marks_are_looked_at():
    assert find_lines_and_rest(marks(300))[1] == 0


def test_specks_beyond_the_most_are_no_marks():
    amount = marks(20, size=60, step=100)
    amount[~amount.astype(bool).any(axis=1)] = 0
    amount[3::9, 3::9] = np.maximum(amount[3::9, 3::9], 0.9)
    lines, rest = find_lines_and_rest(amount)
    assert rest == 0
    assert sum(map(len, lines)) <= 20


def test_boxes_that_lie_over_each_other_are_bounded_and_counted():
    amount = np.zeros((1600, 1600), np.float32)
    rows, columns = np.indices(amount.shape)
    amount[(rows - columns) % 14 < 3] = 1
    components, too_large, too_many = find_components(amount)
    assert sum(region.ink.size for region in components) <= 16_000_000
    assert len(components) + too_large == 229
    assert (too_large > 50, too_many) == (True, 0)
    assert find_lines_and_rest(amount)[1] >= too_large


def gap_by_rules(first, second, typical):
    """The rules one by one, for two boxes."""

    def overlap(start, length, other, other_length):
        return min(start + length, other + other_length) - max(start, other)

    (x, y, width, height), (x2, y2, width2, height2) = first, second
    across, down = overlap(x, width, x2, width2), overlap(y, height, y2, height2)
    low = min(height, height2)
    size = max(typical, height, height2)
    gap = max(-across, -down, 0)
    if gap > 0.35 * size:
        return np.inf
    together = max(y + height, y2 + height2) - min(y, y2)
    is_stacked = across >= 0.5 * min(width, width2)
    if is_stacked and down >= 0.7 * low:
        return gap
    if together > 1.35 * size:
        is_broken = is_stacked and gap <= 0.1 * size and together <= 2.2 * size
        return gap if is_broken and min(width, width2) > 1 else np.inf
    if is_stacked and low <= 0.75 * size:
        return gap
    if low <= 0.4 * size and gap <= 0.12 * size:
        return gap
    return np.inf


def boxes(rng, count, spread=150):
    return np.concatenate([rng.integers(0, spread, (count, 2)), rng.integers(1, 60, (count, 2))], 1)


@pytest.mark.parametrize("seed", range(20))
def test_gaps_follow_the_rules(seed):
    all_boxes = boxes(np.random.default_rng(seed), 40)
    for box in all_boxes:
        expected = [gap_by_rules(box, other, 30.0) for other in all_boxes]
        np.testing.assert_array_equal(gaps_in_one_digit(box, all_boxes, 30.0), expected)


@pytest.mark.parametrize("seed", range(20))
def test_the_nearest_pieces_are_joined_first(seed):
    rng = np.random.default_rng(seed)
    regions = [
        Region(x, y, np.ones((h, w), np.float32)) for x, y, w, h in boxes(rng, 25, 500).tolist()
    ]
    ordered = sorted(regions, key=lambda region: region.height)
    half = np.cumsum([region.mass for region in ordered])
    typical = float(ordered[int(np.searchsorted(half, half[-1] / 2))].height)
    expected = [region.box for region in regions]
    while True:
        pairs = [
            (gap_by_rules(expected[i], expected[j], typical), i, j)
            for i, j in combinations(range(len(expected)), 2)
        ]
        gap, i, j = min(pairs, default=(np.inf, 0, 0))
        if gap == np.inf:
            break
        (x, y, width, height), (x2, y2, width2, height2) = expected[i], expected.pop(j)
        left, top = min(x, x2), min(y, y2)
        right, bottom = max(x + width, x2 + width2), max(y + height, y2 + height2)
        expected[i] = left, top, right - left, bottom - top
    assert [region.box for region in merge_near_pieces(regions)] == expected


def test_ruling_is_found_however_much_else_is_thin():
    rng = np.random.default_rng(0)
    mask = rng.random((1600, 1600)) < 0.25
    assert np.count_nonzero(mask) * 75 > 20_000_000  # not all of it is counted
    mask[100:1500:50] = True
    ruling = find_ruling(mask)
    assert ruling[100:1500:50].mean() > 0.5


def test_every_line_of_a_grating_is_ruling():
    mask = np.zeros((1600, 1600), bool)
    mask[4:1590:8] = True
    np.testing.assert_array_equal(find_ruling(mask), mask)


def surely_single(regions):
    return [
        RegionScore(-0.01 if region.width < 0.8 * region.height else -3, -0.5, -4)
        for region in regions
    ]


UNSURE = RegionScore(-3.0, -0.1, -4.0)


def chain(scale=1):
    """Two digits that touch."""
    pixels = draw((200 * scale, 180 * scale), scaled(write("27", 50, 50, 80, 43), scale), 6 * scale)
    ((region,),) = find_lines(find_ink(np.asarray(pixels)).amount)
    return region


def scaled(strokes, scale):
    return [[(x * scale, y * scale) for x, y in points] for points in strokes]


def test_a_split_takes_what_it_tries_from_the_budget():
    budget = Budget(500)
    digits = best_split(chain(), UNSURE, surely_single, budget=budget)
    assert len(digits) == 2
    assert 0 < budget.pieces < 495


def test_without_budget_nothing_is_asked():
    def score(regions):
        raise AssertionError("asked")

    budget = Budget(7)
    assert best_split(chain(), UNSURE, score, budget=budget) is None
    assert budget.pieces <= 0
    assert best_split(chain(), UNSURE, score, budget=budget) is None


def test_a_large_region_is_tried_small_and_cut_large():
    seen = []

    def score(regions):
        seen.extend(regions)
        return surely_single(regions)

    large = chain(6)
    assert large.height > 2 * 160
    digits = best_split(large, UNSURE, score)
    assert [d.height > 400 for d in digits] == [True, True]
    assert max(region.height for region in seen) < 2 * 160
    assert sum(digit.mass for digit in digits) == pytest.approx(large.mass, rel=1e-6)


def test_a_hatching_has_no_cuts():
    ink = np.zeros((60, 1800), np.float32)
    ink[:, ::8] = ink[:, 1::8] = 1
    ink[:3] = 1
    assert find_cuts(Region(0, 0, ink)) == []
    assert find_cuts(Region(0, 0, ink[:, :200])) != []


def test_what_is_longer_than_any_number_has_no_cuts():
    ink = np.zeros((20, 20 * 61), np.float32)
    ink[::4] = ink[1::4] = 1
    ink[:, 500:510] = 0
    assert find_cuts(Region(0, 0, ink[:, : 20 * 59])) != []
    assert find_cuts(Region(0, 0, ink)) == []


def test_a_hair_is_made_no_longer_than_a_strip():
    assert load_picture(np.full((8, 2_000_000), 255, np.uint8)).pixels.shape == (8, 500_000, 3)


PIXELS = np.asarray(draw((300, 200), write("47", 50, 50)))
REGION = Region(0, 0, np.ones((40, 90), np.float32))


@pytest.mark.parametrize(
    "work",
    [
        lambda: load_picture(encode(Image.fromarray(PIXELS))),
        lambda: find_digits(PIXELS),
        lambda: find_ink(PIXELS),
        lambda: find_lines(marks(9)),
        lambda: find_ruling(marks(900).astype(bool)),
        lambda: to_mnist_frame(REGION.ink),
        lambda: merge_near_pieces([REGION, Region(5, 5, REGION.ink)]),
        lambda: best_split(chain(), UNSURE, surely_single),
    ],
    ids=["load", "digits", "ink", "lines", "ruling", "to_mnist_frame", "merge", "split"],
)
def test_each_part_of_the_work_keeps_the_deadline(work):
    work()
    with deadline(0), pytest.raises(DeadlineExceeded):
        work()
