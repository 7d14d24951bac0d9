"""The handwritten digits that come with numcnn: small, real, and there without a download.

1,797 gray images of 8 x 8 pixels, from E. Alpaydin and C. Kaynak, "Optical recognition of
handwritten digits", UCI Machine Learning Repository, 1998 (its test part), which scikit-learn has
too. They lie in ``uci_digits``, with their license.
"""

from pathlib import Path

import numpy as np

from numcnn.data.dataset import DIGITS, Dataset, Splits
from numcnn.data.idx import read_idx_images, read_idx_labels
from numcnn.data.split import split_validation

_FOLDER = Path(__file__).with_name("uci_digits")
_TEST_FRACTION = 0.2
_TEST_SEED = 0
_BRIGHTEST = 16


def load_digits() -> Splits:
    """Load the digits, divided into a training and a test part.

    The original pixels are counts from 0 to 16. They are scaled to 0 to 255 and rounded, so that
    they mean the same as in every other data set here. The data set has no test part of its own:
    a fifth of each class is set aside, chosen at random with a fixed seed, so that everybody's
    accuracies are about the same 359 images.

    Returns:
        Images uint8 ``(count, 8, 8, 1)``, bright ink on black; labels 0 to 9.
    """
    counts = read_idx_images(_FOLDER / "images-idx3-ubyte.gz")
    images = np.rint(counts * (255 / _BRIGHTEST)).astype(np.uint8)
    labels = read_idx_labels(_FOLDER / "labels-idx1-ubyte.gz", len(DIGITS))
    train, test = split_validation(
        Dataset(images, labels, DIGITS, "digits"), _TEST_FRACTION, _TEST_SEED
    )
    return Splits(train, test)
