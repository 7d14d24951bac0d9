import numpy as np
import pytest

from numcnn.handwriting.vision.polarity import ink_polarity
from tests.handwriting.vision.strokes import draw, noisy, write


@pytest.mark.parametrize("size", [(40, 40), (300, 160)])
@pytest.mark.parametrize("noise", [0, 5])
def test_the_sign_tells_which_is_the_ink(size, noise):
    height = size[1] // 2
    strokes = write("2", size[0] // 3, size[1] // 4, height)
    dark = noisy(draw(size, strokes, max(2, height // 10)), noise)
    assert ink_polarity(dark) < -1
    assert ink_polarity(255 - dark) > 1


@pytest.mark.parametrize("inked", [4, 10, 14, 17])
def test_skewness_and_border_of_a_small_picture(inked):
    small = np.zeros((20, 20, 3), np.uint8)
    small[2 : 2 + inked, 1 : 1 + inked] = 200
    share = inked**2 / 400
    skewness = min((1 - 2 * share) / np.sqrt(share * (1 - share)), 3)
    border = np.sqrt(share / (1 - share))
    assert ink_polarity(small) == pytest.approx(skewness + 2 * border, rel=1e-4)
    if skewness < 3:
        assert ink_polarity(small) == pytest.approx(1 / np.sqrt(share * (1 - share)), rel=1e-4)


def test_a_shadow_does_not_count_in_a_photograph():
    pixels = np.asarray(draw((300, 200), write("27", 60, 60, 80, 100), 8)).astype(float)
    light = np.linspace(1, 0.3, 300)[:, np.newaxis]
    assert ink_polarity(noisy(pixels * light, 3)) < -1


@pytest.mark.parametrize(("gray", "polarity"), [(255, -9), (128, -9), (127, 9), (0, 9)])
@pytest.mark.parametrize("side", [20, 100])
def test_a_blank_picture_is_paper(gray, polarity, side):
    assert ink_polarity(np.full((side, side, 3), gray, np.uint8)) == polarity
