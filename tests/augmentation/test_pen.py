import numpy as np
import pytest

from numcnn.augmentation import Pen
from numcnn.random_streams import Draw


def draw(count):
    return Draw(np.random.default_rng(0), 0, 0, np.arange(count))


def bars(count, width):
    images = np.zeros((count, 28, 28, 1), np.float32)
    images[:, 4:24, 14 : 14 + width] = 255
    return images


def widths(images):
    return images[:, 14, :, 0].sum(axis=1) / 255


def test_strokes_become_wider_and_narrower_by_what_the_settings_say():
    changed = widths(Pen(thinner=1.5, thicker=0.5)(bars(500, 6), draw(500))) - 6
    assert changed.min() == pytest.approx(-1.5, abs=0.05)
    assert changed.max() == pytest.approx(0.5, abs=0.05)


def test_a_thin_stroke_does_not_fade():
    changed = Pen(thinner=1.9)(bars(50, 1), draw(50))
    np.testing.assert_allclose(changed.max(axis=(1, 2, 3)), 255, rtol=1e-5)


def test_the_pen_skips_as_often_as_the_settings_say():
    changed = Pen(skips=0.25)(bars(400, 3), draw(400))
    # A line within 30% of the height of the middle leaves a gap in almost every bar.
    gaps = (changed[:, 4:24, 15, 0] < 200).any(axis=1)
    assert gaps.mean() == pytest.approx(0.25, abs=0.07)
