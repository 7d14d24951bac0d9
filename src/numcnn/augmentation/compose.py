"""Several augmentations as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

from numcnn.augmentation.base import Augmentation, FloatImages
from numcnn.random_streams import Draw


@final
@dataclass(frozen=True)
class Compose(Augmentation):
    """Apply augmentations one after another.

    Attributes:
        steps: The augmentations, the first one first. None of them changes nothing.

    Raises:
        ValueError: A step is not an augmentation.
    """

    steps: tuple[Augmentation, ...]

    def __post_init__(self) -> None:
        for step in self.steps:
            if not isinstance(step, Augmentation):
                raise ValueError(f"steps hold {step!r}; give augmentations")

    def apply(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Apply the steps in order."""
        for step in self.steps:
            images = step(images, draw)
        return images

    def views(self, images: FloatImages) -> Iterator[FloatImages]:
        """Each view of the first step, in each view of the next, and so on."""
        yield from _views(self.steps, images)

    def config(self) -> dict[str, Any]:
        """Give the settings of all steps as JSON can hold them."""
        return {"type": type(self).__name__, "steps": [step.config() for step in self.steps]}


def _views(steps: tuple[Augmentation, ...], images: FloatImages) -> Iterator[FloatImages]:
    if not steps:
        yield images
        return
    for view in steps[0].views(images):
        yield from _views(steps[1:], view)
