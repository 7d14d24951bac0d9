"""Random rotation, shear, stretch and warp, then framed as MNIST frames its digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.augmentation.affine import inverse_maps
from numcnn.augmentation.base import Augmentation, FloatImages, check_range
from numcnn.augmentation.elastic import ElasticDistortion
from numcnn.augmentation.sampling import sample_bilinear
from numcnn.random_streams import Draw

_INK = 64.0  # of 255: what belongs to the box


@final
@dataclass(frozen=True)
class Reframe(Augmentation):
    """Rotate, slant, stretch and bend each light drawing, and bring it into its frame again.

    A reader brings whatever it finds into one frame: the longer side of the drawing's box has a
    given length, and its center of mass lies in the middle. After an ordinary rotation or slant
    it would not, and a network would learn to expect what it never gets. So the scale and the
    shift follow from the drawing: the box is that of the ink's pixels after the affine map, and
    a center of mass maps like any point. Everything is one resampling.

    Attributes:
        rotation: The largest angle, in degrees, to either side.
        shear: The largest angle, in degrees, by which upright lines lean to either side.
        stretch: How much wider or narrower things get, at most; 0.2 is a factor from 1 / 1.2 to
            1.2.
        strength: Of the bending, see `ElasticDistortion`; 0 for none.
        smoothness: Of the bending.
        box: The share of the image's height that the longer side of the box gets.
        zoom: By what share the box may be larger or smaller than that.
        shift: How many pixels the center may lie off the middle, in both directions.

    Raises:
        ValueError: A setting is out of range.
    """

    rotation: float = 0.0
    shear: float = 0.0
    stretch: float = 0.0
    strength: float = 0.0
    smoothness: float = 4.0
    box: float = 20 / 28
    zoom: float = 0.0
    shift: float = 0.5

    def __post_init__(self) -> None:
        check_range("rotation", self.rotation, 0, 180)
        check_range("shear", self.shear, 0, 60)
        check_range("stretch", self.stretch, 0, 2)
        check_range("strength", self.strength, 0)
        check_range("smoothness", self.smoothness, 0.1)
        check_range("box", self.box, 0.1, 1)
        check_range("zoom", self.zoom, 0, 0.9)
        check_range("shift", self.shift, 0)

    def apply(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Resample the images by maps of their own."""
        count, height, width, _ = images.shape
        angle, lean, wider, size = draw.rng.uniform(-1, 1, (4, count))
        inverse = inverse_maps(
            (height, width), rotation=self.rotation * angle, shear=self.shear * lean
        )[:, :, :2].astype(np.float64)
        inverse[:, :, 1] /= ((1 + self.stretch) ** wider)[:, np.newaxis]
        forward = np.linalg.inv(inverse)

        ink = images.sum(axis=3)
        rows, columns = np.arange(height), np.arange(width)
        mass = np.maximum(ink.sum(axis=(1, 2), dtype=np.float64), 1e-6)
        center = np.stack([ink.sum(axis=2) @ rows / mass, ink.sum(axis=1) @ columns / mass], axis=1)
        # Where the ink goes, relative to the center of mass: (count, 2, height * width).
        grid = np.stack(np.meshgrid(rows, columns, indexing="ij")).reshape(2, -1)
        places = np.matmul(forward, grid) - np.matmul(forward, center[..., np.newaxis])
        is_ink = (images.max(axis=3) > _INK).reshape(count, 1, -1)
        low = np.where(is_ink, places, np.inf).min(axis=2)
        high = np.where(is_ink, places, -np.inf).max(axis=2)
        is_empty = ~np.isfinite(low).all(axis=1)
        low[is_empty], high[is_empty] = -height / 2, height / 2
        # A pixel reaches half of its size beyond its middle.
        scale = self.box * height * (1 + self.zoom * size) / ((high - low).max(axis=1) + 1)
        scale = scale[:, np.newaxis]
        target = np.array([height, width]) / 2 + draw.rng.uniform(
            -self.shift, self.shift, (count, 2)
        )
        # As in MNIST, a box does not leave the frame.
        room = np.array([height - 1, width - 1])
        target = np.minimum(np.maximum(target, -low * scale), room - high * scale)

        inverse /= scale[..., np.newaxis]
        offset = center - np.matmul(inverse, target[..., np.newaxis])[..., 0]
        m = np.concatenate([inverse, offset[..., np.newaxis]], axis=2).astype(np.float32)
        m = m[..., np.newaxis, np.newaxis]
        down = rows.astype(np.float32)[:, np.newaxis]
        right = columns.astype(np.float32)
        y = (m[:, 0, 0] * down + m[:, 0, 2]) + m[:, 0, 1] * right
        x = (m[:, 1, 0] * down + m[:, 1, 2]) + m[:, 1, 1] * right
        if self.strength:
            bending = ElasticDistortion(self.strength, self.smoothness)
            fields = bending.fields((count, height, width), draw.rng)
            y += fields[0]
            x += fields[1]
        return sample_bilinear(images, y, x, 0.0)
