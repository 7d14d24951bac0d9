"""Augmentations made again from the settings in a run's files."""

from __future__ import annotations

from typing import Any

from numcnn.augmentation.affine import RandomAffine
from numcnn.augmentation.base import Augmentation
from numcnn.augmentation.compose import Compose
from numcnn.augmentation.crop import PaddedCrop
from numcnn.augmentation.cutout import Cutout
from numcnn.augmentation.elastic import ElasticDistortion
from numcnn.augmentation.exposure import Exposure
from numcnn.augmentation.flip import HorizontalFlip
from numcnn.augmentation.noise import GaussianNoise
from numcnn.augmentation.pen import Pen
from numcnn.augmentation.reframe import Reframe

# Named one by one: a settings file must not be able to name any other class.
_TYPES: dict[str, type[Augmentation]] = {
    kind.__name__: kind
    for kind in (
        Compose,
        Cutout,
        ElasticDistortion,
        Exposure,
        GaussianNoise,
        HorizontalFlip,
        PaddedCrop,
        Pen,
        RandomAffine,
        Reframe,
    )
}


def augmentation_from_config(config: dict[str, Any]) -> Augmentation:
    """Make an augmentation from what its `Augmentation.config` gave.

    Args:
        config: The class's name as ``type``, and its settings.

    Raises:
        ValueError: The type is unknown, or a setting is unknown, missing or out of range.
    """
    if not isinstance(config, dict):
        raise ValueError(f"config is {config!r}; give an object with a type and settings")
    kind = config.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ValueError(f"augmentation type is {kind!r}; there are {', '.join(sorted(_TYPES))}")
    settings = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in config.items()
        if name != "type"
    }
    if kind == Compose.__name__ and isinstance(settings.get("steps"), tuple):
        settings["steps"] = tuple(augmentation_from_config(step) for step in settings["steps"])
    try:
        return _TYPES[kind](**settings)
    except TypeError as error:
        raise ValueError(f"settings of {kind} do not fit: {error}") from error
