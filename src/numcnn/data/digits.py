"""The handwritten digits that come with scikit-learn: small, real, and there without a download.

1,797 gray images of 8 x 8 pixels, from E. Alpaydin and C. Kaynak, "Optical recognition of
handwritten digits", UCI Machine Learning Repository, 1998 (its test part).
"""

import numpy as np

from numcnn.data.dataset import DIGITS, Dataset, Splits
from numcnn.data.split import split_validation

_TEST_FRACTION = 0.2
_TEST_SEED = 0
_BRIGHTEST = 16


def load_digits() -> Splits:
    """Load scikit-learn's digits, divided into a training and a test part.

    The original pixels are counts from 0 to 16. They are scaled to 0 to 255 and rounded, so that
    they mean the same as in every other data set here. The data set has no test part of its own:
    a fifth of each class is set aside, chosen at random with a fixed seed, so that everybody's
    accuracies are about the same 359 images.

    Returns:
        Images uint8 ``(count, 8, 8, 1)``, bright ink on black; labels 0 to 9.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits as load_sklearn_digits
    except ImportError as error:
        raise ImportError("the digits come with scikit-learn: pip install 'numcnn[app]'") from error
    original = load_sklearn_digits()
    images = np.rint(original.images * (255 / _BRIGHTEST)).astype(np.uint8)[..., np.newaxis]
    labels = original.target.astype(np.int64)
    train, test = split_validation(
        Dataset(images, labels, DIGITS, "digits"), _TEST_FRACTION, _TEST_SEED
    )
    return Splits(train, test)
