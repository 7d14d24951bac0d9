"""Data sets as arrays: finding and reading them, splitting and batching them.

`load` gets a data set by its name, or one's own from a CSV table or a folder of images.
"""

from typing import NoReturn

from numcnn.data.batches import Batch, Batches
from numcnn.data.catalog import Description, describe, fetch, is_local, load, names
from numcnn.data.cifar10 import CIFAR10_CLASSES, load_cifar10, read_cifar10_batch
from numcnn.data.csv_table import read_csv, write_submission
from numcnn.data.dataset import Dataset, DataWarning, Splits
from numcnn.data.digits import load_digits
from numcnn.data.download import DownloadError
from numcnn.data.emnist import (
    BALANCED_CLASSES,
    LETTERS,
    held_out,
    load_emnist_balanced,
    load_emnist_digits,
    load_emnist_letters,
)
from numcnn.data.examples import Examples, Source
from numcnn.data.folder import read_folder, read_image
from numcnn.data.idx import read_idx, read_idx_images, read_idx_labels, write_idx
from numcnn.data.locate import DataNotFoundError
from numcnn.data.mnist import FASHION_CLASSES, load_fashion_mnist, load_mnist
from numcnn.data.split import split_validation
from numcnn.data.streams import Stream

__all__ = [
    "BALANCED_CLASSES",
    "CIFAR10_CLASSES",
    "FASHION_CLASSES",
    "LETTERS",
    "Batch",
    "Batches",
    "DataNotFoundError",
    "DataWarning",
    "Dataset",
    "Description",
    "DownloadError",
    "Examples",
    "Source",
    "Splits",
    "Stream",
    "describe",
    "fetch",
    "held_out",
    "is_local",
    "load",
    "load_cifar10",
    "load_digits",
    "load_emnist_balanced",
    "load_emnist_digits",
    "load_emnist_letters",
    "load_fashion_mnist",
    "load_mnist",
    "names",
    "read_cifar10_batch",
    "read_csv",
    "read_folder",
    "read_idx",
    "read_idx_images",
    "read_idx_labels",
    "read_image",
    "split_validation",
    "write_idx",
    "write_submission",
]

_AUGMENTATIONS = frozenset(
    {
        *("Augmentation", "Compose", "Cutout", "ElasticDistortion", "GaussianNoise"),
        *("HorizontalFlip", "PaddedCrop", "RandomAffine"),
    }
)


def __getattr__(name: str) -> NoReturn:
    remedy = f"; it is numcnn.augmentation.{name}" if name in _AUGMENTATIONS else ""
    raise AttributeError(f"numcnn.data has no attribute {name!r}{remedy}")
