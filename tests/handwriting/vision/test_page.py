"""The page: what is written in a picture, from pixels to frames, and grouped by scores."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from numcnn.handwriting.vision import Budget, find_digits
from numcnn.handwriting.vision.region import Region
from numcnn.handwriting.vision.region_score import RegionScore
from tests.handwriting.vision.strokes import noisy

DIGIT, DRAWING = RegionScore(-0.01, -6.0, -6.0), RegionScore(-5.0, -5.0, -0.02)


def picture(*lines, size=(400, 200), ink=0, paper=255):
    image = Image.new("L", size, paper)
    for line in lines:
        ImageDraw.Draw(image).line(line, fill=ink, width=8)
    return np.asarray(image)


ONES = [[(60, 40), (60, 150)], [(200, 40), (200, 150)], [(340, 40), (340, 150)]]


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (90, 200)])
def test_three_strokes_are_three_regions_in_order(ink, paper):
    page = find_digits(picture(*ONES, ink=ink, paper=paper))
    assert len(page.lines) == 1
    boxes = [page.box(region) for region in page.regions]
    middles = [x + width / 2 for x, _, width, _ in boxes]
    assert middles == pytest.approx([60, 200, 340], abs=3)
    assert all(abs(height - 111) < 6 for *_, height in boxes)
    assert page.ink.is_light == (ink > paper)
    assert page.images().shape == (3, 28, 28)
    assert page.images().max() > 200


def test_a_blank_page_has_nothing():
    page = find_digits(picture())
    assert page.lines == ()
    assert page.images().shape == (0, 28, 28)
    assert page.grouped(lambda _: []).lines == ()


def test_boxes_are_in_pixels_of_the_original():
    large = np.repeat(np.repeat(picture(*ONES), 10, axis=0), 10, axis=1)
    page = find_digits(large)
    assert max(page.picture.pixels.shape) < max(large.shape)
    x, _, width, height = page.box(page.regions[1])
    assert abs(x + width / 2 - 2000) < 30
    assert abs(height - 1110) < 60


def test_what_is_surely_a_digit_is_neither_divided_nor_asked_about_again():
    page = find_digits(picture(*ONES))
    asked = []

    def score(regions):
        asked.append(len(regions))
        return [DIGIT] * len(regions)

    grouped = page.grouped(score)
    assert asked == [3]
    assert grouped.regions == page.regions


def test_without_a_budget_what_might_be_several_is_counted():
    wide = [[(20, 60), (140, 60), (140, 150), (20, 150), (20, 60)]]
    page = find_digits(picture(*wide))
    grouped = page.grouped(lambda regions: [DRAWING] * len(regions), Budget(pieces=0))
    assert grouped.not_divided == 1
    assert grouped.regions == page.regions


def test_ink_and_paper_can_be_taken_for_each_other():
    page = find_digits(picture(*ONES))
    assert page.inverted().ink.is_light
    assert not page.ink.is_light
    assert len(page.uncropped().regions) == 3


def page_of(*lines):
    """A page with regions of one's own."""
    return replace(find_digits(picture(*ONES)), lines=lines)


def block(x, width, height=60, y=10):
    return Region(x, y, np.ones((height, width), np.float32))


def test_broken_digits_are_merged_and_touching_ones_split_in_each_line():
    left, right, other = block(10, 12), block(30, 12), block(120, 40)
    touching = np.ones((60, 110), np.float32)
    touching[:28, 50:60] = touching[32:, 50:60] = 0

    def score(regions):
        # Only what is 30 to 60 pixels wide is a digit.
        return [
            DIGIT if 30 <= each.width <= 60 else RegionScore(-3.0, -0.1, -4.0) for each in regions
        ]

    first, second = page_of([left, right, other], [Region(10, 200, touching)]).grouped(score).lines
    assert [region.box for region in first] == [(10, 10, 32, 60), (120, 10, 40, 60)]
    assert first[1] is other
    assert [region.y for region in second] == [200, 200]
    assert [region.x for region in second] == pytest.approx([10, 70], abs=10)


@pytest.mark.parametrize(("sure", "count"), [(1, 1), (2, 2)])
def test_two_sure_digits_in_a_line_make_others_probable(sure, count):
    touching = np.ones((60, 110), np.float32)
    touching[:28, 50:60] = touching[32:, 50:60] = 0
    doubtful = RegionScore(-9.0, -2.0, 0.0)  # a drawing for sure, unless it is among digits

    def score(regions):
        return [doubtful if each.width == 110 else DIGIT for each in regions]

    line = [*(block(200 + 100 * k, 40) for k in range(sure)), Region(10, 10, touching)]
    (found,) = page_of(sorted(line, key=lambda region: region.x)).grouped(score).lines
    assert len(found) == sure + count


@pytest.mark.parametrize(("probability", "is_scored"), [(-0.11, False), (-0.13, True)])
def test_what_is_surely_a_digit_is_not_split(probability, is_scored):
    touching = np.ones((60, 110), np.float32)
    touching[:28, 50:60] = touching[32:, 50:60] = 0
    asked = []

    def score(regions):
        asked.extend(regions)
        return [RegionScore(probability, -2.0, -3.0) for _ in regions]

    page_of([Region(10, 10, touching)]).grouped(score)
    assert (len(asked) > 1) == is_scored


def test_what_lies_beside_the_paper_is_not_read():
    pixels = np.full((200, 400, 3), 220, np.uint8)
    pixels[:, 300:] = (90, 60, 40)  # a desk, with something light on it
    pixels[60:140, 345:353] = 230
    pixels[60:140, 100:108] = 30
    page = find_digits(noisy(pixels, 3))
    assert page.paper_mask[:, :280].all()
    assert not page.paper_mask[:, 300:].any()
    assert [page.box(region)[0] for region in page.regions] == pytest.approx([100], abs=3)
    assert page.uncropped().paper_mask is None
