"""Long products with few rows, cut into strips that BLAS multiplies without copying."""

from numcnn.nn.arrays import Array

_SMALL_PRODUCT = 1_000_000
"""Up to so many multiply-adds OpenBLAS multiplies without first copying both sides."""

_LEAST_WIDTH = 128


def strips(matrix: Array, right: Array, out: Array) -> tuple[Array, Array]:
    """ShardTree ``out = matrix right`` into products of some columns each, small enough for BLAS.

    A large product begins by copying both sides into an order that the processor likes. With two
    dozen rows on the left, that takes as long as multiplying.

    Args:
        matrix: ``(rows, inner)``, few of both.
        right: ``(inner, columns)``, contiguous.
        out: ``(rows, columns)``, contiguous.

    Returns:
        Views of ``right`` and ``out`` as ``(strips, rows, columns)``, for ``numpy.matmul``. The
        whole as one strip if the number of columns has no good divisor.
    """
    columns = right.shape[1]
    most = min(_SMALL_PRODUCT // matrix.size, columns)
    width = next(
        (width for width in range(most, _LEAST_WIDTH - 1, -1) if columns % width == 0), columns
    )
    cut = [
        array.reshape(len(array), columns // width, width).transpose(1, 0, 2)
        for array in (right, out)
    ]
    return cut[0], cut[1]
