"""Many arrays stored in one flat vector, so that all weights can be handled as one.

An optimizer then is its paper's formula on a vector, a checkpoint is one array, and gradients that
are computed apart are summed in one place.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from numcnn.nn.arrays import Array


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
