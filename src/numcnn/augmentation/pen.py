"""Random stroke thickness, with gaps in the stroke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.augmentation.base import Augmentation, FloatImages, check_range
from numcnn.random_streams import Draw


@final
@dataclass(frozen=True)
class Pen(Augmentation):
    """Draw light strokes on a dark ground as another pen would have.

    A stroke becomes two pixels wider where each pixel is replaced by the lightest of itself and
    its four neighbors (a dilation), two pixels narrower by the darkest (an erosion); what lies
    between is a mixture of that and the image. An eroded image is as light as before at its
    lightest pixel, so that a thin stroke does not fade.

    Attributes:
        thinner: By how many pixels strokes become narrower at most, from 0 to 2.
        thicker: By how many pixels they become wider at most, from 0 to 2.
        skips: The share of images that get a gap of one or two pixels: a straight line without
            ink, as where a printed line was taken out or the pen did not write.

    Raises:
        ValueError: A setting is out of range.
    """

    thinner: float = 0.0
    thicker: float = 0.0
    skips: float = 0.0

    def __post_init__(self) -> None:
        check_range("thinner", self.thinner, 0, 2)
        check_range("thicker", self.thicker, 0, 2)
        check_range("skips", self.skips, 0, 1)

    def apply(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Change each image's strokes by a width of its own."""
        count, height, width, _ = images.shape
        change = draw.rng.uniform(-self.thinner, self.thicker, (count, 1, 1, 1)).astype(np.float32)
        margin = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
        neighbors = [
            images,
            margin[:, :-2, 1:-1],
            margin[:, 2:, 1:-1],
            margin[:, 1:-1, :-2],
            margin[:, 1:-1, 2:],
        ]
        target = np.where(change < 0, np.minimum.reduce(neighbors), np.maximum.reduce(neighbors))
        changed = images + np.abs(change) / 2 * (target - images)
        before, after = (x.max(axis=(1, 2, 3), keepdims=True) for x in (images, changed))
        changed *= before / np.maximum(after, 1)

        # A line at a distance from the middle; most lines are nearly level, as on ruled paper.
        angle = draw.rng.normal(0, 0.5, (count, 1, 1))
        offset = draw.rng.uniform(-0.3, 0.3, (count, 1, 1)) * height
        breadth = draw.rng.uniform(1, 2, (count, 1, 1))
        skipped = draw.rng.random((count, 1, 1)) < self.skips
        y, x = np.mgrid[0:height, 0:width] - np.array([height - 1, width - 1])[:, None, None] / 2
        away = np.abs(y * np.cos(angle) + x * np.sin(angle) - offset)
        kept = np.where(skipped, np.clip(away - breadth / 2 + 0.5, 0, 1), 1)
        changed *= kept[..., np.newaxis].astype(np.float32)
        return changed
