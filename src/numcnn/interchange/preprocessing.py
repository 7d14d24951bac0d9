"""From raw pixels, which numcnn takes, to what a network from elsewhere was trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

import numpy as np

from numcnn.interchange.layer_path import Number
from numcnn.nn.validation import number

PIXELS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"0..255": (1.0, 0.0), "0..1": (1 / 255, 0.0), "-1..1": (2 / 255, -1.0)}
)
"""The ranges that networks want black and white in: a scale and a shift of pixels of 0 to 255."""


@final
@dataclass(frozen=True)
class Preprocessing:
    """How raw pixels become what the network was trained on.

    Attributes:
        pixels: The range of the pixels: "0..255", "0..1" or "-1..1".
        mean: What was subtracted after that, a number for each channel; empty for nothing.
        std: What it was divided by after that; empty for nothing.
    """

    pixels: str = "0..255"
    mean: Sequence[float] = ()
    std: Sequence[float] = ()

    def __post_init__(self) -> None:
        if self.pixels not in PIXELS:
            raise ValueError(f"pixels is {self.pixels!r}; choose one of {', '.join(PIXELS)}")
        for name in ("mean", "std"):
            for value in getattr(self, name):
                number(name, value)
        if min(self.std, default=1) <= 0:
            raise ValueError(f"std is {min(self.std)}; give positive numbers")

    def scale_and_shift(self) -> tuple[Number, Number]:
        """What raw pixels are multiplied with, and what is added then; single or by channel."""
        scale, shift = PIXELS[self.pixels]
        mean, std = (np.array(values, np.float64) for values in (self.mean, self.std))
        scales = scale / (std if std.size else 1.0)
        shifts = (shift - (mean if mean.size else 0.0)) / (std if std.size else 1.0)
        return _plain(scales), _plain(shifts)


def _plain(value: Number) -> Number:
    array = np.asarray(value, np.float64)
    return float(array.reshape(-1)[0]) if array.size == 1 else array
