import numpy as np
import pytest

from numcnn.handwriting.vision.background import paper_level, reduced, relative_darkness

BAR = (slice(30, 70), slice(60, 68))


def picture(paper=200, ink=50, light=1.0):
    pixels = np.full((100, 160, 3), paper, float)
    pixels[BAR] = ink
    return np.rint(pixels * light).astype(np.uint8)


def darkness_of(pixels):
    return relative_darkness(pixels, reduced(pixels))


@pytest.mark.parametrize(("paper", "ink"), [(200, 50), (240, 0), (120, 60)])
def test_darkness_is_the_missing_share_of_the_paper(paper, ink):
    darkness = darkness_of(picture(paper, ink))
    assert darkness.dtype == np.float32
    np.testing.assert_allclose(darkness[BAR], (paper - ink) / paper, atol=1e-3)
    darkness[BAR] = 0
    np.testing.assert_allclose(darkness, 0, atol=1e-3)


def test_on_dark_paper_ink_counts_less():
    # Paper darker than 90 is treated as if it were that light.
    np.testing.assert_allclose(darkness_of(picture(60, 15))[BAR], 45 / 90, atol=1e-3)


def test_a_stroke_is_as_dark_in_the_shade():
    shade = np.ones((100, 160, 1))
    shade[50:] = 0.5
    darkness = darkness_of(picture(240, 60, shade))
    np.testing.assert_allclose(darkness[30:46, 60:68], 0.75, atol=0.02)
    np.testing.assert_allclose(darkness[56:70, 60:68], 0.75, atol=0.02)
    assert np.abs(darkness[:, :50]).max() < 0.3  # the edge itself is smoothed a little


def test_a_red_pen_is_as_dark_as_its_darkest_channels():
    darkness = darkness_of(picture(200, np.array([200, 50, 50])))
    np.testing.assert_allclose(darkness[BAR], 0.75, atol=1e-3)


def test_gray_pixels_give_the_same_in_one_channel_and_in_three():
    gray = picture()
    nearly = gray.copy()
    nearly[0, 0, 0] -= 1  # so that all channels are computed
    np.testing.assert_allclose(darkness_of(gray)[1:], darkness_of(nearly)[1:], atol=1e-3)


def test_light_that_fades_towards_the_border_is_no_ink():
    pixels = np.repeat(np.linspace(240, 120, 160)[np.newaxis, :, np.newaxis], 100, axis=0)
    pixels = np.repeat(pixels, 3, axis=2).astype(np.uint8)
    assert darkness_of(pixels).max() < 0.05


@pytest.mark.parametrize(
    ("size", "small"), [((320, 200), (320, 200)), ((321, 200), (161, 100)), ((1600, 90), (320, 18))]
)
def test_a_picture_is_reduced_by_a_whole_factor(size, small):
    pixels = np.full((*size, 3), 77, np.uint8)
    assert reduced(pixels).shape == (*small, 3)
    assert (reduced(pixels) == 77).all()
    assert (reduced(pixels) is pixels) == (size == small)


def paper_with_ink(noise, seed=0):
    darkness = np.random.default_rng(seed).normal(0.03, noise, (200, 300)).astype(np.float32)
    darkness[50:100, 50:100] = 0.8
    return darkness


@pytest.mark.parametrize("noise", [0.01, 0.03])
def test_level_and_noise_are_the_papers(noise):
    level, found = paper_level(paper_with_ink(noise), None)
    assert level == pytest.approx(0.03, abs=0.3 * noise)
    assert found == pytest.approx(noise, rel=0.15)


def test_only_the_paper_counts():
    darkness = paper_with_ink(0.02)
    mask = np.ones(darkness.shape, bool)
    mask[:, 100:] = False
    darkness[:, 100:] = 0.5  # a desk, larger than the paper
    level, noise = paper_level(darkness, mask)
    assert level == pytest.approx(0.03, abs=0.01)
    assert noise == pytest.approx(0.02, rel=0.2)
    assert paper_level(darkness, None)[0] == pytest.approx(0.5, abs=0.01)


def test_a_drawing_has_no_noise():
    darkness = np.zeros((100, 100), np.float32)
    darkness[40:60, 40:60] = 1
    assert paper_level(darkness, None) == (0, 0)
    assert paper_level(np.full((10, 10), 0.25, np.float32), None) == (0.25, 0)
