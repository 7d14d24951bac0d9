"""The page: what is written in a picture, from pixels to frames, and grouped by scores."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from numcnn.handwriting.vision import Budget, find_digits
from numcnn.handwriting.vision.region_score import RegionScore

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
    assert [
        abs(x + width / 2 - 60 - 140 * place) < 3 for place, (x, _, width, _) in enumerate(boxes)
    ]
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
