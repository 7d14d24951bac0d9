"""Splitting a validation part off the training data.

The validation part chooses (when to stop, which checkpoint, which settings), so that the test part
is looked at only once, at the end.
"""

import numpy as np

from numcnn.data.dataset import Dataset
from numcnn.random_streams import STREAM_SPLIT, check_seed


def split_validation(dataset: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Divide a data set at random into a training and a validation part, class by class.

    Stratified: each class gives the same share of its own images (rounded to whole images, and
    at least one to each part), so both parts have the class frequencies of the whole. Within each
    part the images keep their order.

    Args:
        dataset: Labeled images.
        fraction: The validation part's share, above 0 and below 1.
        seed: The same seed gives the same parts.

    Returns:
        The training part and the validation part. Together they hold each image once.

    Raises:
        ValueError: ``fraction`` or ``seed`` is out of range, the images have no labels, or a
            class has a single image, which cannot be in both parts.
    """
    check_seed(seed)
    if not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction}; give a number above 0 and below 1, such as 0.1")
    if dataset.labels is None:
        raise ValueError(f"{dataset.name} has no labels; a stratified split needs them")
    rng = np.random.default_rng([seed, STREAM_SPLIT])
    in_validation = np.zeros(len(dataset), dtype=bool)
    for label, count in enumerate(dataset.label_counts().tolist()):
        if count == 0:
            continue
        if count == 1:
            raise ValueError(
                f"class {dataset.classes[label]!r} of {dataset.name} has 1 image; it needs at "
                "least 2, one for training and one for validation"
            )
        share = min(max(round(fraction * count), 1), count - 1)
        members = np.flatnonzero(dataset.labels == label)
        in_validation[rng.permutation(members)[:share]] = True
    return (
        dataset.subset(np.flatnonzero(~in_validation)),
        dataset.subset(np.flatnonzero(in_validation)),
    )
