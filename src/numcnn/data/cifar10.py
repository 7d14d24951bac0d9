"""CIFAR-10: 60,000 color photographs of ten things, 32 x 32, in its binary version.

The other version of the data set is a Python pickle, which can run any code when it is loaded;
numcnn does not read it. In the binary version a record is one byte for the label and 3,072 for the
pixels: the red, the green and the blue plane, row by row.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from numcnn.data.dataset import Dataset, Images, Labels, Splits, check_label_range
from numcnn.data.download import ProgressBar
from numcnn.data.download_sources import (
    CIFAR10,
    CIFAR10_CLASSES_FILE,
    CIFAR10_TEST_FILE,
    CIFAR10_TRAIN_FILES,
)
from numcnn.data.locate import locate

CIFAR10_CLASSES: tuple[str, ...] = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_SIZE = 32
_RECORD = 1 + 3 * _SIZE * _SIZE


def load_cifar10(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    progressbar: bool | ProgressBar = False,
) -> Splits:
    """Load CIFAR-10: 50,000 training and 10,000 test images.

    A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Args:
        data_dir: The folder with the six ``.bin`` files, or with a folder ``cifar10`` or
            ``cifar-10-batches-bin`` that has them. Without it, ``NUMCNN_DATA`` and the cache are
            searched.
        download: Whether to download the files (170 MB) if they are not found.
        progressbar: For the download, as `numcnn.data.download.download` takes it.

    Returns:
        Images uint8 ``(count, 32, 32, 3)``, red, green, blue; labels 0 to 9. The class names come
        from ``batches.meta.txt`` where it is there.

    Raises:
        DataNotFoundError: The files are not there and cannot be downloaded.
        ValueError: A file is damaged or holds something else; the message names the file.
        OSError: A file cannot be read.
    """
    files = locate(CIFAR10, data_dir, allow_download=download, progressbar=progressbar)
    classes = CIFAR10_CLASSES
    if CIFAR10_CLASSES_FILE in files:
        classes = _read_classes(files[CIFAR10_CLASSES_FILE])
    batches = [read_cifar10_batch(files[name]) for name in CIFAR10_TRAIN_FILES]
    test_images, test_labels = read_cifar10_batch(files[CIFAR10_TEST_FILE])
    return Splits(
        Dataset(
            np.concatenate([images for images, _ in batches]),
            np.concatenate([labels for _, labels in batches]),
            classes,
            CIFAR10.name,
        ),
        Dataset(test_images, test_labels, classes, CIFAR10.name),
    )


def read_cifar10_batch(path: str | os.PathLike[str]) -> tuple[Images, Labels]:
    """Read one file of CIFAR-10's binary version.

    Returns:
        Images, uint8 ``(count, 32, 32, 3)``, and labels, int64 ``(count,)``.

    Raises:
        ValueError: The file is empty, ends in the middle of a record, or has a label above 9.
        OSError: It cannot be opened or read.
    """
    content = np.fromfile(path, np.uint8)
    if content.size == 0 or content.size % _RECORD != 0:
        raise ValueError(
            f"{os.fspath(path)}: {content.size:,} bytes are not a whole number of records of "
            f"{_RECORD:,} bytes; it is truncated or not CIFAR-10's binary version"
        )
    records = content.reshape(-1, _RECORD)
    check_label_range(records[:, 0], len(CIFAR10_CLASSES), os.fspath(path))
    planes = records[:, 1:].reshape(-1, 3, _SIZE, _SIZE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0].astype(np.int64)


def _read_classes(path: Path) -> tuple[str, ...]:
    try:
        classes = tuple(path.read_text(encoding="utf-8").split())
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a text file; remove it or get it again") from error
    if len(classes) != len(CIFAR10_CLASSES) or len(set(classes)) != len(classes):
        raise ValueError(
            f"{path}: {len(set(classes))} different class names; CIFAR-10 has "
            f"{len(CIFAR10_CLASSES)}; remove the file or get it again"
        )
    return classes
