"""Several augmentations as one."""

from dataclasses import dataclass
from typing import Any, final

from numcnn.data.augmentation.base import Augmentation, Draw, FloatImages


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

    def config(self) -> dict[str, Any]:
        """Give the settings of all steps as JSON can hold them."""
        return {"type": type(self).__name__, "steps": [step.config() for step in self.steps]}
