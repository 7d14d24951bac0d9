"""The look: a reading together with what the network was shown for it."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.handwriting.reader.reading import Digit, Reading, Rejected


@final
@dataclass(frozen=True, eq=False)
class Look:
    """A reading, and what the network was shown.

    Attributes:
        reading: What is written in the picture.
        answers: What was found, digit or not, in reading order; empty if nothing is written.
        frames: The answers' pictures in MNIST's frame, uint8 ``(answers, 28, 28)``.
    """

    reading: Reading
    answers: tuple[Digit | Rejected, ...]
    frames: NDArray[np.uint8]
