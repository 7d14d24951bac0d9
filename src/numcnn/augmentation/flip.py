"""Mirror images: for things that look as likely from the other side, so not for digits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from numcnn.augmentation.base import Augmentation, FloatImages
from numcnn.random_streams import Draw


@final
@dataclass(frozen=True)
class HorizontalFlip(Augmentation):
    """Show an image or its mirror image.

    ``"random"`` tosses a coin for each image in each epoch. Then half of the images are shown the
    same way round in two epochs that follow each other. ``"alternating"`` avoids this: the coin is
    tossed once, by a hash of the seed and the image's place in the data set, and from then on the
    image turns over every epoch, so that two epochs show all there is (K. Jordan, "94% on CIFAR-10
    in 3.29 seconds on a single GPU", 2024, section 3.6).

    Attributes:
        mode: ``"random"`` or ``"alternating"``.

    Raises:
        ValueError: ``mode`` is something else.
    """

    mode: Literal["random", "alternating"] = "random"

    def __post_init__(self) -> None:
        if self.mode not in ("random", "alternating"):
            raise ValueError(f'mode is {self.mode!r}; give "random" or "alternating"')

    def apply(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Mirror some of the images."""
        if self.mode == "random":
            flipped = draw.rng.random(len(images)) < 0.5
        else:
            flipped = (_coin(draw.indices, draw.seed) + draw.epoch) % 2 == 1
        return np.where(flipped[:, np.newaxis, np.newaxis, np.newaxis], images[:, :, ::-1], images)

    def views(self, images: FloatImages) -> Iterator[FloatImages]:
        """The images, and mirrored."""
        yield images
        yield images[:, :, ::-1]


def _coin(indices: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Give each index a 0 or 1 that looks random and depends on it and the seed alone.

    The mixing steps are those of SplitMix64 (G. L. Steele, D. Lea and C. H. Flood, "Fast splittable
    pseudorandom number generators", 2014).
    """
    salt = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    bits = indices.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + salt
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return (bits & np.uint64(1)).astype(np.int64)
