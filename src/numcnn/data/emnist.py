"""EMNIST: handwritten letters and digits of NIST Special Database 19, framed as MNIST's, 28 x 28.

Three of its sets are known: ``emnist-letters``, ``emnist-balanced`` and ``emnist-digits``. One
archive holds them all, as IDX files whose images are transposed: rows are columns. The loaders turn
them upright.

The training images are sorted by label and then by pixels. Copies of the data set exist that hold
the official images in another order, and whatever a seed picks by position, as a split does, is the
same in all of them after sorting.

G. Cohen, S. Afshar, J. Tapson and A. van Schaik, "EMNIST: an extension of MNIST to handwritten
letters", 2017, https://arxiv.org/abs/1702.05373.
"""

import os
import string
import warnings
from pathlib import Path

import numpy as np

from numcnn.data.dataset import DIGITS, Dataset, DataWarning, Images, Labels, Splits, check_counts
from numcnn.data.download import ProgressBar
from numcnn.data.download_sources import (
    EMNIST_BALANCED,
    EMNIST_DIGITS,
    EMNIST_LETTERS,
    Source,
    emnist_files,
)
from numcnn.data.idx import read_idx_images, read_idx_labels
from numcnn.data.locate import locate

LETTERS = tuple(string.ascii_uppercase)
"""The classes of EMNIST letters. Each is a letter's two cases together."""

BALANCED_CLASSES = (*DIGITS, *LETTERS, *"abdefghnqrt")
"""The classes of EMNIST balanced: small letters only where they differ from the capitals."""

_HELD_OUT = ", held out of the training part"

_HELD_OUT_EVERY = 6
"""One training image of so many is held out: as many letters as the official test part has."""


def load_emnist_letters(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    progressbar: bool | ProgressBar = False,
) -> Splits:
    """Load EMNIST letters: 124,800 training and 20,800 test images of 26 letters.

    Capital and small letters are one class.

    Args:
        data_dir: The folder with the IDX files, or with a folder ``emnist-letters`` or ``emnist``
            that has them. Without it, ``NUMCNN_DATA`` and the cache are searched.
        download: Whether to download the archive (562 MB, all three sets) if files are not found.
        progressbar: For the download, as `numcnn.data.download.download` takes it.

    Returns:
        Images uint8 ``(count, 28, 28, 1)``, upright, bright ink on black; labels 0 to 25, named in
        `LETTERS`. If the files of the official test part are missing, which a `DataWarning` says,
        the test part is `held_out` of the training part, and named so.

    Raises:
        DataNotFoundError: The files are not there and cannot be downloaded.
        ValueError: A file is damaged or holds something else; the message names the file.
        OSError: A file cannot be read.
    """
    return _load(EMNIST_LETTERS, LETTERS, data_dir, download, progressbar)


def load_emnist_balanced(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    progressbar: bool | ProgressBar = False,
) -> Splits:
    """Load EMNIST balanced: 112,800 training and 18,800 test images of digits and letters.

    Arguments, returned value and errors are those of `load_emnist_letters`, with the 47 classes
    of `BALANCED_CLASSES`.
    """
    return _load(EMNIST_BALANCED, BALANCED_CLASSES, data_dir, download, progressbar)


def load_emnist_digits(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    progressbar: bool | ProgressBar = False,
) -> Splits:
    """Load EMNIST digits: 240,000 training and 40,000 test images of ten digits.

    MNIST was made from the same forms, so this is no independent test of a network that learned
    from MNIST. Arguments, returned value and errors are those of `load_emnist_letters`.
    """
    return _load(EMNIST_DIGITS, DIGITS, data_dir, download, progressbar)


def held_out(training: Dataset) -> tuple[Dataset, Dataset]:
    """Divide a training part in the same way for everybody: the part to learn from, the rest.

    Every sixth image is held out, of each class alike. No seed is involved.

    Args:
        training: A training part of EMNIST as the loaders give it, sorted.

    Returns:
        Five sixths, and the held-out sixth, which says in its name what it is.
    """
    chosen = np.arange(len(training)) % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1
    rest = training.subset(np.flatnonzero(~chosen))
    held = training.subset(np.flatnonzero(chosen))
    name = training.name + _HELD_OUT
    return rest, Dataset(held.images, held.labels, held.classes, name)


def is_held_out(part: Dataset) -> bool:
    """Whether a test part is no official one, but `held_out` of the training part."""
    return part.name.endswith(_HELD_OUT)


def _load(
    source: Source,
    classes: tuple[str, ...],
    data_dir: str | os.PathLike[str] | None,
    download: bool,
    progressbar: bool | ProgressBar,
) -> Splits:
    files = locate(source, data_dir, allow_download=download, progressbar=progressbar)
    train_images, train_labels, test_images, test_labels = emnist_files(source.name)
    training = _read_part(files[train_images], files[train_labels], classes, source.name)
    if test_images in files and test_labels in files:
        test = _read_part(files[test_images], files[test_labels], classes, source.name)
        return Splits(training, test)
    warnings.warn(
        f"{files[train_images].parent} has no {test_images} and {test_labels}, so a fixed sixth "
        f"of the training part of {source.name} stands for the test part, and is not learned from",
        DataWarning,
        stacklevel=3,
    )
    return Splits(*held_out(training))


def _read_part(
    images_path: Path, labels_path: Path, classes: tuple[str, ...], name: str
) -> Dataset:
    # The labels of the letters begin at 1, those of the other sets at 0.
    first = 1 if classes is LETTERS else 0
    labels = read_idx_labels(labels_path, first + len(classes)) - first
    if labels.min() < 0:
        raise ValueError(
            f"{labels_path}: label 0 of image {labels.argmin()} is out of range; the labels of "
            f"{name} go from 1 to {len(classes)}"
        )
    images = read_idx_images(images_path)
    check_counts(len(images), len(labels), f"{images_path} and {labels_path.name}")
    order = _canonical_order(images, labels)
    upright = np.ascontiguousarray(images[order].swapaxes(1, 2))
    return Dataset(upright, labels[order], classes, name)


def _canonical_order(images: Images, labels: Labels) -> Labels:
    """Sort by label and then by the pixels as the file has them.

    Args:
        images: uint8 ``(count, height, width, 1)``.
        labels: int64 ``(count,)``, 0 to 255.

    Returns:
        The positions of the images in sorted order, int64 ``(count,)``.
    """
    rows = np.concatenate(
        [labels.astype(np.uint8)[:, np.newaxis], images.reshape(len(images), -1)], axis=1
    )
    # Byte strings compare as bytes do. They ignore zeros at the end, which rows of one length may.
    return rows.view(f"S{rows.shape[1]}")[:, 0].argsort(kind="stable")
