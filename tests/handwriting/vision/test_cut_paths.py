from itertools import product

import numpy as np
import pytest

from numcnn.handwriting.vision.cut_paths import (
    Cut,
    _cheapest_from_top,
    _cheapest_paths,
    _follow,
    enlarged,
    find_cuts,
    reduced_ink,
)
from numcnn.handwriting.vision.page import find_digits
from numcnn.handwriting.vision.region import Region
from tests.handwriting.vision.strokes import draw, noisy, write


def two_blocks(bridge=4):
    """Two solid blocks of 40 x 40 pixels, joined in the middle by a bar of 10 pixels' length."""
    ink = np.ones((40, 90), np.float32)
    top = 20 - bridge // 2
    ink[:top, 40:50] = ink[top + bridge :, 40:50] = 0
    return Region(0, 0, ink)


def test_cuts_go_from_top_to_bottom_and_one_parts_the_digits():
    (region,) = find_digits(noisy(draw((200, 180), write("27", 50, 50, 80, 43), 6), 2)).regions
    cuts = find_cuts(region)
    assert len(cuts) >= 2
    for cut in cuts:
        assert cut.columns.shape == (region.height,)
        assert (np.abs(np.diff(cut.columns)) <= 3).all()
    middles = [cut.columns.mean() for cut in cuts]
    assert middles == sorted(middles)
    seam = min(cuts, key=lambda cut: abs(cut.columns.mean() - region.width / 2))
    assert seam.columns.mean() == pytest.approx(region.width / 2, abs=6)
    assert seam.cost < 1.5


def test_blocks_are_cut_where_they_are_joined():
    cheapest = min(find_cuts(two_blocks()), key=lambda cut: cut.cost)
    assert ((cheapest.columns >= 40) & (cheapest.columns <= 50)).all()
    assert 0 < cheapest.cost < 1


def test_a_wider_joint_costs_more():
    costs = [min(cut.cost for cut in find_cuts(two_blocks(bridge))) for bridge in (2, 4, 8, 16)]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1] / 2


def test_a_region_too_small_to_cut():
    assert find_cuts(Region(3, 4, np.ones((3, 3), np.float32))) == []


def path_cost(cost, path):
    """What a path pays: for its pixels, times 1.41 after a diagonal step, and 0.01 for each."""
    total = cost[0, path[0]]
    for row, step in enumerate(np.diff(path), 1):
        total += cost[row, path[row]] * (1.41 if step else 1) + (0.01 if step else 0)
    return total


def all_paths(rows, columns):
    for start, *steps in product(range(columns), *[(-1, 0, 1)] * (rows - 1)):
        path = [start, *(start + np.cumsum(steps)).tolist()]
        if min(path) >= 0 and max(path) < columns:
            yield path


@pytest.mark.parametrize("seed", range(10))
def test_a_path_costs_what_it_pays_and_none_is_much_cheaper(seed):
    cost = np.random.default_rng(seed).random((5, 4))
    found, steps = _cheapest_from_top(cost)
    for column in range(4):
        path = _follow(steps, column)[::-1].tolist()
        assert path[-1] == column
        assert found[column] == pytest.approx(path_cost(cost, path))
        least = min(path_cost(cost, other) for other in all_paths(5, 4) if other[-1] == column)
        # A step is chosen without its length, which is 1.41 at most.
        assert least * 0.999999 <= found[column] <= 1.41 * least


def test_a_path_goes_round_ink():
    cost = np.full((7, 5), 0.01)
    cost[2:5, 1:4] = 10
    found, steps = _cheapest_from_top(cost)
    assert _follow(steps, 1)[::-1].tolist() in ([0, 0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0, 1])
    assert found.max() < 0.2


def test_the_two_halves_of_a_path_meet_in_the_middle_row():
    cost = np.ones((5, 3))
    cost[:, 1] = 0
    cost[2, 1] = 0.5
    costs, (upper, lower) = _cheapest_paths(cost)
    assert costs[1] == pytest.approx(0.5)
    assert costs[0] == pytest.approx(2 * (1.41 + 0.01) - 1)  # from the middle column and back
    np.testing.assert_array_equal(_follow(upper, 0), [0, 1, 1])
    np.testing.assert_array_equal(_follow(lower, 1), [1, 1, 1])


def test_a_cut_of_a_reduced_region_is_enlarged():
    cut = enlarged(Cut(np.array([3, 3, 4]), 0.7), 2, 6)
    np.testing.assert_array_equal(cut.columns, [7, 7, 7, 8, 8, 9])
    assert cut.cost == 0.7


def test_reduced_ink_is_the_mean_of_squares():
    ink = np.arange(24, dtype=np.float32).reshape(4, 6)
    np.testing.assert_array_equal(reduced_ink(ink, 2), [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]])
    assert reduced_ink(ink, 1) is ink
