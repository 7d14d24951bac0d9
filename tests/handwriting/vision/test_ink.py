import numpy as np
import pytest
from PIL import Image

from numcnn.handwriting.vision import find_digits, find_ink
from tests.handwriting.vision.strokes import draw, encode, noisy, write


def truth(size, strokes, width):
    return 1 - np.asarray(draw(size, strokes, width, mode="L", paper=255, ink=0)) / 255


STROKES = write("274", 40, 40)
SIZE = 300, 160
TRUTH = truth(SIZE, STROKES, 8)


def agreement(ink):
    """The share of the ink that is found, in the middle of the strokes, and that of the rest."""
    return ink.amount[TRUTH > 0.95].mean(), ink.amount[TRUTH < 0.05].mean()


@pytest.mark.parametrize(
    ("paper", "pen", "is_light"),
    [
        ("white", "black", False),
        ("black", "white", True),
        ((225, 222, 205), (190, 40, 40), False),
        ((235, 235, 235), (60, 80, 200), False),
        ((40, 60, 50), (220, 220, 200), True),
        ((200, 200, 195), (150, 150, 150), False),
        ((20, 40, 120), (240, 220, 60), True),
    ],
)
@pytest.mark.parametrize("noise", [0, 4])
def test_any_pen_on_any_paper(paper, pen, is_light, noise):
    ink = find_ink(noisy(draw(SIZE, STROKES, 8, paper, pen), noise))
    found, wrong = agreement(ink)
    assert found > 0.9
    assert wrong < 0.03
    assert ink.is_light == is_light


def test_soft_edges_are_kept():
    ink = find_ink(np.asarray(draw(SIZE, STROKES, 8)))
    np.testing.assert_allclose(ink.amount, TRUTH, atol=0.02)


@pytest.mark.parametrize("shadow", ["gradient", "edge"])
def test_uneven_light(shadow):
    x, y = np.meshgrid(np.linspace(0, 1, SIZE[0]), np.linspace(0, 1, SIZE[1]))
    light = 1 - 0.6 * x if shadow == "gradient" else 1 - 0.5 / (1 + np.exp(-(x - y) / 0.03))
    pixels = np.asarray(draw(SIZE, STROKES, 6, (220, 220, 215), (40, 40, 40)))
    found, wrong = agreement(find_ink(noisy(pixels * light[..., None], 3)))
    assert found > 0.8
    assert wrong < 0.03


def blanks():
    x, y = np.meshgrid(np.linspace(0, 1, 320), np.linspace(0, 1, 240))
    shadow = 1 / (1 + np.exp(-(x + y - 1) / 0.05))
    rng = np.random.default_rng(0)
    yield "white", np.full((240, 320), 255.0)
    yield "black", np.zeros((240, 320))
    yield "gray", np.full((240, 320), 130.0)
    yield "gradient", 40 + 200 * x
    yield "vignette", 230 - 150 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    yield "shadow", 220 - 90 * shadow
    for sigma in (2, 8, 25):
        yield f"noise {sigma}", 150 + sigma * rng.normal(size=x.shape)
        if sigma < 20:
            yield f"shadow, noise {sigma}", 220 - 90 * shadow + sigma * rng.normal(size=x.shape)


@pytest.mark.parametrize(("name", "pixels"), list(blanks()))
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_blank_pictures_have_no_ink(name, pixels, kind):
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    page = find_digits(encode(image, kind))
    assert page.lines == ()
    assert not page.ink.amount.any()
    assert page.ink.contrast == 0


@pytest.mark.parametrize("squared", [False, True])
def test_ruling_is_no_ink(squared):
    lines = [[(0, y), (300, y + 3)] for y in range(15, 160, 40)]
    if squared:
        lines += [[(x + 3, 0), (x, 160)] for x in range(15, 300, 40)]
    image = draw(SIZE, lines, 1, "white", (150, 180, 215))
    ink = draw(SIZE, STROKES, 8)
    pixels = np.minimum(np.asarray(image), np.asarray(ink))
    page = find_digits(noisy(pixels, 2))
    assert [len(line) for line in page.lines] == [3]
    found, wrong = agreement(page.ink)
    assert found > 0.9
    assert wrong < 0.03


def test_a_tall_one_is_no_ruling():
    image = draw((120, 120), [[(60, 15), (60, 105)]], 2)
    assert len(find_digits(noisy(image, 2)).regions) == 1


def test_a_digit_may_reach_the_border():
    image = draw((160, 120), write("2", 60, 20, 100), 8)
    page = find_digits(image)
    assert len(page.regions) == 1
    assert not page.ink.is_light
