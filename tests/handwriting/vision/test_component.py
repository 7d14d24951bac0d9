import numpy as np
import pytest

from numcnn.handwriting.vision.component import find_components


def canvas(side=100):
    return np.zeros((side, side), np.float32)


def test_ink_that_touches_is_one_component_those_with_more_ink_first():
    amount = canvas()
    amount[10:20, 10:15] = 1
    amount[30:50, 30:40] = 1
    amount[50:60, 40:45] = 1  # touches at a corner
    components, too_large, too_many = find_components(amount)
    assert [region.box for region in components] == [(30, 30, 15, 30), (10, 10, 5, 10)]
    assert [region.mass for region in components] == [250, 50]
    assert (too_large, too_many) == (0, 0)


def test_soft_edges_that_meet_do_not_connect_and_each_goes_to_its_core():
    amount = canvas()
    amount[20:40, 10:20] = amount[20:40, 24:34] = 1
    amount[20:40, 20:24] = 0.25
    left, right = sorted(find_components(amount)[0], key=lambda region: region.x)
    assert left.box == (10, 20, 12, 20)
    assert right.box == (22, 20, 12, 20)
    amount[20:40, 20:24] = 0.26
    assert len(find_components(amount)[0]) == 1


@pytest.mark.parametrize(("side", "growth"), [(100, 2), (1200, 3)])
def test_the_soft_edge_of_a_component_is_narrow(side, growth):
    amount = canvas(side)
    amount[20:40, 10:20] = 1
    amount[20:40, 20:30] = 0.2
    ((region,), *_) = find_components(amount)
    assert region.box == (10, 20, 10 + growth, 20)


def test_in_a_small_picture_all_ink_connects():
    amount = canvas(64)
    amount[20:40, 10:20] = amount[20:40, 24:34] = 1
    amount[20:40, 20:24] = 0.1
    assert [region.box for region in find_components(amount)[0]] == [(10, 20, 24, 20)]


def test_a_component_has_no_ink_of_another_in_its_box():
    amount = canvas()
    amount[10, 10:60] = amount[10:60, 10] = 1
    amount[40:50, 40:50] = 1
    angle, square = sorted(find_components(amount)[0], key=lambda region: region.x)
    assert angle.box == (10, 10, 50, 50)
    assert angle.mass == 99
    assert square.mass == 100


def test_without_ink_there_are_no_components():
    assert find_components(canvas()) == ([], 0, 0)
    amount = canvas()
    amount[10:20, 10:20] = 0.2
    assert find_components(amount) == ([], 0, 0)
