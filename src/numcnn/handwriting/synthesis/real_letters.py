"""Real letters as images of what is no digit.

Letters drawn by a program are too tidy: of real ones a network that knows no others takes a quarter
for digits. These are EMNIST's, of its training part, in which small and capital letters are one
class. Left out are the letters of which one case or both are written as a digit is:
"""

import os
import warnings

import numpy as np

from numcnn.data.dataset import Dataset, DataWarning
from numcnn.data.emnist import held_out, is_held_out, load_emnist_letters
from numcnn.handwriting.class_names import OTHER
from numcnn.handwriting.synthesis.framed_digits import check_framed_digits
from numcnn.random_streams import STREAM_LETTERS

DIGITS_IN_DISGUISE = "OILSZBGQ"
"""O and 0, I and l and 1, S and 5, Z and 2, B and 8, b and 6, g and q and 9, by capital letters."""


def with_real_letters(
    digits: Dataset,
    share: float,
    seed: int,
    *,
    validation: bool = False,
    data_dir: str | os.PathLike[str] | None = None,
) -> Dataset:
    """Add real letters that look like no digit, as images of the class `OTHER`.

    Args:
        digits: Labeled images of 28 x 28 pixels, light on dark, framed as in MNIST; `OTHER` is
            among the classes.
        share: How many letters to add for each image there is, such as 0.2.
        seed: The same seed adds the same.
        validation: Whether to take the tenth of the letters that is left for validation images.
        data_dir: Where EMNIST letters is, as `numcnn.data.emnist.load_emnist_letters` takes it; it
            is downloaded if it is nowhere.

    Returns:
        The images that were there, and after them the letters.

    Raises:
        ValueError: The images are of another size or have no labels, the class is missing, or
            ``share`` is negative.
        DataNotFoundError: EMNIST letters is not there and cannot be downloaded.
    """
    known = check_framed_digits(digits, share, seed)
    if OTHER not in digits.classes:
        raise ValueError(f"digits has no class {OTHER!r}; add what is no digit first")
    letters = letters_like_no_digit(data_dir)[0]
    is_for_validation = np.arange(len(letters)) % 10 == 9
    letters = letters.subset(np.flatnonzero(is_for_validation == validation))
    rng = np.random.default_rng([seed, STREAM_LETTERS])
    chosen = rng.choice(len(letters), min(round(share * len(digits)), len(letters)), replace=False)
    return Dataset(
        np.concatenate([digits.images, letters.images[chosen]]),
        np.concatenate([known, np.full(len(chosen), digits.classes.index(OTHER), np.int64)]),
        digits.classes,
        digits.name,
    )


def letters_like_no_digit(
    data_dir: str | os.PathLike[str] | None = None,
) -> tuple[Dataset, Dataset]:
    """Load EMNIST's letters that look like no digit.

    Args:
        data_dir: See `with_real_letters`.

    Returns:
        Those to learn from, and those that are held out of the same training part for measuring:
        the same images whether or not the official test part is there.
    """
    with warnings.catch_warnings():
        # Nothing is measured here, so that the official test part is missing is no news.
        warnings.simplefilter("ignore", DataWarning)
        splits = load_emnist_letters(data_dir)
    training, held = splits.train, splits.test
    if held is None or not is_held_out(held):
        training, held = held_out(training)
    return _without_disguised(training), _without_disguised(held)


def _without_disguised(letters: Dataset) -> Dataset:
    labels = letters.labels
    assert labels is not None
    disguised = [letters.classes.index(letter) for letter in DIGITS_IN_DISGUISE]
    return letters.subset(np.flatnonzero(~np.isin(labels, disguised)))
