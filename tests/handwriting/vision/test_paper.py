import numpy as np
import pytest

from numcnn.handwriting.vision.paper import extend_paper, find_paper
from tests.handwriting.vision.strokes import noisy

PAPER = (220, 218, 210)
DESK = (90, 60, 40)


def photograph(height=200, width=300, paper=PAPER):
    return np.full((height, width, 3), paper, np.uint8)


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_desk_on_one_side_is_no_paper(side):
    pixels = photograph()
    strips = {
        "left": (slice(None), slice(0, 60)),
        "right": (slice(None), slice(240, 300)),
        "top": (slice(0, 50), slice(None)),
        "bottom": (slice(150, 200), slice(None)),
    }
    desk = np.zeros(pixels.shape[:2], bool)
    desk[strips[side]] = True
    pixels[desk] = DESK
    mask = find_paper(noisy(pixels, 3))
    assert mask.shape == (200, 300)
    assert mask.dtype == bool
    assert not mask[desk].any()
    # Only the edge itself is lost, about 6 pixels of 300.
    assert 0.9 < mask[~desk].mean() < 1


def test_a_desk_as_light_as_the_paper_is_told_by_its_color():
    pixels = photograph(paper=(200, 200, 200))
    pixels[:, :60] = (230, 200, 168)
    mask = find_paper(noisy(pixels, 2))
    assert not mask[:, :60].any()
    assert mask[:, 80:].all()


def test_paper_alone_has_no_desk():
    assert find_paper(noisy(photograph(), 3)) is None


def test_a_gradual_shadow_is_no_desk():
    light = np.linspace(1, 0.3, 300)[None, :, None]
    assert find_paper(noisy(photograph() * light, 3)) is None


def test_what_does_not_touch_the_border_is_no_desk():
    pixels = photograph()
    pixels[60:140, 100:200] = DESK
    assert find_paper(noisy(pixels, 3)) is None


@pytest.mark.parametrize(("width", "is_desk"), [(12, False), (20, False), (30, True)])
def test_a_stroke_that_reaches_the_border_is_no_desk(width, is_desk):
    pixels = photograph()
    pixels[90 : 90 + width, :150] = 30  # a stroke is at most 13 / 160 of 300 pixels wide
    assert (find_paper(noisy(pixels, 3)) is not None) == is_desk


@pytest.mark.parametrize(("logarithm", "is_desk"), [(-0.3, False), (-0.4, True), (0.12, False)])
def test_how_much_darker_a_desk_is(logarithm, is_desk):
    pixels = photograph(paper=(200, 200, 200))
    pixels[:, :60] = 208 * np.exp(logarithm) - 8
    assert (find_paper(noisy(pixels, 1)) is not None) == is_desk


@pytest.mark.parametrize(("logarithm", "is_desk"), [(-0.145, False), (-0.18, True)])
def test_how_different_the_color_of_a_desk_is(logarithm, is_desk):
    pixels = photograph(paper=(200, 200, 200))
    pixels[:, :60, 1] = 208 * np.exp(logarithm) - 8
    assert (find_paper(noisy(pixels, 1)) is not None) == is_desk


def test_what_is_drawn_has_no_desk():
    pixels = photograph()
    pixels[:, :60] = DESK
    assert find_paper(pixels) is None  # without noise, most pixels have one color


def test_a_small_picture_has_no_desk():
    pixels = photograph(99, 300)
    pixels[:, :60] = DESK
    assert find_paper(noisy(pixels, 3)) is None
    assert find_paper(noisy(np.concatenate([pixels, pixels[:1]]), 3)) is not None


def test_the_paper_is_continued_over_the_desk():
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :30] = PAPER
    pixels[10, 15] = (1, 2, 3)  # ink
    pixels[:, 30:] = DESK
    mask = np.zeros((20, 40), bool)
    mask[:, :26] = True  # without the edge, which the median filter would mix
    extended = extend_paper(pixels, mask)
    assert extended.dtype == np.uint8
    np.testing.assert_array_equal(extended[:, :26], pixels[:, :26])
    np.testing.assert_array_equal(extended[:, 26:], np.broadcast_to(PAPER, (20, 14, 3)))


def test_each_pixel_of_the_desk_gets_the_nearest_color():
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :15], pixels[:, 25:] = 100, 200
    mask = np.ones((20, 40), bool)
    mask[:, 10:30] = False
    extended = extend_paper(pixels, mask)
    assert (extended[:, 10:20] == 100).all()
    assert (extended[:, 20:30] == 200).all()
