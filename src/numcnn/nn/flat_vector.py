"""Many arrays stored in one flat vector, so that all weights can be handled as one.

An optimizer is its paper's formula on one vector then, and a checkpoint is one array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from numcnn.nn.arrays import Array
from numcnn.nn.habits import NotCallableError


@final
class ParameterVector(np.ndarray):
    """A model's parameters: an array like any other, that says so to who calls it by habit."""

    def __call__(self, *_: Any) -> NoReturn:
        """Refuse.

        Raises:
            NotCallableError: Always.
        """
        raise NotCallableError(
            "parameters is an array, and no method: one vector of all parameters. Take "
            "model.parameters, as in optimizer.step(model.parameters, gradient)"
        )

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """What is computed from it is a plain array."""
        plain: NDArray[Any] = np.asarray(array)
        return plain[()] if return_scalar else plain


def flat_vector(
    arrays: Sequence[Array], dtype: DTypeLike = np.float32
) -> tuple[Array, list[Array]]:
    """Copy ``arrays`` into one vector, and return it with a view of each array's part.

    Args:
        arrays: Of any shapes.
        dtype: The vector's dtype.

    Returns:
        The vector, and views of it with the arrays' shapes. Writing into either changes both.
    """
    vector = np.empty(sum(array.size for array in arrays), dtype)
    views, start = [], 0
    for array in arrays:
        part = vector[start : start + array.size].reshape(array.shape)
        part[...] = array
        views.append(part)
        start += array.size
    return vector, views
