"""What surrounds the passes of an exact training: weights, augmentation, the learning rate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.augmentation import (
    Compose,
    Cutout,
    Exposure,
    GaussianNoise,
    HorizontalFlip,
    PaddedCrop,
    RandomAffine,
)
from numcnn.data.batches import Augment
from numcnn.exact.generator import ExactGenerator
from numcnn.nn import (
    Constant,
    Cosine,
    ExponentialDecay,
    OneCycle,
    Optimizer,
    Schedule,
    StepDecay,
    WarmUp,
)
from numcnn.random_streams import Draw

_AUGMENTATIONS = (Cutout, Exposure, GaussianNoise, HorizontalFlip, PaddedCrop, RandomAffine)
_SCHEDULES = (Constant, Cosine, ExponentialDecay, OneCycle, StepDecay)


def exact_generator(seed: int) -> ExactGenerator:
    """The generator of a seed whose normal numbers are the same everywhere, for `build`."""
    return ExactGenerator(np.random.PCG64(seed))


def require_exact_schedule(optimizer: Optimizer) -> None:
    """Refuse a learning rate that may be another one elsewhere.

    Raises:
        ValueError: The schedule is a function or a class of one's own.
    """
    schedule: Schedule = optimizer.schedule
    while isinstance(schedule, WarmUp):
        schedule = schedule.schedule
    if type(schedule) not in _SCHEDULES:
        raise ValueError(
            f'learning_rate is {schedule!r}, and engine="exact" does not know how that rounds; '
            f"give a number or one of {', '.join(kind.__name__ for kind in _SCHEDULES)}, WarmUp"
        )


@final
@dataclass(frozen=True, eq=False)
class ExactAugmentation:
    """An augmentation whose chance is an `ExactGenerator`.

    What it computes are sums and products of single pixels, in a fixed order; angles go through
    `numcnn.exact.functions`.

    Attributes:
        augmentation: What is done.

    Raises:
        ValueError: It is not among those of which that is known.
    """

    augmentation: Augment

    def __post_init__(self) -> None:
        _require_exact(self.augmentation)

    def __call__(self, images: NDArray[np.float32], draw: Draw) -> NDArray[np.float32]:
        """Change images; see `numcnn.augmentation.Augmentation`."""
        exactly = replace(draw, rng=ExactGenerator(draw.rng.bit_generator))
        return np.asarray(self.augmentation(images, exactly), np.float32)

    def config(self) -> dict[str, Any]:
        """The augmentation's."""
        return self.augmentation.config()


def _require_exact(augmentation: Augment) -> None:
    if isinstance(augmentation, Compose):
        for step in augmentation.steps:
            _require_exact(step)
    elif type(augmentation) not in _AUGMENTATIONS:
        raise ValueError(
            f"augmentation is {type(augmentation).__name__}, which computes with SciPy, with sums "
            'or with functions of its own, so engine="exact" cannot promise its bits; give one of '
            f"{', '.join(kind.__name__ for kind in _AUGMENTATIONS)}, or none"
        )
