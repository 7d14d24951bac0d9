"""Elastic distortion: images warped by a smooth random displacement field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from numcnn.augmentation.affine import check_fill
from numcnn.augmentation.base import Augmentation, FloatImages, check_range
from numcnn.augmentation.sampling import sample_bilinear
from numcnn.random_streams import Draw

# In what order a matrix product adds up depends on how many threads work on it, and a sum's last
# bit on the order, unless each sum is exact. So steps are whole multiples of 2**-16 and weights of
# 2**-18: two smoothings need 16 + 18 + 18 bits, and float64 has 53.
_STEP_PARTS = 2**16
_WEIGHT_PARTS = 2**18


@final
@dataclass(frozen=True)
class ElasticDistortion(Augmentation):
    """Move each pixel by a random field that is smooth, so that lines bend but do not break.

    P. Y. Simard, D. Steinkraus and J. C. Platt, "Best practices for convolutional neural networks
    applied to visual document analysis", 2003. For each image, every pixel gets a random step
    down and to the right, each uniform from -1 to 1; both fields are smoothed by a Gaussian and
    multiplied by a strength; the image is then read at the places where the steps lead. The paper
    uses strength 34 and smoothness 4 for MNIST.

    Attributes:
        strength: By what the smoothed steps are multiplied. With smoothness ``s``, a step's
            standard deviation is about ``strength / (6.1 s)`` pixels away from the border.
        smoothness: The Gaussian's standard deviation in pixels.
        fill: What comes in from outside: a gray level, or ``"edge"`` for the nearest pixel.

    Raises:
        ValueError: A setting is out of range.
    """

    strength: float
    smoothness: float
    fill: float | Literal["edge"] = 0.0

    def __post_init__(self) -> None:
        check_range("strength", self.strength, 0)
        check_range("smoothness", self.smoothness, 0.1)
        check_fill(self.fill)

    def apply(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Resample the images along fields of their own."""
        _, height, width, _ = images.shape
        down, right = self.fields(images.shape[:3], draw.rng)
        down += np.arange(height, dtype=np.float32)[:, np.newaxis]
        right += np.arange(width, dtype=np.float32)
        return sample_bilinear(images, down, right, self.fill)

    def fields(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw how far each pixel's value is fetched from.

        Args:
            shape: ``(count, height, width)``.
            rng: Where the chance comes from.

        Returns:
            float32 ``(2, count, height, width)``: steps down and to the right, in pixels.
        """
        steps = rng.integers(-_STEP_PARTS, _STEP_PARTS, (2, *shape))
        return (self.smooth(steps / _STEP_PARTS) * self.strength).astype(np.float32)

    def smooth(self, fields: NDArray[np.float64]) -> NDArray[np.float64]:
        """Smooth fields by the Gaussian; outside of them is zero.

        A Gaussian of two variables is a product of two of one variable, so smoothing along the
        rows and then along the columns is enough, and smoothing along an axis is a product with a
        matrix of the Gaussian's values.

        Args:
            fields: float64 ``(..., height, width)``.

        Returns:
            float64 of the same shape.
        """
        height, width = fields.shape[-2:]
        along_rows = fields.reshape(-1, width) @ self._gaussian(width)
        smoothed: NDArray[np.float64] = self._gaussian(height) @ along_rows.reshape(fields.shape)
        return smoothed

    def _gaussian(self, size: int) -> NDArray[np.float64]:
        """Give the symmetric matrix ``(size, size)`` that smooths a line of ``size`` pixels."""
        # Summed over all whole distances, not only those within the image, the weights make 1.
        distances = np.arange(size + int(np.ceil(8 * self.smoothness)))
        weights = np.exp(-0.5 * np.square(distances / self.smoothness))
        weights /= 2 * weights.sum() - weights[0]
        weights = np.rint(weights * _WEIGHT_PARTS) / _WEIGHT_PARTS
        pixels = np.arange(size)
        return weights[np.abs(pixels[:, np.newaxis] - pixels)]
