"""Cutout: hide a part of each image, so that the network does not rely on any one part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.augmentation.base import Augmentation, FloatImages, check_range
from numcnn.random_streams import Draw


@final
@dataclass(frozen=True)
class Cutout(Augmentation):
    """Cover a square at a random place of each image.

    T. DeVries and G. W. Taylor, "Improved regularization of convolutional neural networks with
    cutout", 2017. The square's middle can be any pixel, so part of the square may lie outside;
    the paper found that to matter.

    Attributes:
        size: The square's side in pixels.
        fill: The gray level that covers it. The paper's zero came after the mean had been
            subtracted; the same here is the data set's mean gray level.

    Raises:
        ValueError: A setting is out of range.
    """

    size: int
    fill: float = 0.0

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size is {self.size}; give at least 1 pixel")
        check_range("fill", self.fill, 0, 255)

    def apply(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Cover a square of each image."""
        count, height, width, _ = images.shape
        rows = self._covered(height, draw.rng.integers(0, height, (count, 1)))
        columns = self._covered(width, draw.rng.integers(0, width, (count, 1)))
        square = rows[:, :, np.newaxis] & columns[:, np.newaxis, :]
        return np.where(square[..., np.newaxis], np.float32(self.fill), images)

    def _covered(self, length: int, middles: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell for each image which pixels along an axis are covered: ``(count, length)``."""
        first = middles - self.size // 2
        pixels = np.arange(length)
        return (pixels >= first) & (pixels < first + self.size)
