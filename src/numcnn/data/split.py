"""Splitting a validation part off the training data.

The validation part chooses (when to stop, which checkpoint, which settings), so that the test part
is looked at only once, at the end.
"""

from typing import TypeVar, cast

import numpy as np

from numcnn.data.dataset import Dataset
from numcnn.data.examples import Examples
from numcnn.random_streams import STREAM_SPLIT, check_seed

Divided = TypeVar("Divided", bound=Dataset | Examples)


def split_validation(dataset: Divided, fraction: float, seed: int) -> tuple[Divided, Divided]:
    """Divide a data set at random into a training and a validation part, class by class.

    Stratified: each class gives the same share of its own images (rounded to whole images, and
    at least one to each part), so both parts have the class frequencies of the whole. Within each
    part the images keep their order. Examples whose targets are no classes are divided without
    regard to them.

    Args:
        dataset: Labeled images, or examples with targets.
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
    targets = dataset.targets
    if targets is None:
        raise ValueError(f"{dataset.name} has no labels; a stratified split needs them")
    if targets.ndim > 1 or targets.dtype.kind != "i":
        targets = np.zeros(len(dataset), np.int64)
    rng = np.random.default_rng([seed, STREAM_SPLIT])
    in_validation = np.zeros(len(dataset), dtype=bool)
    for label, count in enumerate(np.bincount(targets).tolist()):
        if count == 0:
            continue
        if count == 1:
            name = dataset.classes[label] if dataset.classes else "of all"
            raise ValueError(
                f"class {name!r} of {dataset.name} has 1 image; it needs at least 2, one for "
                "training and one for validation"
            )
        share = min(max(round(fraction * count), 1), count - 1)
        members = np.flatnonzero(targets == label)
        in_validation[rng.permutation(members)[:share]] = True
    parts = [dataset.subset(np.flatnonzero(part)) for part in (~in_validation, in_validation)]
    return cast(Divided, parts[0]), cast(Divided, parts[1])
