import numpy as np
import pytest

from numcnn.vision import best_split, cut, find_digits, join, split_candidates
from numcnn.vision.region import Region
from tests.vision.strokes import draw, noisy, write


def regions_of(strokes, size=(400, 200), width=8):
    return find_digits(draw(size, strokes, width)).lines


def test_a_line_is_read_from_left_to_right_each_digit_in_its_box():
    ((zero, one, two),) = regions_of(write("012", 50, 50))
    np.testing.assert_allclose(zero.box, [46, 46, 48, 88], atol=2)
    np.testing.assert_allclose(one.box, [146, 46, 8, 88], atol=8)
    assert two.x > one.x > zero.x


def test_lines_are_read_from_top_to_bottom_even_if_they_slant():
    strokes = write("0127", 40, 100, 60) + write("274", 40, 200, 60)
    slanted = [[(x, y - 0.15 * x) for x, y in points] for points in strokes]
    lines = regions_of(slanted, (400, 300))
    assert [len(line) for line in lines] == [4, 3]
    for line in lines:
        assert [region.x for region in line] == sorted(region.x for region in line)
    assert lines[0][0].y < lines[1][0].y


def test_a_five_with_a_loose_hat_is_one():
    body = [(50, 62), (50, 100), (90, 100), (90, 140), (50, 140)]
    ((five,),) = regions_of([body, [(55, 48), (92, 48)]], (150, 200))
    np.testing.assert_allclose(five.box, [46, 44, 50, 100], atol=3)
    ((one, same),) = regions_of([body, [(62, 52), (95, 50)], *write("1", 130, 50)], (250, 200))
    assert (one.width, same.width) == (pytest.approx(53, abs=4), pytest.approx(8, abs=3))


def test_a_broken_stroke_is_one():
    ((one, two),) = regions_of(
        [[(50, 50), (50, 90)], [(50, 102), (50, 150)], *write("2", 100, 50, 100)], (200, 200)
    )
    assert one.height > 100
    assert two.x > one.x


def test_specks_are_dropped():
    specks = [[(20, 20), (22, 20)], [(300, 160), (300, 163)], [(120, 30), (122, 31)]]
    assert len(regions_of([*write("0", 50, 50), *specks], width=3)[0]) == 1


def test_a_region_has_its_own_ink_only():
    # The 7 hangs over the 4: their boxes overlap, their ink does not.
    strokes = [[(60, 50), (150, 50), (60, 150)], *write("4", 147, 90, 60)]
    ((seven, four),) = regions_of(strokes, (250, 200))
    assert seven.x + seven.width > four.x
    alone = find_digits(draw((250, 200), strokes[:1], 8)).regions[0]
    np.testing.assert_allclose(seven.ink, alone.ink, atol=0.02)


def test_a_crowd_of_components_ends_in_time():
    pixels = np.full((400, 400), 255, np.uint8)
    pixels[10:390:8, 10:390:8] = 0
    pixels[11:390:8, 10:390:8] = 0
    pixels[10:390:8, 11:390:8] = 0
    find_digits(pixels)


TOUCHING = write("27", 50, 50, 80, 43)


def touching():
    (region,) = find_digits(noisy(draw((200, 180), TOUCHING, 6), 2)).regions
    return region


def test_pieces_are_the_region():
    region = touching()
    pieces = cut(region)
    assert len(pieces) >= 2
    middles = [piece.x + piece.width / 2 for piece in pieces]
    assert middles == sorted(middles)
    np.testing.assert_array_equal(join(pieces).ink, region.ink)
    assert sum(piece.mass for piece in pieces) == pytest.approx(region.mass)


def test_candidates_begin_with_the_whole_and_each_is_all_of_it():
    region = touching()
    ways = split_candidates(region, limit=12)
    assert ways[0] == [region]
    assert 2 <= len(ways) <= 12
    for way in ways:
        np.testing.assert_array_equal(join(way).ink, region.ink)
    assert any(len(way) == 2 and abs(way[0].width - way[1].width) < 10 for way in ways)


def test_the_best_split_is_the_readers():
    region = touching()
    half = region.width / 2

    def likes_halves(regions):
        return [-abs(r.width - half) / 4 for r in regions]

    left, right = best_split(region, likes_halves)
    assert left.width == pytest.approx(half, abs=8)
    assert right.x + right.width == region.x + region.width
    assert best_split(region, lambda regions: [-0.01] * len(regions)) == [region]


def test_a_single_digit_is_not_cut_for_a_little_more_certainty():
    (zero,) = find_digits(draw((200, 180), write("0", 50, 40, 100), 6)).regions
    assert best_split(zero, lambda rs: [-0.2 if r is zero else -0.001 for r in rs]) == [zero]


def test_a_region_too_small_to_cut():
    region = Region(3, 4, np.ones((3, 3), np.float32))
    assert cut(region) == [region]
    assert split_candidates(region) == [[region]]


def test_join_needs_regions():
    with pytest.raises(ValueError, match="at least one"):
        join([])
