import numpy as np
import pytest

from numcnn.handwriting.vision import RegionScore, best_split, find_pieces
from numcnn.handwriting.vision.region import Region


def test_a_score_is_given_in_the_order_digit_several_neither():
    score = RegionScore(-0.1, -2.0, -3.0)
    assert (score.digit, score.several, score.neither) == (-0.1, -2.0, -3.0)
    assert score._fields == ("digit", "several", "neither")


def test_each_region_needs_a_score():
    ink = np.ones((40, 90), np.float32)
    ink[:18, 40:50] = ink[22:, 40:50] = 0
    region = Region(0, 0, ink)
    assert len(find_pieces(region)) > 1
    unsure = RegionScore(-3.0, -0.1, -4.0)
    with pytest.raises(ValueError, match="shorter"):
        best_split(region, unsure, lambda regions: [unsure] * (len(regions) - 1))
