"""Images of what is no digit: letters, shapes, scribbles, and pieces of digits.

A network that has seen nothing but digits calls everything a digit. These images teach it what
else there is, without any further data set: letters and shapes are strokes described here, and
pieces are cut from the digits themselves.
"""

from collections.abc import Callable

import numpy as np

from numcnn.data.dataset import Dataset
from numcnn.handwriting.class_names import OTHER, SEVERAL
from numcnn.handwriting.synthesis.framed_digits import check_framed_digits
from numcnn.handwriting.synthesis.letters import letter
from numcnn.handwriting.synthesis.pieces import part, several, with_neighbor
from numcnn.handwriting.synthesis.scribbles import scribble, texture
from numcnn.handwriting.synthesis.shapes import shape
from numcnn.random_streams import STREAM_NON_DIGITS

# How often each kind comes.
_SHARES = {
    "letter": 0.33,
    "shape": 0.31,
    "scribble": 0.19,
    "texture": 0.03,
    "part": 0.04,
    "several digits": 0.07,
    "digit with neighbor": 0.03,
}


def with_non_digits(digits: Dataset, share: float, seed: int) -> Dataset:
    """Add images of what is no digit, as two more classes.

    Args:
        digits: Labeled digits of 28 x 28 pixels, light on dark, framed as in MNIST.
        share: How many to add for each digit, such as 0.25.
        seed: The same seed draws the same.

    Returns:
        The digits, and after them the new images, whose classes are `OTHER` and `SEVERAL`.

    Raises:
        ValueError: The images are of another size or have no labels, or ``share`` is negative.
    """
    labels = check_framed_digits(digits, share, seed)
    images = digits.images[..., 0]
    makers: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
        "letter": letter,
        "shape": shape,
        "scribble": scribble,
        "texture": texture,
        "part": lambda rng: part(images, labels, rng),
        "several digits": lambda rng: several(images, rng),
        "digit with neighbor": lambda rng: with_neighbor(images, rng),
    }
    rng = np.random.default_rng([seed, STREAM_NON_DIGITS])
    count, classes = round(share * len(digits)), (*digits.classes, OTHER, SEVERAL)
    kinds = rng.choice(list(makers), count, p=list(_SHARES.values()))
    drawn = [makers[kind](rng)[None, :, :, None] for kind in kinds]
    is_several = np.isin(kinds, ["several digits", "digit with neighbor"])
    return Dataset(
        np.concatenate([digits.images, *drawn]),
        np.concatenate([labels, np.where(is_several, len(classes) - 1, len(classes) - 2)]),
        classes,
        digits.name,
    )
