"""Generated pictures of all kinds, in turn."""

from collections.abc import Iterator

import numpy as np

from numcnn.handwriting.evaluation.conditions import CONDITIONS
from numcnn.handwriting.evaluation.negatives import DRAWINGS, SHAPES, find_fonts, negative
from numcnn.handwriting.evaluation.sample import Sample
from numcnn.handwriting.evaluation.writers import StrokeWriter, Writer

NEGATIVES = (
    *("blank", "scribble", "letter", "word", "blank", "letter by hand", "letter", "blank"),
    *SHAPES,
    *DRAWINGS,
)
"""What there is nothing to read in; some kinds come more often."""

_SPACINGS = ("spaced", "spaced", "tight", "touching")


def samples(
    writer: Writer, count: int, seed: int = 0, start: int = 0
) -> Iterator[tuple[str, Sample]]:
    """Make pictures of all kinds in turn; the same seed gives the same pictures.

    Args:
        writer: Who writes most of the digits; a fifth of the pictures is drawn by a `StrokeWriter`.
        count: How many.
        seed: Of everything random.
        start: The number of the first one: each depends on its own number alone.

    Returns:
        The kind of each, "single", "number", "page" or "nothing", and the picture. The condition of
        a number tells how its digits stand, too.
    """
    fonts = find_fonts()
    names = list(CONDITIONS)
    board = StrokeWriter()
    for number in range(start, start + count):
        rng = np.random.default_rng([seed, number])
        kind, turn = number % 4, number // 4
        who: Writer = board if rng.random() < 0.2 else writer
        name = names[turn % len(names)]
        if name == "megapixels" and turn // len(names) % 4:
            name = "thin pen"  # large ones take long to make, so they are fewer
        if kind == 0:
            yield "single", CONDITIONS[name](who, rng, [1], "spaced")
        elif kind == 1:
            spacing = _SPACINGS[turn // len(names) % len(_SPACINGS)]
            made = CONDITIONS[name](who, rng, [int(rng.integers(2, 9))], spacing)
            made.condition += f", {spacing}"
            yield "number", made
        elif kind == 2:
            lines = [int(n) for n in rng.integers(2, 7, int(rng.integers(2, 5)))]
            yield "page", CONDITIONS[name](who, rng, lines, "spaced")
        else:
            yield "nothing", negative(NEGATIVES[turn % len(NEGATIVES)], rng, fonts)
