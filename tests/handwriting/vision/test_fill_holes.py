import numpy as np
import pytest
from PIL import Image, ImageDraw

from numcnn.handwriting.vision import find_digits
from numcnn.handwriting.vision.fill_holes import fill_holes
from numcnn.handwriting.vision.region import Region


def ring(hole: int, paper: int = 255, ink: int = 0) -> tuple[Region, np.ndarray]:
    """A ring as a region, and a picture of it with something in the ring."""
    y, x = np.mgrid[:200, :200]
    far = np.hypot(y - 99.5, x - 99.5)
    gray = np.where(far < 60, hole, np.where(far < 70, ink, paper)).astype(np.uint8)
    amount = ((far >= 60) & (far < 70))[30:170, 30:170].astype(np.float32)
    return Region(30, 30, amount), np.repeat(gray[:, :, np.newaxis], 3, axis=2)


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (200, 90), (20, 240)])
def test_a_ring_around_paper_is_left_alone(paper, ink):
    region, pixels = ring(paper, paper, ink)
    assert fill_holes(region, pixels) is region


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (200, 90), (20, 240)])
def test_a_ring_around_ink_is_filled(paper, ink):
    region, pixels = ring(round(ink + 0.2 * (paper - ink)), paper, ink)
    filled = fill_holes(region, pixels)
    assert filled.box == region.box
    assert filled.mass == pytest.approx(np.pi * 70**2, rel=0.01)
    np.testing.assert_array_equal(filled.ink[region.ink > 0], region.ink[region.ink > 0])


def test_what_is_small_in_its_picture_is_left_alone():
    region, pixels = ring(0)
    wide = np.pad(pixels, ((0, 800), (0, 800), (0, 0)), mode="edge")
    assert fill_holes(region, wide) is region


@pytest.mark.parametrize("radius", [40, 65, 80, 100])
def test_a_disk_is_found_as_one(radius):
    image = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(image).circle((150, 150), radius, (20, 20, 20))
    ((region,),) = find_digits(image).lines
    assert region.mass > 0.7 * region.height * region.width
