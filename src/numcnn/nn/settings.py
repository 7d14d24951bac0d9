"""Checks of what a user, or a file, sets a layer to."""

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGEST = float(np.finfo(np.float32).max)


def whole(name: str, value: Any) -> int:
    """Read a count.

    Args:
        name: The setting's name, for the error.
        value: An integer of at least 1, Python's or NumPy's.

    Raises:
        ValueError: It is not.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise ValueError(f"{name} is {_shown(value)}; give an integer of at least 1")
    return number


def pair(name: str, value: Any) -> tuple[int, int]:
    """Read a size given as one integer for both axes or as ``(height, width)``.

    Args:
        name: The setting's name, for the error.
        value: One integer of at least 1, or two of them.

    Raises:
        ValueError: It is neither.
    """
    sizes = tuple(value) if isinstance(value, tuple | list) else (value, value)
    try:
        height, width = (whole(name, size) for size in sizes)
    except ValueError:
        raise ValueError(
            f"{name} is {_shown(value)}; give an integer of at least 1, or two: (height, width)"
        ) from None
    return height, width


def number(name: str, value: Any, least: float = -math.inf, below: float = math.inf) -> float:
    """Read a real number of a range.

    Text is refused even where it could be read as a number, and so are booleans: a layer would
    compute with what it was given, not with what it was read as.

    Args:
        name: The setting's name, for the error.
        value: What should be the number.
        least: The smallest one allowed.
        below: The number must be smaller than this.

    Raises:
        ValueError: It is not a number, not finite in float32, or outside the range.
    """
    real: float = math.nan
    if isinstance(value, int):
        real = math.nan if isinstance(value, bool) else value  # may be too large for a float
    elif isinstance(value, float | np.integer | np.floating):
        real = float(value)
    if not (abs(real) <= _LARGEST and least <= real < below):
        bounds = f" of at least {least:g}" if least > -math.inf else ""
        bounds += f" and less than {below:g}" if below < math.inf else ""
        raise ValueError(f"{name} is {_shown(value)}; give a number{bounds}")
    return float(real)


def flag(name: str, value: Any) -> bool:
    """Read a yes or no.

    Raises:
        ValueError: It is neither True nor False.
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is {_shown(value)}; give True or False")
    return bool(value)


def require_batch(name: str, x: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Check that ``x`` is a batch of examples of ``shape``.

    Raises:
        ValueError: It is not.
    """
    if not x.ndim or x.shape[1:] != shape:
        raise ValueError(
            f"{name} has the shape {x.shape}, but this model takes "
            f"(batch, {', '.join(map(str, shape))}); reshape or resize {name}"
        )


def _shown(value: Any) -> str:
    """A value for an error, cut where a file gave something long."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
