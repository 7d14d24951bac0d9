"""Augmentation: training images a little different each time, to learn what matters in them.

All of them work on a whole batch at once, each image with a draw of its own.
"""

from numcnn.data.augmentation.affine import RandomAffine
from numcnn.data.augmentation.base import Augmentation, Draw
from numcnn.data.augmentation.compose import Compose
from numcnn.data.augmentation.crop import PaddedCrop
from numcnn.data.augmentation.cutout import Cutout
from numcnn.data.augmentation.elastic import ElasticDistortion
from numcnn.data.augmentation.exposure import Exposure
from numcnn.data.augmentation.flip import HorizontalFlip
from numcnn.data.augmentation.noise import GaussianNoise
from numcnn.data.augmentation.pen import Pen
from numcnn.data.augmentation.reframe import Reframe
from numcnn.data.augmentation.registry import augmentation_from_config

__all__ = [
    "Augmentation",
    "Compose",
    "Cutout",
    "Draw",
    "ElasticDistortion",
    "Exposure",
    "GaussianNoise",
    "HorizontalFlip",
    "PaddedCrop",
    "Pen",
    "RandomAffine",
    "Reframe",
    "augmentation_from_config",
]
