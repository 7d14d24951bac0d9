"""Classifies the regions of one picture, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.handwriting.class_names import CLASS_NAMES, DIGITS, OTHER, SEVERAL
from numcnn.handwriting.frame import SIDE
from numcnn.handwriting.reader.digit_classifier import DigitClassifier, Probabilities
from numcnn.handwriting.vision import Region, RegionScore, stroke_width, to_mnist_frame

_SEVERAL, _OTHER = CLASS_NAMES.index(SEVERAL), CLASS_NAMES.index(OTHER)
_SCORE_TEMPERATURE = 1.5  # of the logits, for scores
_LEAST_PROBABLE = 1e-9  # of which a logarithm is taken
# A blot: its shorter side of its longer one, its ink of its box, its stroke of its longer side.
_BLOT_ROUND, _BLOT_FULL, _BLOT_STROKE = 0.6, 0.6, 0.4
_BLOT_SIDE = 80  # pixels; of a larger region, not all are measured


@final
class RegionClassifier:
    """Classifies the regions of one picture, and remembers them."""

    def __init__(self, classifier: DigitClassifier) -> None:
        """Take the classifier of images."""
        self._classifier = classifier
        self._probabilities: dict[Region, Probabilities] = {}
        self._images: dict[Region, NDArray[np.uint8]] = {}

    def probabilities(self, regions: Sequence[Region]) -> list[Probabilities]:
        """Compute the probabilities ``(12,)`` of each region's classes.

        As `DigitClassifier.probabilities` does, but a blot is no digit whatever the network says.
        """
        new = [region for region in regions if region not in self._probabilities]
        if new:
            images = np.stack([to_mnist_frame(region.ink) for region in new])
            self._images.update(zip(new, images, strict=True))
            rows = self._classifier.probabilities(images)
            if self._classifier.knows_others:
                rows[[_is_blot(region) for region in new]] = np.eye(rows.shape[1])[_OTHER]
            self._probabilities.update(zip(new, rows, strict=True))
        return [self._probabilities[region] for region in regions]

    def images(self, regions: Sequence[Region]) -> NDArray[np.uint8]:
        """Return regions as the network sees them, ``(regions, 28, 28)``."""
        self.probabilities(regions)
        images = [self._images[region] for region in regions]
        return np.stack(images) if images else np.zeros((0, SIDE, SIDE), np.uint8)

    def score(self, regions: Sequence[Region]) -> list[RegionScore]:
        """Score regions for the search for digits; see `numcnn.handwriting.vision.Page.grouped`.

        Most of the regions that are tried there were never written as they stand, so the
        probabilities are softened.
        """
        scores = []
        for row in self.probabilities(regions):
            soft = row ** (1 / _SCORE_TEMPERATURE)
            soft /= soft.sum()
            digit, several, other = soft[: len(DIGITS)].max(), soft[_SEVERAL], soft[_OTHER]
            if not self._classifier.knows_others:
                several, other = 1.0, 0.0
            logs = np.log(np.maximum([digit, several, other], _LEAST_PROBABLE))
            scores.append(RegionScore(*logs.tolist()))
        return scores


def _is_blot(region: Region) -> bool:
    """Tell whether a region is one solid spot, whose outline would be read once it is framed."""
    shorter, longer = sorted((region.height, region.width))
    if shorter < _BLOT_ROUND * longer or region.mass < _BLOT_FULL * shorter * longer:
        return False
    # A share of the whole can be told from fewer pixels, and distances take a while.
    step = max(1, longer // _BLOT_SIDE)
    sampled = region.ink[step // 2 :: step, step // 2 :: step]
    return step * stroke_width(sampled) > _BLOT_STROKE * longer
