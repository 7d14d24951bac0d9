import numpy as np
import pytest

from numcnn.handwriting.vision import (
    find_digits,
    find_lines,
)
from tests.handwriting.vision.strokes import draw, write


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


def test_a_hair_thin_digit_is_no_frame_and_what_is_framed_is_read_without():
    assert len(find_digits(draw((400, 400), write("7", 120, 60, 280), 2)).regions) == 1
    frame = [(20, 20), (380, 20), (380, 180), (20, 180), (20, 20)]
    ((zero, two),) = regions_of([*write("02", 80, 60, 80, 90), frame], (400, 200), 4)
    assert zero.height == pytest.approx(84, abs=4)
    assert two.x > zero.x + zero.width


def test_what_lies_along_the_edge_of_a_sheet_is_not_written_on_it():
    amount = np.zeros((300, 400), np.float32)
    sheet = np.zeros(amount.shape, bool)
    sheet[:, 40:] = True
    amount[120:180, 41:44] = 1  # the edge's shadow
    amount[100:200, 60:70] = 1  # a 1 beside it
    amount[100:200, 200:210] = 1
    assert len(find_lines(amount)[0]) == 3
    [line] = find_lines(amount, sheet)
    assert [region.x for region in line] == [60, 200]
