import numpy as np
import pytest

from numcnn.handwriting.vision.ruling import _hough_lines, _run_lengths, find_ruling

HEIGHT, WIDTH = 200, 300


def empty():
    return np.zeros((HEIGHT, WIDTH), bool)


def line(slope, row, first=0, last=WIDTH, thickness=1):
    """A line whose upper edge is in the given row in the middle column."""
    mask = empty()
    columns = np.arange(first, last)
    for offset in range(thickness):
        rows = np.rint(row + offset + slope * (columns - WIDTH / 2)).astype(int)
        mask[rows, columns] = True
    return mask


@pytest.mark.parametrize("slope", [0, 0.05, -0.1, 0.13])
@pytest.mark.parametrize("transposed", [False, True])
def test_lines_across_the_picture_are_found_to_the_pixel(slope, transposed):
    mask = line(slope, 60) | line(slope, 100, thickness=2) | line(slope, 140)
    mask[20:30, 50:60] = True  # something else
    expected = mask.copy()
    expected[20:30, 50:60] = False
    if transposed:
        mask, expected = mask.T, expected.T
    np.testing.assert_array_equal(find_ruling(mask), expected)


def test_squares_are_found_but_for_the_crossings_where_ink_is_thick_both_ways():
    across, down = empty(), empty()
    across[20::40] = True
    down[:, 30::40] = True
    np.testing.assert_array_equal(find_ruling(across | down), across ^ down)


@pytest.mark.parametrize(
    "mask",
    [
        line(0, 100, 0, 276),  # does not reach the right margin
        line(0, 100, 25, 300),  # does not reach the left margin
        line(0.17, 100),  # too steep
        line(0, 100, thickness=5),  # too thick
        line(0, 100) & (np.arange(WIDTH) % 2 == 0),  # covered by half
        empty(),
    ],
    ids=["left", "right", "steep", "thick", "dotted", "empty"],
)
def test_what_is_no_printed_line(mask):
    assert not find_ruling(mask).any()


@pytest.mark.parametrize("mask", [line(0, 100, 24, 277), line(0, 100, thickness=4)])
def test_the_shortest_and_the_thickest_line(mask):
    np.testing.assert_array_equal(find_ruling(mask), mask)


@pytest.mark.parametrize(("height", "is_ruled"), [(24, False), (25, True)])
def test_a_low_picture_has_no_ruling(height, is_ruled):
    mask = np.zeros((height, 100), bool)
    mask[12] = True
    assert find_ruling(mask).any() == is_ruled


def test_a_small_picture_has_no_ruling():
    mask = np.zeros((99, 99), bool)
    mask[50] = True
    assert not find_ruling(mask).any()
    assert find_ruling(np.pad(mask, ((0, 0), (0, 1)), mode="edge")).any()


def test_a_stroke_that_crosses_a_line_stays():
    mask = line(0, 100)
    mask[60:140, 150:158] = True
    found = find_ruling(mask)
    assert not found[:, 150:158].any()
    assert found[100, :150].all()
    assert found[100, 158:].all()
    assert found.sum() == WIDTH - 8


def test_parallel_lines_have_one_slope_and_an_intercept_each():
    mask = line(0.08, 70) | line(0.08, 120)
    rows, columns = np.nonzero(mask)
    intercepts, slope = _hough_lines(rows, columns - WIDTH / 2, HEIGHT, WIDTH)
    assert slope == pytest.approx(0.08, abs=6 / WIDTH / 2)
    upper, lower = [row for row in intercepts if row < 95], [row for row in intercepts if row > 95]
    assert upper == pytest.approx([70] * len(upper), abs=1)
    assert lower == pytest.approx([120] * len(lower), abs=1)
    assert upper
    assert lower


def test_the_length_of_each_vertical_run():
    mask = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1], [1, 1, 1]], bool)
    expected = [[2, 0, 1], [2, 3, 0], [0, 3, 2], [1, 3, 2]]
    np.testing.assert_array_equal(_run_lengths(mask), expected)
