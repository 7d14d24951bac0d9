"""Prefix beam search: the most probable sequences, where many paths spell the same one.

A. Graves and N. Jaitly, "Towards end-to-end speech recognition with recurrent neural networks",
2014, algorithm 1.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

_Prefix = tuple[int, ...]
_LIKELY = 1e-4  # a symbol that is less probable at a step is no way to go on there


@final
@dataclass(frozen=True)
class Spelling:
    """A sequence of symbols.

    Attributes:
        counted: Those of its symbols that count.
        symbols: The most probable sequence with these, with the others between them.
        probability: That of what counts, 0 to 1, whatever the other symbols.
    """

    counted: tuple[int, ...]
    symbols: tuple[int, ...]
    probability: float


def beam_search(
    probabilities: NDArray[np.floating], counted: Sequence[int], width: int = 12
) -> list[Spelling]:
    """Find the most probable sequences of symbols, and how probable their counted symbols are.

    Sequences that differ only in symbols that do not count, as separators between digits, say the
    same: their probabilities are added up.

    Args:
        probabilities: ``(steps, symbols + 1)``, each row adds up to 1; the last one is the blank.
        counted: The symbols that count.
        width: How many beginnings are followed at once.

    Returns:
        A spelling for each sequence of symbols that count, the most probable first. What paths
        beyond ``width`` would add is missing, so a probability may be a little too small.
    """
    blank = probabilities.shape[1] - 1
    # For each beginning: the probability of the paths that end with a blank, and of the others.
    beams: dict[_Prefix, tuple[float, float]] = {(): (1.0, 0.0)}
    for row in probabilities.tolist():
        likely = [symbol for symbol in range(blank) if row[symbol] > _LIKELY]
        following: dict[_Prefix, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for prefix, (after_blank, after_symbol) in beams.items():
            total = after_blank + after_symbol
            stay = following[prefix]
            stay[0] += total * row[blank]
            if prefix:
                stay[1] += after_symbol * row[prefix[-1]]
            for symbol in likely:
                is_same = bool(prefix) and prefix[-1] == symbol
                following[(*prefix, symbol)][1] += row[symbol] * (after_blank if is_same else total)
        best = sorted(following.items(), key=lambda each: -each[1][0] - each[1][1])[:width]
        beams = {prefix: (parts[0], parts[1]) for prefix, parts in best}
    told: dict[_Prefix, float] = defaultdict(float)
    for prefix, parts in beams.items():
        told[tuple(each for each in prefix if each in counted)] += sum(parts)
    best_of: dict[_Prefix, _Prefix] = {}
    for prefix in beams:  # the most probable first
        best_of.setdefault(tuple(each for each in prefix if each in counted), prefix)
    order = sorted((each for each in told if told[each] > 0), key=lambda each: -told[each])
    return [Spelling(each, best_of[each], min(float(told[each]), 1.0)) for each in order]
