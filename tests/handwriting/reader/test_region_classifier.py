import numpy as np
import pytest

from numcnn.handwriting.class_names import CLASS_NAMES, OTHER
from numcnn.handwriting.reader import DigitClassifier
from numcnn.handwriting.reader.region_classifier import RegionClassifier
from numcnn.handwriting.vision.region import Region
from tests.handwriting.reader.test_digit_classifier import model_file


def test_each_region_is_classified_once(monkeypatch):
    classifier = DigitClassifier(model_file(CLASS_NAMES))
    asked = []

    def logits(_, images):
        asked.append(len(images))
        return np.eye(12)[np.full(len(images), 3)] * 9

    monkeypatch.setattr(DigitClassifier, "logits", logits)
    of_a_picture = RegionClassifier(classifier)
    regions = [Region(0, 0, np.ones((20, 6), np.float32)) for _ in range(3)]
    of_a_picture.score(regions[:2])
    of_a_picture.score(regions)
    opinion, *_ = of_a_picture.score(regions)
    assert asked == [2, 1]
    # The probability of each other class is exp(-9) as much, and in an opinion exp(-6).
    assert opinion.digit == pytest.approx(-np.log1p(11 * np.exp(-6)), rel=1e-6)
    assert opinion.several == pytest.approx(opinion.digit - 6)


def test_a_blot_is_no_digit_whatever_the_network_says(monkeypatch):
    classifier = DigitClassifier(model_file(CLASS_NAMES, biases=[9] + [0] * 11))
    y, x = np.mgrid[-1:1:80j, -1:1:80j]
    disk = (x**2 + y**2 < 1).astype(np.float32)
    ring = disk * (x**2 + y**2 > 0.5)
    of_a_picture = RegionClassifier(classifier)
    said = of_a_picture.probabilities([Region(0, 0, disk), Region(0, 0, ring.astype(np.float32))])
    assert [row.argmax() for row in said] == [CLASS_NAMES.index(OTHER), 0]
