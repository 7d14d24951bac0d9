"""Inputs as people have them, brought into an array: lists, pictures, tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Shape


def as_array(name: str, values: Any) -> NDArray[Any]:
    """Bring numbers into an array: arrays, nested lists, tables of pandas, lists of pictures.

    Args:
        name: The argument's name, for the error.
        values: An array, which is returned as it is (a memory map is not read); or anything that
            NumPy makes an array of; or a list of images of Pillow, all of one size and mode.

    Returns:
        An array of booleans, integers or real numbers.

    Raises:
        ValueError: There are other things in it than numbers, or parts of different sizes.
    """
    if isinstance(values, np.ndarray):
        array = values
    elif hasattr(values, "toarray"):
        raise ValueError(f"{name} is a sparse matrix; give {name}.toarray()")
    else:
        if isinstance(values, list | tuple) and values and _is_picture(values[0]):
            values = [_pixels(each) if _is_picture(each) else each for each in values]
        elif _is_picture(values):
            values = _pixels(values)
        try:
            array = np.asarray(values)
        except ValueError:
            raise ValueError(_ragged(name, values)) from None
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} has the type {array.dtype}{_first_text(values, array)}; give real numbers"
        )
    return array


def as_batch(name: str, values: Any, input_shape: Shape) -> NDArray[Any]:
    """Bring inputs into a batch of examples of ``input_shape``; see `as_array`.

    Images of one channel may come without the axis for it.

    Raises:
        ValueError: They are no numbers, or the examples have another shape.
    """
    x = as_array(name, values)
    if x.ndim and (*x.shape[1:], 1) == input_shape:
        return x[..., np.newaxis]
    if x.ndim and x.shape[1:] == input_shape:
        return x
    wanted = f"(batch, {', '.join(map(str, input_shape))})"
    remedy = f"reshape or resize {name}"
    if x.shape == input_shape or (*x.shape, 1) == input_shape:
        remedy = f"for a single example give {name}[np.newaxis]"
    elif x.ndim == 4 and len(input_shape) == 3 and (*x.shape[2:], x.shape[1]) == input_shape:
        remedy = f"the channels come last: give {name}.transpose(0, 2, 3, 1)"
    raise ValueError(f"{name} has the shape {x.shape}, but this model takes {wanted}; {remedy}")


def require_finite(name: str, x: NDArray[Any]) -> None:
    """Refuse NaN and infinity.

    Raises:
        ValueError: There is one; the message says in which example.
    """
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        bad = np.flatnonzero(~np.isfinite(x.reshape(len(x), -1)).all(axis=1))
        raise ValueError(
            f"{name} holds NaN or infinity in {len(bad):,} of {len(x):,} examples, first in "
            f"example {bad[0]}; leave these out, or fill them with numbers"
        )


def _is_picture(value: Any) -> bool:
    """Whether it is an image of Pillow, which this room does not know."""
    return all(hasattr(value, name) for name in ("mode", "convert", "getbands"))


def _pixels(picture: Any) -> NDArray[Any]:
    """The pixels of an image of Pillow; a palette's colors rather than their numbers."""
    if picture.mode in ("P", "PA"):
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    return np.asarray(picture.convert("L") if picture.mode == "1" else picture)


def _ragged(name: str, values: Any) -> str:
    first = np.shape(values[0])
    for place, value in enumerate(values):
        if np.shape(value) != first:
            return (
                f"{name}[{place}] has the shape {np.shape(value)} and {name}[0] {first}; "
                "bring all examples to one size and number of channels"
            )
    return f"{name} is no array of numbers; bring all examples to one size"


def _first_text(values: Any, array: NDArray[Any]) -> str:
    """Which column of a table is none of numbers, or what else stands there first."""
    for column, kind in getattr(getattr(values, "dtypes", None), "items", tuple)():
        if getattr(kind, "kind", "O") not in "biuf":
            return f" (column {column!r} is {kind})"
    return f" (such as {array.flat[0]!r:.40})" if array.size else ""
