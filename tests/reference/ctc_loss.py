"""Connectionist temporal classification by its definition: all paths, one after another."""

import itertools
import math


def spelled(path, blank):
    """What a path spells: repeated outputs merged, then blanks taken away."""
    merged = [output for output, _ in itertools.groupby(path)]
    return tuple(output for output in merged if output != blank)


def ctc_loss(logits, target):
    """Minus the log of the probability that logits ``(steps, outputs)`` spell a target."""
    steps, outputs = len(logits), len(logits[0])
    probability = 0.0
    for path in itertools.product(range(outputs), repeat=steps):
        if spelled(path, outputs - 1) == tuple(target):
            product = 1.0
            for row, chosen in zip(logits, path, strict=True):
                product *= math.exp(row[chosen]) / sum(math.exp(z) for z in row)
            probability += product
    return -math.log(probability)
