"""Matrix products that add up in another order, as those of another processor do.

In which order a product's terms are added is the linear algebra library's choice, by the processor
that it finds. Here, products of float32 numbers are cut along their inner dimension, and the parts
are added in an order of one's own.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np

from numcnn.engine import op, plan, workspace
from numcnn.nn import Array, model
from numcnn.nn.flat_vector import flat_vector

ORDERS: dict[str, Callable[[int], list[slice]]] = {
    "halves, the second first": lambda n: [slice(n // 2, n), slice(n // 2)],
    "every fourth": lambda n: [slice(start, n, 4) for start in range(4)],
    "eighths, backward": lambda n: [
        slice(part * n // 8, (part + 1) * n // 8) for part in range(7, -1, -1)
    ],
}
"""From the length of the inner dimension to its parts, in the order in which they are added."""


class Reordered(np.ndarray):
    """An array whose products with others (``@``, `numpy.matmul`, `numpy.dot`) add up by `order`.

    All that is computed from it is such an array again.
    """

    order: Callable[[int], list[slice]] | None = None

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        inputs = tuple(map(_plain, inputs))
        if out:
            kwargs["out"] = tuple(map(_plain, out))
        compute = _product if ufunc is np.matmul else getattr(ufunc, method)
        result = compute(*inputs, **kwargs)
        if out:
            return out[0]
        return result.view(Reordered) if isinstance(result, np.ndarray) else result

    def __array_function__(self, func, types, args, kwargs):
        if func is np.dot:
            # Where the engine calls it, the two are the same.
            return np.matmul(*args, **kwargs)
        return super().__array_function__(func, types, args, kwargs)


def _plain(array):
    return array.view(np.ndarray) if isinstance(array, Reordered) else array


def _product(left: Array, right: Array, out: tuple[Array, ...] = ()) -> Array:
    if Reordered.order is None or np.result_type(left, right) != np.float32:
        total = np.matmul(left, right)
    else:
        parts = Reordered.order(left.shape[-1])
        total = sum(
            np.matmul(left[..., part], right[part] if right.ndim == 1 else right[..., part, :])
            for part in parts
        )
    if out:
        out[0][...] = total
    return total


@contextmanager
def a_kernel(name: str) -> Iterator[None]:
    """Have the layers and the engine of models that are built here multiply in one of `ORDERS`."""

    def aligned(count: int) -> Array:
        return arena_aligned(count).view(Reordered)

    def laid_out(arrays, dtype=np.float32):
        vector, views = flat_vector(arrays, dtype)
        return vector, [view.view(Reordered) for view in views]

    arena_aligned = workspace.aligned
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(Reordered, "order", staticmethod(ORDERS[name])))
        stack.enter_context(mock.patch.object(model, "flat_vector", laid_out))
        for module in (workspace, plan, op):
            stack.enter_context(mock.patch.object(module, "aligned", aligned))
        yield
