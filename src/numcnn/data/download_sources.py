"""Where the downloadable data sets come from, which files they are, and how to know them again."""

from dataclasses import dataclass
from typing import Literal, final


@final
@dataclass(frozen=True)
class Checksum:
    """What a download must hash to.

    Attributes:
        algorithm: MD5 where the publisher gives nothing stronger.
        digest: In hexadecimal.
        unpacked: Whether it is the hash of the gunzipped bytes. Mirrors pack the same content
            differently, and some servers unpack it on the way.
    """

    algorithm: Literal["md5", "sha256"]
    digest: str
    unpacked: bool = False


@final
@dataclass(frozen=True)
class Download:
    """One file to download.

    Attributes:
        urls: The same file on different servers, the preferred one first.
        checksum: What it must hash to, wherever it came from.
        provides: The names that it gets in the data set's folder: its own, or those of the
            members to take out if it is a tar or zip archive.
        folder_in_archive: For an archive, the folder that the members are in.
    """

    urls: tuple[str, ...]
    checksum: Checksum
    provides: tuple[str, ...]
    folder_in_archive: str | None = None


@final
@dataclass(frozen=True)
class Source:
    """A data set that consists of certain files.

    Attributes:
        name: What users call it, and a name that its folder may have.
        aliases: Other names for it and for its folder, also of a folder inside its folder.
        files: The files that it needs, under their official names.
        optional_files: Files that are used if they are there.
        downloads: How to get them.
        shared_folder: The folder that downloads go to, where several data sets come in one
            archive; None for a folder of the data set's name.
    """

    name: str
    aliases: tuple[str, ...]
    files: tuple[str, ...]
    optional_files: tuple[str, ...]
    downloads: tuple[Download, ...]
    shared_folder: str | None = None

    @property
    def folder(self) -> str:
        """The name of the folder that downloads go to."""
        return self.shared_folder or self.name

    @property
    def folder_names(self) -> tuple[str, ...]:
        """The names that a folder with its files may have."""
        shared = (self.shared_folder,) if self.shared_folder else ()
        return (self.name, *self.aliases, *shared)


IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
"""MNIST's training images and labels, then the test images and labels."""


def _idx_source(
    name: str, aliases: tuple[str, ...], mirrors: tuple[str, ...], checksums: tuple[Checksum, ...]
) -> Source:
    downloads = tuple(
        Download(tuple(mirror + file for mirror in mirrors), checksum, (file,))
        for file, checksum in zip(IDX_FILES, checksums, strict=True)
    )
    return Source(name, aliases, IDX_FILES, (), downloads)


# Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits".
MNIST = _idx_source(
    "mnist",
    (),
    (
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    (
        Checksum(
            "sha256",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            unpacked=True,
        ),
        Checksum(
            "sha256",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            unpacked=True,
        ),
        Checksum(
            "sha256",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            unpacked=True,
        ),
        Checksum(
            "sha256",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            unpacked=True,
        ),
    ),
)

# H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine
# learning algorithms", 2017; the checksums are from
# https://github.com/zalandoresearch/fashion-mnist.
FASHION_MNIST = _idx_source(
    "fashion-mnist",
    ("fashion_mnist", "fashionmnist", "fashion"),
    ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    (
        Checksum("md5", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        Checksum("md5", "25c81989df183df01b3e8a0aad5dffbe"),
        Checksum("md5", "bef4ecab320f06d8554ea6380940ec79"),
        Checksum("md5", "bb300cfdad3c16e7a12a480ee83cd310"),
    ),
)

CIFAR10_TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
CIFAR10_TEST_FILE = "test_batch.bin"
CIFAR10_CLASSES_FILE = "batches.meta.txt"

# A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009;
# https://www.cs.toronto.edu/~kriz/cifar.html
CIFAR10 = Source(
    "cifar10",
    ("cifar-10", "cifar_10", "cifar-10-batches-bin"),
    (*CIFAR10_TRAIN_FILES, CIFAR10_TEST_FILE),
    (CIFAR10_CLASSES_FILE,),
    (
        Download(
            ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
            Checksum("md5", "c32a1d4ab5d03f1284b67883e8d87530"),
            (*CIFAR10_TRAIN_FILES, CIFAR10_TEST_FILE, CIFAR10_CLASSES_FILE),
            folder_in_archive="cifar-10-batches-bin",
        ),
    ),
)


def emnist_files(name: str) -> tuple[str, str, str, str]:
    """The files of one of EMNIST's sets: training images and labels, test images and labels."""
    return (
        f"{name}-train-images-idx3-ubyte.gz",
        f"{name}-train-labels-idx1-ubyte.gz",
        f"{name}-test-images-idx3-ubyte.gz",
        f"{name}-test-labels-idx1-ubyte.gz",
    )


_EMNIST_SETS = ("emnist-letters", "emnist-balanced", "emnist-digits")
# G. Cohen, S. Afshar, J. Tapson and A. van Schaik, "EMNIST: an extension of MNIST to handwritten
# letters", 2017; https://www.nist.gov/itl/products-and-services/emnist-dataset. One archive holds
# all sets, so all that are known here are taken out of it at once. NIST moved it; the second
# address is where it was before.
_EMNIST_ARCHIVE = Download(
    (
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
    ),
    Checksum("md5", "58c8d27c78d21e728a6bc7b3cc06412e"),
    tuple(file for name in _EMNIST_SETS for file in emnist_files(name)),
    folder_in_archive="gzip",
)


def _emnist_source(name: str, aliases: tuple[str, ...]) -> Source:
    files = emnist_files(name)
    return Source(name, aliases, files[:2], files[2:], (_EMNIST_ARCHIVE,), shared_folder="emnist")


EMNIST_LETTERS = _emnist_source("emnist-letters", ("emnist_letters",))
EMNIST_BALANCED = _emnist_source("emnist-balanced", ("emnist_balanced",))
EMNIST_DIGITS = _emnist_source("emnist-digits", ("emnist_digits",))

SOURCES = (MNIST, FASHION_MNIST, CIFAR10, EMNIST_LETTERS, EMNIST_BALANCED, EMNIST_DIGITS)
