"""Damage for files: bytes that turned, were lost or came in, and JSON that says something else."""

import copy
import json
from typing import Any

import numpy as np

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 0.5, -0.5, 1.5, 1e-300, 1e308, float("nan"), float("inf")),
    *(10**18, 2**63, 2**64, 10**30, 10**400, "", "1", "0.5", "digits", "lenet5", "mnist", "relu:3"),
    *("\ud800", "x" * 300, "~/x", "/dev/null", [], [[]], [1], [1, 2], [8, 8], {}, {"a": 1}, [None]),
)


def bytes_of(content: bytes, rng: np.random.Generator) -> bytes:
    """Turn, cut, repeat, insert or swap a few bytes."""
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(damaged) + 1))
        length = int(rng.integers(1, 9))
        kind = rng.integers(6)
        if kind == 0 and place < len(damaged):
            damaged[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del damaged[place : place + length]
        elif kind == 2:
            damaged[place:place] = rng.bytes(length)
        elif kind == 3:
            damaged[place:place] = damaged[place : place + length]
        elif kind == 4 and rng.random() < 0.2:
            del damaged[place:]
        elif damaged:
            # Digits, signs and brackets: what is still JSON, most likely.
            damaged[place : place + 1] = bytes([rng.choice(list(b'0123456789.-+e[]{}",: \n'))])
    return bytes(damaged)


def json_of(value: Any, rng: np.random.Generator) -> Any:
    """Put something odd into one place of a JSON value, or take a part away."""
    changed = copy.deepcopy(value)
    places = list(_places(changed))
    holder, key = places[rng.integers(len(places))]
    kind = rng.integers(6)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder["another"] = ODD[rng.integers(len(ODD))]
    elif kind == 2 and isinstance(holder, list):
        holder.insert(int(rng.integers(len(holder) + 1)), copy.deepcopy(holder[key]))
    elif kind == 3 and isinstance(holder[key], int | float):
        holder[key] = holder[key] * rng.choice([0.5, 2, -1]) + rng.choice([0, 1, -1])
        holder[key] = int(holder[key]) if rng.random() < 0.5 else float(holder[key])
    else:
        holder[key] = ODD[rng.integers(len(ODD))]
    return changed


def text_of(value: Any) -> bytes:
    """JSON as Python writes it, with NaN and all."""
    return json.dumps(value).encode()


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)
