"""Checks of the arguments that several plots share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numcnn.plots.glyphs import legible


def check_classes(classes: Sequence[str], count: int, counted: str) -> list[str]:
    """Return ``count`` names that can be drawn; ``counted`` says what gave that number."""
    if isinstance(classes, str) or not all(isinstance(name, str) for name in classes):
        raise ValueError(
            f"classes is {classes!r}; pass a list of names, such as [str(c) for c in range(10)]"
        )
    if len(classes) != count:
        raise ValueError(
            f"classes has {len(classes)} names but {counted} has {count} classes; "
            "pass one name per class, in the order of the class numbers"
        )
    return legible(classes)


def check_images(images: ArrayLike) -> NDArray[np.uint8]:
    """Return ``images`` as uint8 of shape (n, height, width, 1 or 3) with at least one image."""
    pixels = np.asarray(images)
    if pixels.ndim != 4 or pixels.shape[3] not in (1, 3) or 0 in pixels.shape:
        raise ValueError(
            f"images has the shape {pixels.shape}; pass at least one image, as "
            "(images, height, width, channels) with 1 channel for gray or 3 for color "
            "(gray images without a channel axis: images[..., None])"
        )
    if pixels.dtype != np.uint8:
        raise ValueError(
            f"images has the type {pixels.dtype}; pass raw pixels, uint8 from 0 to 255, "
            "as they were before preprocessing"
        )
    return pixels


def check_probabilities(probabilities: ArrayLike, images: int) -> NDArray[np.float64]:
    """Return ``probabilities`` as float64 of shape (images, classes), each row a distribution."""
    values = _numbers("probabilities", probabilities)
    if values.ndim != 2 or values.shape[0] != images or values.shape[1] < 1:
        raise ValueError(
            f"probabilities has the shape {values.shape}; pass ({images}, classes): "
            "one row per image and at least one class"
        )
    for row, total in enumerate(values.sum(axis=1)):
        # The comparisons are false for NaN, so this catches it too. The tolerance allows float16.
        if not (values[row].min() >= 0 and abs(total - 1) <= 0.01):
            raise ValueError(
                f"probabilities[{row}] has the sum {total:.4g} and the smallest value "
                f"{values[row].min():.4g}; pass the softmax of the model's logits, "
                "not negative and with the sum 1"
            )
    return values


def check_labels(labels: ArrayLike, images: int, classes: int) -> NDArray[np.int64]:
    """Return ``labels`` as int64 of shape (images,), each from 0 to ``classes`` - 1."""
    numbers = np.asarray(labels)
    if numbers.shape != (images,) or not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(
            f"labels has the shape {numbers.shape} and the type {numbers.dtype}; "
            f"pass {images} class numbers, one integer per image"
        )
    outside = (numbers < 0) | (numbers >= classes)
    if outside.any():
        row = int(outside.argmax())
        raise ValueError(
            f"labels[{row}] is {numbers[row]}; with {classes} classes, "
            f"labels go from 0 to {classes - 1}"
        )
    return numbers.astype(np.int64)


def check_reals(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return ``values`` as float64; NaN and infinity pass, for a plot shows them as missing."""
    array = _numbers(name, values)
    if array.size == 0:
        raise ValueError(f"{name} has the shape {array.shape}, without a value; pass a filled one")
    return array


def _numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array: NDArray[Any] = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} has the type {array.dtype}; pass real numbers")
    return array.astype(np.float64)
