"""Whether this process computes as IEEE 754 says."""

from __future__ import annotations

import numpy as np


def require_ieee() -> None:
    """Refuse a process whose floating-point unit was told to be quick rather than right.

    Some libraries, when they are loaded, set a flag by which results near zero (below 1.2e-38 in
    float32) become zero. It holds for all that the thread computes from then on.

    Raises:
        ValueError: The flag is set, or rounding is not to nearest.
    """
    tiny = np.array([1e-40], np.float32)
    small = np.array([2.0**-1040])
    half = np.array([2.0**-53])
    if not ((tiny * np.float32(1) > 0).all() and (small * 0.5 > 0).all()):
        raise ValueError(
            "numbers near zero are flushed to zero in this process, so its results are not those "
            "of other machines; find the library that sets that flag (it was compiled with "
            "-ffast-math) and leave it out"
        )
    if not ((1 + half == 1).all() and (1 + 3 * half == 1 + 4 * half).all()):
        raise ValueError(
            "this process does not round to the nearest number, so its results are not those of "
            "other machines; set the rounding mode back"
        )
