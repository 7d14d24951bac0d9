"""Checks of what a user, or a file, sets a layer to."""

import math
import operator
from typing import Any

from numpy.typing import NDArray


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
        raise ValueError(f"{name} is {value!r}; give an integer of at least 1")
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
            f"{name} is {value!r}; give an integer of at least 1, or two: (height, width)"
        ) from None
    return height, width


def number(name: str, value: Any, least: float = -math.inf, below: float = math.inf) -> float:
    """Read a real number of a range.

    Args:
        name: The setting's name, for the error.
        value: What should be the number.
        least: The smallest one allowed.
        below: The number must be smaller than this.

    Raises:
        ValueError: It is not a number, not finite, or outside the range.
    """
    try:
        real = float(value)
    except (TypeError, ValueError):
        real = math.nan
    if not (math.isfinite(real) and least <= real < below):
        bounds = f" of at least {least:g}" if least > -math.inf else ""
        bounds += f" and less than {below:g}" if below < math.inf else ""
        raise ValueError(f"{name} is {value!r}; give a number{bounds}")
    return real


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
