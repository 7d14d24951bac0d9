"""Additive Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.augmentation.base import Augmentation, FloatImages, check_range
from numcnn.random_streams import Draw


@final
@dataclass(frozen=True)
class GaussianNoise(Augmentation):
    """Add a normally distributed number to each value of each image.

    The sum is held between 0 and 255.

    Attributes:
        stddev: The noise's standard deviation, in gray levels (of 255).

    Raises:
        ValueError: ``stddev`` is negative.
    """

    stddev: float

    def __post_init__(self) -> None:
        check_range("stddev", self.stddev, 0)

    def apply(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Add noise to the images."""
        noisy = draw.rng.standard_normal(images.shape, dtype=np.float32)
        noisy *= np.float32(self.stddev)
        noisy += images
        return np.clip(noisy, 0, 255, out=noisy)
