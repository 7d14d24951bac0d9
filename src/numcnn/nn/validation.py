"""Validation of arguments: counts, numbers, flags, shapes of batches."""

import math
import operator
import sys
from typing import Any, TypeGuard

import numpy as np

_LARGEST = float(np.finfo(np.float32).max)


def is_whole(value: object, least: float = 0, most: float = math.inf) -> TypeGuard[int]:
    """Whether a value from a file is an integer of a range; True and 1.0 are none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_number(
    value: object, least: float = -math.inf, most: float = math.inf
) -> TypeGuard[int | float]:
    """Whether a value from a file is a finite number of a range; True is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    # An integer may be too large for a float, and so for math.isfinite.
    return least <= value <= most and abs(value) <= sys.float_info.max


def whole(name: str, value: Any, least: int = 1) -> int:
    """Read a count.

    Args:
        name: The argument's name, for the error.
        value: An integer, Python's or NumPy's.
        least: The smallest one allowed.

    Raises:
        ValueError: It is no integer, or smaller.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise ValueError(f"{name} is {_shown(value)}; give an integer of at least {least}")
    return number


def pair(name: str, value: Any) -> tuple[int, int]:
    """Read a size given as one integer for both axes or as ``(height, width)``.

    Args:
        name: The argument's name, for the error.
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
        name: The argument's name, for the error.
        value: What should be the number.
        least: The smallest one allowed.
        below: The number must be smaller than this.

    Raises:
        ValueError: It is not a number, not finite in float32, or outside the range.
    """
    real = _real(value)
    if not (abs(real) <= _LARGEST and least <= real < below):
        bounds = f" of at least {least:g}" if least > -math.inf else ""
        bounds += f" and less than {below:g}" if below < math.inf else ""
        raise ValueError(f"{name} is {_shown(value)}; give a number{bounds}")
    return float(real)


def positive(name: str, value: Any) -> float:
    """Read a number above 0.

    Raises:
        ValueError: It is not a number, not finite, or not above 0.
    """
    real = _real(value)
    if not 0 < real < math.inf:
        raise ValueError(f"{name} is {_shown(value)}; give a positive number")
    return real


NO_ACTIVATION = "; an activation is a layer of its own, such as ReLU()"
"""What to add where an activation by name is a frequent mistake."""


def flag(name: str, value: Any, remedy: str = "") -> bool:
    """Read a yes or no.

    Args:
        name: The argument's name, for the error.
        value: True or False, Python's or NumPy's.
        remedy: What else to say if it is text.

    Raises:
        ValueError: It is neither True nor False.
    """
    if not isinstance(value, bool | np.bool_):
        also = remedy if isinstance(value, str) else ""
        raise ValueError(f"{name} is {_shown(value)}; give True or False{also}")
    return bool(value)


def _real(value: Any) -> float:
    """A real number as a float; NaN for what is none, and for an integer that is too large."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _shown(value: Any) -> str:
    """A value for an error, cut where a file gave something long."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
