"""Random rotation, shift, zoom and shear, composed into one map so that pixels blur only once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numcnn.augmentation.base import Augmentation, FloatImages, check_range
from numcnn.augmentation.sampling import Fill, sample_bilinear
from numcnn.random_streams import Draw


@final
@dataclass(frozen=True)
class RandomAffine(Augmentation):
    """Rotate, shift, zoom and shear each image a little, about its middle.

    Each of these is drawn uniformly from a range around doing nothing, and all are composed into
    one affine map (see `inverse_maps`), by which the image is resampled once.

    Attributes:
        rotation: The largest angle, in degrees, to either side.
        shift: The largest shift, as a fraction of height and width, or two: ``(vertical,
            horizontal)``.
        zoom: The largest change of size: with 0.1, things get from 0.9 to 1.1 times as large.
        shear: The largest angle, in degrees, by which upright lines lean to either side.
        fill: What comes in from outside: a gray level, or ``"edge"`` for the nearest pixel.

    Raises:
        ValueError: A setting is out of range.
    """

    rotation: float = 0.0
    shift: float | tuple[float, float] = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    fill: float | Literal["edge"] = 0.0

    def __post_init__(self) -> None:
        check_range("rotation", self.rotation, 0, 180)
        for amount in self._shifts():
            check_range("shift", amount, 0, 1)
        check_range("zoom", self.zoom, 0, 0.9)
        check_range("shear", self.shear, 0, 60)
        check_fill(self.fill)

    def apply(self, images: FloatImages, draw: Draw) -> FloatImages:
        """Resample the images by maps of their own."""
        return warp_affine(images, self.draw_maps(images.shape[:3], draw.rng), self.fill)

    def views(self, images: FloatImages) -> Iterator[FloatImages]:
        """The images, turned both ways, and shifted up, down, left and right."""
        yield images
        height, width = images.shape[1:3]
        vertical, horizontal = self._shifts()
        changes: list[tuple[str, float]] = [
            ("rotation", self.rotation),
            ("down", vertical * height),
            ("right", horizontal * width),
        ]
        for what, most in changes:
            for amount in (most / 2, -most / 2) if most else ():
                moved = inverse_maps((height, width), **{what: np.full(len(images), amount)})
                yield warp_affine(images, moved, self.fill)

    def draw_maps(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw a map for each image.

        Args:
            shape: ``(count, height, width)``.
            rng: Where the chance comes from.

        Returns:
            float32 ``(count, 2, 3)``, as `inverse_maps` gives them.
        """
        count, height, width = shape
        # All are drawn always, so that one setting does not change what another one draws.
        angle, lean, size, down, right = rng.uniform(-1, 1, (5, count))
        vertical, horizontal = self._shifts()
        return inverse_maps(
            (height, width),
            rotation=self.rotation * angle,
            shear=self.shear * lean,
            zoom=1 + self.zoom * size,
            down=vertical * height * down,
            right=horizontal * width * right,
        )

    def _shifts(self) -> tuple[float, float]:
        if isinstance(self.shift, (int, float)):
            return self.shift, self.shift
        if len(self.shift) != 2:
            raise ValueError(
                f"shift is {self.shift!r}; give one fraction, or (vertical, horizontal)"
            )
        return self.shift


def inverse_maps(
    size: tuple[int, int],
    *,
    rotation: ArrayLike = 0.0,
    shear: ArrayLike = 0.0,
    zoom: ArrayLike = 1.0,
    down: ArrayLike = 0.0,
    right: ArrayLike = 0.0,
) -> NDArray[np.float32]:
    """Compose the maps from an output pixel to the place in the input that it comes from.

    A point ``p = (row, column)`` of the input, measured from the image's middle ``m``, goes to
    ``A (p - m) + m + t`` with ``A = zoom * rotation * shear``; rows count downward. To fill every
    output pixel exactly once, the map is run backward: ``p = A^-1 (q - m - t) + m``.

    Args:
        size: ``(height, width)``.
        rotation: Degrees counterclockwise, ``(count,)`` or a number, as all that follow.
        shear: Degrees by which upright lines lean to the right.
        zoom: How many times as large things get.
        down: Shift in pixels.
        right: Shift in pixels.

    Returns:
        float32 ``(count, 2, 3)``: ``B`` and ``c`` such that ``p = B q + c``.
    """
    turn, lean, scale, down, right = np.broadcast_arrays(
        *(
            np.atleast_1d(np.asanyarray(v, np.float64))
            for v in (rotation, shear, zoom, down, right)
        ),
        subok=True,
    )
    turn, slope = np.radians(turn), np.tan(np.radians(lean))
    cos, sin = np.cos(turn), np.sin(turn)
    # In (row, column) coordinates: rotation R = [[cos, -sin], [sin, cos]] (a point to the right
    # goes up), shear S = [[1, 0], [-slope, 1]] (a point above goes right). B = S^-1 R^-1 / zoom,
    # where R^-1 = [[cos, sin], [-sin, cos]] and S^-1 = [[1, 0], [slope, 1]].
    maps = np.empty((len(turn), 2, 3))
    maps[:, 0, 0] = cos / scale
    maps[:, 0, 1] = sin / scale
    maps[:, 1, 0] = (slope * cos - sin) / scale
    maps[:, 1, 1] = (slope * sin + cos) / scale
    middle = (np.array(size) - 1) / 2
    offset = middle + np.stack([down, right], axis=1)
    moved = maps[:, :, 0] * offset[:, :1] + maps[:, :, 1] * offset[:, 1:]
    maps[:, :, 2] = middle - moved
    return maps.astype(np.float32)


def warp_affine(images: FloatImages, maps: NDArray[np.float32], fill: Fill = 0.0) -> FloatImages:
    """Resample each image by its own affine map.

    Args:
        images: float32 ``(count, height, width, channels)``.
        maps: float32 ``(count, 2, 3)``, as `inverse_maps` gives them.
        fill: What comes in from outside: a gray level, or ``"edge"`` for the nearest pixel.

    Returns:
        float32 of the images' shape.
    """
    _, height, width, _ = images.shape
    down = np.arange(height, dtype=np.float32)[:, np.newaxis]
    right = np.arange(width, dtype=np.float32)
    # An affine function of two variables is a function of one plus a function of the other: a
    # product for each row and each column, and only a sum for each pixel.
    m = maps[:, :, :, np.newaxis, np.newaxis]
    rows = (m[:, 0, 0] * down + m[:, 0, 2]) + m[:, 0, 1] * right
    columns = (m[:, 1, 0] * down + m[:, 1, 2]) + m[:, 1, 1] * right
    return sample_bilinear(images, rows, columns, fill)


def check_fill(fill: Fill) -> None:
    """Refuse what is neither a gray level nor ``"edge"``.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(fill, str):
        if fill != "edge":
            raise ValueError(f'fill is {fill!r}; give a gray level from 0 to 255, or "edge"')
    else:
        check_range("fill", fill, 0, 255)
