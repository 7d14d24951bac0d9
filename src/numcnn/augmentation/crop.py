"""Padded crop: a shift by whole pixels, which blurs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from numcnn.augmentation.base import Augmentation, FloatImages
from numcnn.random_streams import Draw


@final
@dataclass(frozen=True)
class PaddedCrop(Augmentation):
    """Put a border around each image and cut out a part of the old size at random.

    The usual augmentation for CIFAR-10 since K. He, X. Zhang, S. Ren and J. Sun, "Deep residual
    learning for image recognition", 2015, section 4.2, with a padding of 4.

    Attributes:
        padding: The border's width in pixels, which is the largest shift along each axis.
        mode: What the border shows: ``"reflect"`` for the image mirrored at its outermost pixels,
            ``"constant"`` for black.

    Raises:
        ValueError: A setting is out of range; or, in a call, the images are too small to be
            mirrored.
    """

    padding: int
    mode: Literal["reflect", "constant"] = "reflect"

    def __post_init__(self) -> None:
        if self.padding < 0:
            raise ValueError(f"padding is {self.padding}; give at least 0")
        if self.mode not in ("reflect", "constant"):
            raise ValueError(f'mode is {self.mode!r}; give "reflect" or "constant"')

    def apply(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Cut a part out of each bordered image."""
        count, height, width, _ = images.shape
        bordered = self._bordered(images)
        down, right = draw.rng.integers(0, 2 * self.padding, (2, count), endpoint=True)
        # All parts that could be cut out, as views; the index then copies one of each image.
        parts = np.lib.stride_tricks.sliding_window_view(bordered, (height, width), axis=(1, 2))
        chosen = parts[np.arange(count), down, right]
        return np.ascontiguousarray(np.moveaxis(chosen, 1, 3))

    def views(self, images: FloatImages) -> Iterator[FloatImages]:
        """The images, and shifted up, down, left and right."""
        yield images
        half = self.padding // 2
        if not half:
            return
        height, width = images.shape[1:3]
        bordered = self._bordered(images)
        for down, right in ((half, 0), (-half, 0), (0, half), (0, -half)):
            rows = slice(self.padding + down, self.padding + down + height)
            columns = slice(self.padding + right, self.padding + right + width)
            yield bordered[:, rows, columns]

    def _bordered(self, images: FloatImages) -> FloatImages:
        height, width = images.shape[1:3]
        if self.mode == "reflect" and self.padding >= min(height, width):
            raise ValueError(
                f"padding is {self.padding}, but images of {height} x {width} can be mirrored "
                f"by {min(height, width) - 1} pixels at most"
            )
        border = (self.padding, self.padding)
        return np.pad(images, ((0, 0), border, border, (0, 0)), mode=self.mode)
