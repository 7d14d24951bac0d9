"""Where the numbers of another program's array lie among those of numcnn's.

Programs that have their images channels first, that flatten, transpose and reshape, move no number
into another value: they count the same ones in another order. An axis of theirs is therefore kept
as *factors*, each a size and a stride in numcnn's array, the slowest first. An image
``(channels, height, width)`` of theirs that is numcnn's ``(4, 5, 3)`` has the axes ``((3, 1),)``,
``((4, 15),)``, ``((5, 3),)``, and flattened the one axis ``((3, 1), (4, 15), (5, 3))``. This takes
no memory, however large the array is.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn import Shape

Axis = tuple[tuple[int, int], ...]
"""Factors (size, stride); none for an axis of size 1."""


@final
@dataclass(frozen=True)
class AxisLayout:
    """An array of another program's, without the batch axis, as an order of numcnn's numbers.

    Attributes:
        shape: numcnn's, without the batch axis.
        axes: Theirs.
    """

    shape: Shape
    axes: tuple[Axis, ...]

    @staticmethod
    def same(shape: Shape) -> "AxisLayout":
        """Theirs is numcnn's."""
        strides = [math.prod(shape[place + 1 :]) for place in range(len(shape))]
        return AxisLayout(
            shape, tuple(_axis([factor]) for factor in zip(shape, strides, strict=True))
        )

    @staticmethod
    def channels_first(shape: Shape) -> "AxisLayout":
        """Theirs is ``(channels, height, width)``, and numcnn's ``(height, width, channels)``."""
        return AxisLayout.same(shape).transposed((2, 0, 1))

    @property
    def sizes(self) -> Shape:
        """Their shape."""
        return tuple(math.prod(size for size, _ in axis) for axis in self.axes)

    @property
    def is_same(self) -> bool:
        """Whether theirs is numcnn's."""
        return self == AxisLayout.same(self.shape)

    @property
    def is_channels_first(self) -> bool:
        """Whether theirs is numcnn's image, channels first."""
        return len(self.shape) == 3 and self == AxisLayout.channels_first(self.shape)

    def transposed(self, order: Sequence[int]) -> "AxisLayout":
        """Theirs with its axes in another order."""
        return replace(self, axes=tuple(self.axes[place] for place in order))

    def reshaped(self, sizes: Sequence[int]) -> "AxisLayout":
        """Theirs with other axes, the numbers counted in the same order.

        Raises:
            ValueError: It would cut numcnn's axes into pieces that no step has.
        """
        left = list(_axis(factor for axis in self.axes for factor in axis))
        axes = []
        for size in sizes:
            factors, wanted = [], size
            while wanted > 1:
                have, stride = left.pop(0)
                if have > wanted and have % wanted == 0:
                    rest = have // wanted
                    left.insert(0, (rest, stride))
                    have, stride = wanted, stride * rest
                if wanted % have:
                    raise ValueError(
                        f"{_shown(self.sizes)} reshaped to {_shown(sizes)} cuts across its axes"
                    )
                factors.append((have, stride))
                wanted //= have
            axes.append(_axis(factors))
        return replace(self, axes=tuple(axes))

    def flat(self) -> "AxisLayout":
        """The same array of theirs when numcnn's has been flattened."""
        return replace(self, shape=(math.prod(self.shape),))

    def is_last(self, place: int) -> bool:
        """Whether an axis of theirs is numcnn's last one, along which features or channels lie."""
        return self.axes[place] == _axis([(self.shape[-1], 1)])

    def places(self) -> NDArray[np.intp]:
        """For each number of theirs, counted in their order, its place among numcnn's."""
        found = np.zeros(1, np.intp)
        for axis in self.axes:
            for size, stride in axis:
                found = (found[:, np.newaxis] + stride * np.arange(size)).ravel()
        return found


def _axis(factors: Iterable[tuple[int, int]]) -> Axis:
    """Factors in the one way to write them: none of size 1, none that the next one goes on."""
    found: list[tuple[int, int]] = []
    for size, stride in factors:
        if size == 1:
            continue
        if found and found[-1][1] == size * stride:
            found[-1] = found[-1][0] * size, stride
        else:
            found.append((size, stride))
    return tuple(found)


def _shown(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes)) or "a number"
