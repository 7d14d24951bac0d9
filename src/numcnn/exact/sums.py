"""Sums, means and matrix products whose partial sums are all exact; see `numcnn.exact.rounding`.

Large arrays are gone through in blocks that fit a core's cache, on several threads. That changes no
bit: the totals of the blocks are exact too, and so is their sum.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numcnn.exact.rounding import Float64s, factor_bits, magic, rounded, summand_bits

_BLOCK = 32_768
"""Numbers a block: as float64, a quarter of a megabyte."""

_KEPT = 8 * _BLOCK
"""Numbers that a thread keeps memory for at most."""

Spread = Callable[[Callable[[int], None], int], None]
"""Runs a task for each of so many places, perhaps on several threads."""


class _Scratch(threading.local):
    """Memory that a thread uses again and again: taking it anew each time costs more than adding.

    Attributes:
        buffers: By purpose.
    """

    def __init__(self) -> None:
        self.buffers: dict[str, Float64s] = {}


_SCRATCH = _Scratch()


def _scratch(purpose: str, shape: tuple[int, ...]) -> Float64s:
    """An array with anything in it, until the same thread asks again for the same purpose."""
    size = math.prod(shape)
    buffer = _SCRATCH.buffers.get(purpose)
    if buffer is None or buffer.size < size:
        buffer = np.empty(size)
        if size <= _KEPT:
            _SCRATCH.buffers[purpose] = buffer
    return buffer[:size].reshape(shape)


def one_by_one(task: Callable[[int], None], count: int) -> None:
    """Run a task for each place, one after another."""
    for place in range(count):
        task(place)


SPREAD: ContextVar[Spread] = ContextVar("SPREAD", default=one_by_one)
"""What goes through the blocks of large arrays."""


def multiply(a: Float64s, b: Float64s, out: Float64s) -> None:
    """The product of whole numbers of units, by the linear algebra library, in its order."""
    np.matmul(a, b, out=out)


def add_up(x: Float64s, axes: tuple[int, ...], keepdims: bool = False) -> Float64s:
    """The sum of whole numbers of units, by NumPy, in its order."""
    total_: Float64s = np.asarray(np.add.reduce(x, axis=axes, keepdims=bool(keepdims)))  # type: ignore[call-overload]
    return total_


def largest(x: NDArray[Any], axes: tuple[int, ...] | None = None) -> NDArray[Any]:
    """The largest absolute value; along some axes, which are kept, or of all."""
    # Two passes that keep nothing are faster than one that stores absolute values.
    if axes is None:
        return np.maximum(x.max(initial=0), -x.min(initial=0))
    top = np.maximum.reduce(x, axis=axes, keepdims=True, initial=0)
    return np.maximum(top, -np.minimum.reduce(x, axis=axes, keepdims=True, initial=0))


def total(x: NDArray[Any], axes: tuple[int, ...], keepdims: bool = False) -> Float64s:
    """Sum along axes.

    Each sum has a unit of its own, by its largest summand.

    Args:
        x: Numbers of any real dtype.
        axes: From 0 to ``x.ndim - 1``.
        keepdims: Whether to leave the axes there, with length 1.
    """
    if axes == tuple(range(x.ndim - 1)) and x.size > _BLOCK:
        sums = column_totals([x.reshape(-1, x.shape[-1])])
        return sums.reshape((1,) * len(axes) + sums.shape) if keepdims else sums
    count = math.prod(x.shape[axis] for axis in axes)
    whole = rounded(x, largest(x, axes), summand_bits(count))
    # A sum of negative zeros may be a zero of either sign, by how it began.
    return add_up(whole, axes, keepdims) + 0.0


def column_totals(pieces: Sequence[NDArray[Any]]) -> Float64s:
    """The sum of each column; see `total`.

    Args:
        pieces: Each ``(rows, columns)``, in any order.
    """
    columns = pieces[0].shape[1]
    bits = summand_bits(sum(len(piece) for piece in pieces))
    # Several rows side by side make long rows, which NumPy goes through faster.
    side = max(1024 // columns, 1)
    step = max(_BLOCK // (side * columns), 1)
    blocks = []
    for piece in pieces:
        wide = len(piece) // side * side
        for part in (piece[:wide].reshape(-1, side * columns), piece[wide:]):
            blocks += [part[i : i + step] for i in range(0, len(part), step)]
    found = np.zeros((len(blocks), columns))

    def find(place: int) -> None:
        tops = largest(blocks[place], (0,)).reshape(-1, columns)
        found[place] = np.maximum.reduce(tops, axis=0)

    SPREAD.get()(find, len(blocks))
    m = magic(np.maximum.reduce(found, axis=0, initial=0), bits)

    def add(place: int) -> None:
        block = blocks[place]
        shifts = np.tile(m, block.shape[1] // columns)
        whole = np.add(block, shifts, dtype=np.float64)
        whole -= shifts
        found[place] = add_up(add_up(whole, (0,)).reshape(-1, columns), (0,))

    SPREAD.get()(add, len(blocks))
    return add_up(found, (0,)) + 0.0


def product(a: NDArray[Any], b: NDArray[Any], examples: int, dtype: Any) -> NDArray[Any]:
    """``a @ b``, where the rows of ``a`` belong to examples and ``b`` to none.

    Each example's rows have a unit of their own, so that its result does not depend on what else
    is in the batch. All of ``b`` has one.

    Args:
        a: ``(rows, inner)``.
        b: ``(inner, columns)``.
        examples: How many there are, each with as many rows as the others.
        dtype: Of the result.
    """
    rows, inner = a.shape
    left, right = factor_bits(inner)
    factor = rounded(b, largest(b), right)
    each = rows // examples
    by_example = a.reshape(examples, each, inner)
    columns = b.shape[1]
    result = np.empty((examples, each, columns), dtype)
    step = max(_BLOCK // max(each * inner, 1), 1)
    starts = range(0, examples, step)

    def multiply_some(place: int) -> None:
        some = by_example[starts[place] : starts[place] + step]
        flat = some.reshape(len(some), -1)
        whole = rounded(flat, largest(flat, (1,)), left, _scratch("left", flat.shape))
        out = _scratch("out", (len(some) * each, columns))
        multiply(whole.reshape(-1, inner), factor, out)
        # A sum of negative zeros may be a zero of either sign, by how it began.
        place_of = result[starts[place] : starts[place] + step].reshape(out.shape)
        np.add(out, 0.0, out=place_of, casting="same_kind")

    SPREAD.get()(multiply_some, len(starts))
    return result.reshape(rows, columns)


def outer_products(pairs: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> Float64s:
    """``x^T dy``, a sum over all rows, which are those of a whole batch.

    All ``x`` have one unit, and so have all ``dy``.

    Args:
        pairs: The batch in pieces, in any order: ``x`` of shape ``(rows, inputs)``, and ``dy`` of
            ``(rows, outputs)``.

    Returns:
        ``(inputs, outputs)``.
    """
    (_, inputs), (_, outputs) = (part.shape for part in pairs[0])
    left, right = factor_bits(sum(len(x) for x, _ in pairs))
    step = max(_BLOCK // (inputs + outputs), 1)
    blocks = [
        (x[i : i + step], dy[i : i + step]) for x, dy in pairs for i in range(0, len(x), step)
    ]
    tops = np.zeros((2, len(blocks)))

    def find(place: int) -> None:
        x, dy = blocks[place]
        tops[:, place] = largest(x), largest(dy)

    SPREAD.get()(find, len(blocks))
    m_left, m_right = magic(tops[0].max(initial=0), left), magic(tops[1].max(initial=0), right)
    total_ = np.zeros((inputs, outputs))

    def multiply_some(place: int) -> None:
        x, dy = blocks[place]
        a = np.add(x, m_left, out=_scratch("left", x.shape))
        b = np.add(dy, m_right, out=_scratch("right", dy.shape))
        a -= m_left
        b -= m_right
        out = _scratch("out", (inputs, outputs))
        multiply(a.T, b, out)
        # Whole numbers of units, so it does not matter who adds first.
        with lock:
            np.add(total_, out, out=total_)

    lock = threading.Lock()
    SPREAD.get()(multiply_some, len(blocks))
    return total_ + 0.0


def any_product(a: NDArray[Any], b: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """``a @ b`` of any shapes that NumPy multiplies; both have one unit each."""
    left, right = factor_bits(a.shape[-1])
    whole = np.empty(np.matmul(np.empty((*a.shape[:-1], 0)), np.empty(_with_no_inner(b))).shape)
    multiply(rounded(a, largest(a), left), rounded(b, largest(b), right), whole)
    return (whole + 0.0).astype(dtype)


def _with_no_inner(b: NDArray[Any]) -> tuple[int, ...]:
    return (0,) if b.ndim == 1 else (*b.shape[:-2], 0, b.shape[-1])
