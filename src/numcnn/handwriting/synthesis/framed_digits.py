"""The check of the labeled images, framed as MNIST's, of which further images are made."""

import numpy as np
from numpy.typing import NDArray

from numcnn.data.dataset import Dataset
from numcnn.handwriting.frame import SIDE
from numcnn.random_streams import check_seed


def check_framed_digits(digits: Dataset, share: float, seed: int) -> NDArray[np.int64]:
    """Refuse what no further images can be made of, or not so many.

    Args:
        digits: Labeled images of 28 x 28 pixels, light on dark, framed as in MNIST.
        share: How many images to make for each one there is.
        seed: Of everything random.

    Returns:
        The labels.

    Raises:
        ValueError: The images are of another size or have no labels, ``share`` is negative or not
            finite, or ``seed`` is no seed.
    """
    check_seed(seed)
    if digits.image_shape != (SIDE, SIDE, 1) or digits.labels is None:
        raise ValueError(
            f"{digits.name} has images of {digits.image_shape}; further images are made of labeled "
            "ones of (28, 28, 1), as those of MNIST"
        )
    if not 0 <= share < float("inf"):
        raise ValueError(f"share is {share}; give at least 0, such as 0.25")
    return digits.labels
