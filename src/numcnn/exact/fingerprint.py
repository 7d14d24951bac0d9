"""One number for all weights of a model, to compare by eye or by a test."""

from __future__ import annotations

import hashlib

import numpy as np

from numcnn.nn import Sequential


def weights_sha256(model: Sequential) -> str:
    """The SHA-256 of a model's parameters and then its statistics, as 64 hexadecimal digits.

    Both are hashed as little-endian float32 numbers, in the order in which `Sequential.parameters`
    and `Sequential.statistics` hold them.
    """
    digest = hashlib.sha256()
    for numbers in (model.parameters, model.statistics):
        digest.update(np.ascontiguousarray(numbers, np.dtype("<f4")).tobytes())
    return digest.hexdigest()
