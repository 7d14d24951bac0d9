"""Random blur, contrast and noise, as different cameras and pens give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.augmentation.base import Augmentation, FloatImages, check_range
from numcnn.random_streams import Draw


@final
@dataclass(frozen=True)
class Exposure(Augmentation):
    """Blur or sharpen light strokes on a dark ground, make them paler, and let them be uneven.

    Attributes:
        blur: How much of each pixel may come from its neighborhood (a binomial filter of 3 x 3),
            from 0 to 1.
        contrast: By which factor the distance from middle gray may grow: edges become harder.
        paler: How much of its light the ink may lose, from 0 to 1.
        noise: The largest standard deviation of the noise, in gray levels: half of it everywhere,
            all of it in the ink.

    Raises:
        ValueError: A setting is out of range.
    """

    blur: float = 0.0
    contrast: float = 1.0
    paler: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        check_range("blur", self.blur, 0, 1)
        check_range("contrast", self.contrast, 1)
        check_range("paler", self.paler, 0, 1)
        check_range("noise", self.noise, 0)

    def apply(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Change each image by settings of its own."""
        count = len(images)
        blur, gain, light, noise = (
            share.astype(np.float32)[:, np.newaxis, np.newaxis, np.newaxis]
            for share in draw.rng.random((4, count))
        )
        margin = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
        across = margin[:, :, :-2] + 2 * margin[:, :, 1:-1] + margin[:, :, 2:]
        soft = (across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]) / 16
        # Mostly a little, sometimes a lot.
        changed = images + self.blur * blur * blur * (soft - images)
        changed -= 127.5
        changed *= 1 + (self.contrast - 1) * gain
        changed += 127.5
        np.clip(changed, 0, 255, out=changed)
        changed *= 1 - self.paler * light
        grain = draw.rng.standard_normal(images.shape, dtype=np.float32)
        changed += self.noise * noise * grain * (0.5 + changed / 510)
        return np.clip(changed, 0, 255, out=changed)
