"""MNIST's handwritten digits and Fashion-MNIST's clothes: 70,000 gray images each, 28 x 28.

Both come as the same four IDX files. Downloads are held against the publishers' checksums. Files
that users bring are not: the format is widely used for people's own data, and such files are
accepted when they are sound, whatever the size of their images.
"""

import os
from pathlib import Path

from numcnn.data.dataset import DIGITS, Dataset, Splits, check_counts
from numcnn.data.download import ProgressBar
from numcnn.data.download_sources import FASHION_MNIST, IDX_FILES, MNIST, Source
from numcnn.data.idx import read_idx_images, read_idx_labels
from numcnn.data.locate import locate

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load_mnist(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    progressbar: bool | ProgressBar = False,
) -> Splits:
    """Load MNIST: 60,000 training and 10,000 test images of handwritten digits.

    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
    recognition", 1998.

    Args:
        data_dir: The folder with the four IDX files, or with a folder ``mnist`` that has them.
            Without it, ``NUMCNN_DATA`` and the cache are searched.
        download: Whether to download the files if they are not found.
        progressbar: For the download, as `numcnn.data.download.download` takes it.

    Returns:
        Images uint8 ``(count, 28, 28, 1)``, bright ink on black; labels 0 to 9.

    Raises:
        DataNotFoundError: The files are not there and cannot be downloaded.
        ValueError: A file is damaged or holds something else; the message names the file.
        OSError: A file cannot be read.
    """
    return _load(MNIST, DIGITS, data_dir, download, progressbar)


def load_fashion_mnist(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    progressbar: bool | ProgressBar = False,
) -> Splits:
    """Load Fashion-MNIST: 60,000 training and 10,000 test images of clothes, shoes and bags.

    H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
    machine learning algorithms", 2017.

    Args:
        data_dir: The folder with the four IDX files, or with a folder ``fashion-mnist`` that has
            them. Without it, ``NUMCNN_DATA`` and the cache are searched.
        download: Whether to download the files if they are not found.
        progressbar: For the download, as `numcnn.data.download.download` takes it.

    Returns:
        Images uint8 ``(count, 28, 28, 1)``; labels 0 to 9, named in `FASHION_CLASSES`.

    Raises:
        DataNotFoundError: The files are not there and cannot be downloaded.
        ValueError: A file is damaged or holds something else; the message names the file.
        OSError: A file cannot be read.
    """
    return _load(FASHION_MNIST, FASHION_CLASSES, data_dir, download, progressbar)


def _load(
    source: Source,
    classes: tuple[str, ...],
    data_dir: str | os.PathLike[str] | None,
    download: bool,
    progressbar: bool | ProgressBar,
) -> Splits:
    files = locate(source, data_dir, allow_download=download, progressbar=progressbar)
    train_images, train_labels, test_images, test_labels = (files[name] for name in IDX_FILES)
    return Splits(
        _read_part(train_images, train_labels, classes, source.name),
        _read_part(test_images, test_labels, classes, source.name),
    )


def _read_part(
    images_path: Path, labels_path: Path, classes: tuple[str, ...], name: str
) -> Dataset:
    labels = read_idx_labels(labels_path, len(classes))
    images = read_idx_images(images_path)
    check_counts(len(images), len(labels), f"{images_path} and {labels_path.name}")
    return Dataset(images, labels, classes, name)
