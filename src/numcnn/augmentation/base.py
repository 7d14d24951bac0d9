"""What all augmentations share: the contract, and the settings that a run writes down."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numcnn.random_streams import Draw

FloatImages = NDArray[np.float32]
"""``(count, height, width, channels)``, from 0 to 255."""


@dataclass(frozen=True)
class Augmentation(ABC):
    """A random change to training images that leaves their labels true.

    Each image of a batch gets a draw of its own, and all of them are changed at once with array
    operations. A subclass is a frozen dataclass whose fields are its settings, so that `config`
    can write them down and `augmentation_from_config` can make the same again.
    """

    def __call__(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Change each image by its own draw.

        Args:
            images: float32 ``(count, height, width, channels)``, from 0 to 255. Not modified.
            draw: Where the chance comes from.

        Returns:
            float32 of the same shape, from 0 to 255.

        Raises:
            ValueError: The images are of another type or shape, or too small for the settings.
        """
        if images.dtype != np.float32 or images.ndim != 4:
            raise ValueError(
                f"images are {images.dtype} of shape {images.shape}; give float32 "
                "(count, height, width, channels)"
            )
        if len(draw.indices) != len(images):
            raise ValueError(f"draw has {len(draw.indices)} indices for {len(images)} images")
        return self.apply(images, draw)

    @abstractmethod
    def apply(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Change the images; `__call__` has checked them."""

    def views(self, images: FloatImages) -> Iterator[FloatImages]:
        """Yield the images, and then as training may have shown them: for test-time augmentation.

        There is no chance in it. The changes are half of the largest ones, each by itself.

        Args:
            images: float32 ``(count, height, width, channels)``, from 0 to 255. Not modified.

        Yields:
            float32 of the same shape: the images themselves first.
        """
        yield images

    def config(self) -> dict[str, Any]:
        """Give the settings as JSON can hold them, with the class's name as ``type``."""
        settings = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            "type": type(self).__name__,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()},
        }


def check_range(name: str, value: float, least: float, most: float = float("inf")) -> None:
    """Refuse a setting that is not a number in its range.

    Raises:
        ValueError: It is below ``least``, above ``most``, or not a number.
    """
    if not least <= value <= most or value == float("inf"):
        bound = f"at least {least}" if most == float("inf") else f"from {least} to {most}"
        raise ValueError(f"{name} is {value}; give a number {bound}")
