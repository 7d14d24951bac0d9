import numpy as np
import pytest

from numcnn.handwriting.vision.region import Region, join, trimmed, typical_height


def block(x, y, width, height, ink=1.0):
    return Region(x, y, np.full((height, width), ink, np.float32))


def test_a_region_knows_its_box_and_its_ink():
    region = Region(3, 4, np.array([[0.5, 1, 0.25], [0, 1, 0]], np.float32))
    assert region.box == (3, 4, 3, 2)
    assert (region.width, region.height) == (3, 2)
    assert region.mass == 2.75


def test_empty_rows_and_columns_at_the_edges_are_cut_off():
    ink = np.zeros((6, 8), np.float32)
    ink[2, 3], ink[4, 5] = 0.5, 1
    region = trimmed(10, 20, ink)
    assert region.box == (13, 22, 3, 3)
    np.testing.assert_array_equal(region.ink, [[0.5, 0, 0], [0, 0, 0], [0, 0, 1]])
    assert region.ink.dtype == np.float32
    ink[4, 5] = 0
    assert region.ink[2, 2] == 1  # a region has a copy of its ink


def test_without_ink_there_is_no_region():
    assert trimmed(0, 0, np.zeros((3, 4), np.float32)) is None


def test_the_joined_region_covers_both_and_keeps_the_darker_ink():
    first = block(2, 5, 2, 2, 0.5)
    second = block(3, 6, 3, 1, 0.75)
    joined = join([second, first])
    assert joined.box == (2, 5, 4, 2)
    np.testing.assert_array_equal(joined.ink, [[0.5, 0.5, 0, 0], [0.5, 0.75, 0.75, 0.75]])
    np.testing.assert_array_equal(first.ink, 0.5)


def test_one_region_is_joined_to_itself():
    region = block(0, 0, 2, 2)
    assert join([region]) is region


def test_join_needs_regions():
    with pytest.raises(ValueError, match="at least one"):
        join([])


def test_half_of_the_ink_is_in_regions_up_to_the_typical_height():
    # 10 + 20 + 30 + 70 of ink: the half, 65, is reached by the highest one.
    regions = [block(0, 0, 1, height) for height in (70, 10, 30, 20)]
    assert typical_height(regions) == 70
    # 10 + 20 + 30 + 40: 50 is reached by the one of 30.
    assert typical_height([block(0, 0, 1, height) for height in (40, 10, 30, 20)]) == 30


def test_specks_do_not_change_the_typical_height():
    digits = [block(0, 0, 20, 60), block(0, 0, 20, 62), block(0, 0, 20, 64)]
    assert typical_height(digits + [block(0, 0, 2, 2)] * 50) == 62
    assert typical_height([]) == 0
