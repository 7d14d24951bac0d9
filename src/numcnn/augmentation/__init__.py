"""Augmentation: random changes to training images that leave their labels true.

All of them work on a whole batch at once, each image with a draw of its own.
"""

from numcnn.augmentation.affine import RandomAffine
from numcnn.augmentation.base import Augmentation
from numcnn.augmentation.compose import Compose
from numcnn.augmentation.crop import PaddedCrop
from numcnn.augmentation.cutout import Cutout
from numcnn.augmentation.elastic import ElasticDistortion
from numcnn.augmentation.exposure import Exposure
from numcnn.augmentation.flip import HorizontalFlip
from numcnn.augmentation.function import FunctionAugmentation
from numcnn.augmentation.noise import GaussianNoise
from numcnn.augmentation.pen import Pen
from numcnn.augmentation.reframe import Reframe
from numcnn.augmentation.registry import augmentation_from_config

__all__ = [
    "Augmentation",
    "Compose",
    "Cutout",
    "ElasticDistortion",
    "Exposure",
    "FunctionAugmentation",
    "GaussianNoise",
    "HorizontalFlip",
    "PaddedCrop",
    "Pen",
    "RandomAffine",
    "Reframe",
    "augmentation_from_config",
]
