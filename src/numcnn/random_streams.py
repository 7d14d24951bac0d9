"""Named streams of random numbers, all derived from one seed.

Each use of randomness in this package takes a generator of its own,
``np.random.default_rng([seed, STREAM, ...])``, so that drawing more numbers in one place changes
none in another, and so that any of them can be made again from the seed without having kept a
generator's state.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

STREAM_SPLIT = int.from_bytes(b"splt")
"""Which images go to the validation part."""

STREAM_SHUFFLE = int.from_bytes(b"shuf")
"""The order of the images in an epoch; followed by the epoch."""

STREAM_AUGMENT = int.from_bytes(b"augm")
"""What augmentation does to a batch; followed by the epoch and the batch."""

STREAM_LAYERS = int.from_bytes(b"layr")
"""What layers draw (dropout); followed by the epoch and the batch."""

STREAM_NON_DIGITS = int.from_bytes(b"none")
"""Drawings of what is no digit."""

STREAM_TOUCHING_DIGITS = int.from_bytes(b"chai")
"""Digits that touch, and where they are cut."""

STREAM_VARIANTS = int.from_bytes(b"vari")
"""MNIST's digits, changed into what is written elsewhere."""

STREAM_EUROPEAN_DIGITS = int.from_bytes(b"euro")
"""Digits drawn as European hands write them."""

STREAM_LINES = int.from_bytes(b"line")
"""Lines of running numbers; followed by 0 for the signs on them, or by 1 and the line's place."""

STREAM_LETTERS = int.from_bytes(b"lett")
"""Which letters of a data set stand for what is no digit."""


def check_seed(seed: int) -> None:
    """Refuse what is not a seed.

    Raises:
        ValueError: It is not an integer, or negative.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed is {seed!r}; give an integer of at least 0")


@final
@dataclass(frozen=True, eq=False)
class Draw:
    """The chance that an augmentation gets for one batch.

    Attributes:
        rng: For everything that is drawn anew each time.
        seed: The training's seed, for what must stay the same from epoch to epoch.
        epoch: Which epoch, from 0.
        indices: int64 ``(count,)``: the images' places in the data set.
    """

    rng: np.random.Generator
    seed: int
    epoch: int
    indices: NDArray[np.int64]
