"""The catalog: the data sets that have a name, and how each is loaded."""

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from numcnn.data.cifar10 import CIFAR10_CLASSES, load_cifar10
from numcnn.data.csv_table import SUFFIXES as TABLE_SUFFIXES
from numcnn.data.csv_table import read_csv
from numcnn.data.dataset import DIGITS, Splits
from numcnn.data.digits import load_digits
from numcnn.data.download import DownloadError, ProgressBar, cache_folder, download
from numcnn.data.download_sources import (
    CIFAR10,
    EMNIST_BALANCED,
    EMNIST_DIGITS,
    EMNIST_LETTERS,
    FASHION_MNIST,
    MNIST,
    Source,
)
from numcnn.data.emnist import (
    BALANCED_CLASSES,
    LETTERS,
    load_emnist_balanced,
    load_emnist_digits,
    load_emnist_letters,
)
from numcnn.data.folder import Color, read_folder
from numcnn.data.locate import expanded, find, is_available
from numcnn.data.mnist import FASHION_CLASSES, load_fashion_mnist, load_mnist


@final
@dataclass(frozen=True)
class Description:
    """What a reader of a list of data sets wants to know of each.

    Attributes:
        name: The name to load it by.
        content: What the images show.
        train_images: How many images the training part has.
        test_images: How many images the test part has.
        image_shape: ``(height, width, channels)``.
        classes: The class names.
        download_bytes: How much has to be downloaded; 0 if nothing.
        license: Under what terms it may be used.
        homepage: Where it is described.
    """

    name: str
    content: str
    train_images: int
    test_images: int
    image_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    download_bytes: int
    license: str
    homepage: str


@final
@dataclass(frozen=True)
class _Entry:
    description: Description
    source: Source | None
    load: Callable[..., Splits]


_EMNIST_BYTES = 561_753_746
_EMNIST_LICENSE = "none stated; NIST asks for a citation of Cohen et al. 2017"
_EMNIST_HOMEPAGE = "https://www.nist.gov/itl/products-and-services/emnist-dataset"

_ENTRIES = (
    _Entry(
        Description(
            "digits",
            "handwritten digits, small (included)",
            1438,
            359,
            (8, 8, 1),
            DIGITS,
            0,
            "CC BY 4.0",
            "https://archive.ics.uci.edu/dataset/80",
        ),
        None,
        load_digits,
    ),
    _Entry(
        Description(
            "mnist",
            "handwritten digits",
            60_000,
            10_000,
            (28, 28, 1),
            DIGITS,
            11_594_722,
            "CC BY-SA 3.0",
            "http://yann.lecun.com/exdb/mnist/",
        ),
        MNIST,
        load_mnist,
    ),
    _Entry(
        Description(
            "fashion-mnist",
            "clothes, shoes and bags",
            60_000,
            10_000,
            (28, 28, 1),
            FASHION_CLASSES,
            30_878_645,
            "MIT",
            "https://github.com/zalandoresearch/fashion-mnist",
        ),
        FASHION_MNIST,
        load_fashion_mnist,
    ),
    _Entry(
        Description(
            "cifar10",
            "photographs of animals and vehicles",
            50_000,
            10_000,
            (32, 32, 3),
            CIFAR10_CLASSES,
            170_052_171,
            "none stated; cite Krizhevsky 2009",
            "https://www.cs.toronto.edu/~kriz/cifar.html",
        ),
        CIFAR10,
        load_cifar10,
    ),
    _Entry(
        Description(
            "emnist-letters",
            "handwritten letters, both cases of each in one class",
            124_800,
            20_800,
            (28, 28, 1),
            LETTERS,
            _EMNIST_BYTES,
            _EMNIST_LICENSE,
            _EMNIST_HOMEPAGE,
        ),
        EMNIST_LETTERS,
        load_emnist_letters,
    ),
    _Entry(
        Description(
            "emnist-balanced",
            "handwritten digits and letters",
            112_800,
            18_800,
            (28, 28, 1),
            BALANCED_CLASSES,
            _EMNIST_BYTES,
            _EMNIST_LICENSE,
            _EMNIST_HOMEPAGE,
        ),
        EMNIST_BALANCED,
        load_emnist_balanced,
    ),
    _Entry(
        Description(
            "emnist-digits",
            "handwritten digits, more of them, MNIST's among them",
            240_000,
            40_000,
            (28, 28, 1),
            DIGITS,
            _EMNIST_BYTES,
            _EMNIST_LICENSE,
            _EMNIST_HOMEPAGE,
        ),
        EMNIST_DIGITS,
        load_emnist_digits,
    ),
)


def names() -> tuple[str, ...]:
    """List the names of the data sets, the default one first."""
    return tuple(entry.description.name for entry in _ENTRIES)


def describe(name: str) -> Description:
    """Describe a data set without loading it.

    Raises:
        ValueError: There is no data set of this name.
    """
    return _entry(name).description


def is_local(name: str, data_dir: str | os.PathLike[str] | None = None) -> bool:
    """Tell whether a data set can be loaded without a download.

    Args:
        name: One of `names`.
        data_dir: As for `load`.

    Raises:
        ValueError: There is no data set of this name.
    """
    source = _entry(name).source
    return source is None or is_available(source, data_dir)


def load(
    name: str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    progressbar: bool | ProgressBar = False,
    size: tuple[int, int] | None = None,
    color: Color = "auto",
) -> Splits:
    """Load a data set by its name, or one's own from a CSV table or a folder of images.

    Args:
        name: One of `names`; or the path of a table such as ``.csv`` or ``.csv.gz`` (see
            `numcnn.data.csv_table.read_csv`) or of a folder (see
            `numcnn.data.folder.read_folder`). A folder that is called like a data set needs a
            path: ``./mnist``.
        data_dir: For a data set with files: the only folder to look for them in. Without it,
            ``NUMCNN_DATA`` and the cache are searched.
        download: Whether to download files that are not found.
        progressbar: For the download, as `numcnn.data.download.download` takes it.
        size: For a folder of images: ``(height, width)`` to resize them to.
        color: For a folder of images: ``"auto"``, ``"gray"`` or ``"rgb"``.

    Raises:
        DataNotFoundError: The files are not there and cannot be downloaded.
        FileNotFoundError: There is no such file or folder.
        ValueError: There is no data set of this name, or a file is damaged.
        OSError: A file cannot be read.
        ImportError: A library that this data set needs is not installed.
    """
    if isinstance(name, str) and (entry := _find(name)):
        if entry.source is None:
            return entry.load()
        return entry.load(data_dir, download=download, progressbar=progressbar)
    path = expanded(name)
    if path.is_dir():
        return read_folder(path, size=size, color=color)
    # What a file holds, and how it is packed, its content tells.
    if path.exists() or path.name.lower().endswith(TABLE_SUFFIXES):
        return Splits(read_csv(path))
    if path.name != str(name):
        raise FileNotFoundError(f"{path}: no such file or folder")
    raise _unknown(str(name))


def fetch(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    progressbar: bool | ProgressBar = False,
) -> Path | None:
    """Download a data set's files, unless the folder has them already.

    Args:
        name: One of `names`.
        data_dir: The folder to put them in, in a folder of the data set's name (``emnist`` for all
            of EMNIST's sets, which come together); the cache, where it is left out.
        progressbar: As `numcnn.data.download.download` takes it.

    Returns:
        The folder that they are in, or None if the data set has no files of its own.

    Raises:
        ValueError: There is no data set of this name.
        DownloadError: No mirror of a file worked.
        OSError: The folder cannot be written.
        ImportError: pooch is not installed.
    """
    source = _entry(name).source
    if source is None:
        return None
    root = cache_folder() if data_dir is None else expanded(data_dir)
    if (files := find(source, root)) is not None:
        return files[source.files[0]].parent
    try:
        download(source, root / source.folder, progressbar=progressbar)
    except DownloadError as error:
        raise DownloadError(
            f"{error}; check the network and try again, or get {', '.join(source.files)} "
            "in another way and put them into a folder that --data-dir names"
        ) from error
    return root / source.folder


def _entry(name: str) -> _Entry:
    if entry := _find(name):
        return entry
    raise _unknown(name)


def _find(name: str) -> _Entry | None:
    for entry in _ENTRIES:
        aliases = entry.source.aliases if entry.source else ()
        if name.lower() in (entry.description.name, *aliases):
            return entry
    return None


def _unknown(name: str) -> ValueError:
    close = difflib.get_close_matches(name.lower(), names(), n=1)
    return ValueError(
        f"there is no data set {name!r}"
        + (f"; did you mean {close[0]!r}?" if close else ".")
        + f" There are {', '.join(names())}, and your own: a .csv file or a folder of images"
    )
