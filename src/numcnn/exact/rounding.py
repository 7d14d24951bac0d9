"""Products and sums without rounding, so that no order of summation can change a bit.

**What is wrong with a sum.** A float64 number has 53 bits. Each addition rounds what does not fit,
and what does not fit depends on what was added before: ``(a + b) + c`` is not ``a + (b + c)``. The
steps in between are called *partial sums*. A library that multiplies matrices (BLAS) takes them in
whatever order suits the processor, its cache and the number of threads. So the same program gives
other last bits on another machine, and after a thousand steps of a training, other weights.

**What is done about it.** Before anything is summed, every number is rounded to a multiple of one
*unit*, a power of two that is chosen so large that 53 bits are enough for every partial sum. Then
nothing is ever rounded again: all partial sums are exact, whatever their order, and so the total is
one number, the same everywhere. The rounding comes before the sum, number by number, and one number
alone has no order.

With ``p`` bits, the unit is ``2^(e - p)`` where all numbers are below ``2^e``, and every number is
a whole number of units, up to ``2^p`` of them. A sum of ``n`` numbers has at most ``n 2^p`` units,
which fits into 53 bits if ``p <= 53 - log2(n)``. A product of one number of ``p`` bits and one of
``q`` has ``p + q`` bits, so a sum of ``n`` products fits if ``p + q <= 53 - log2(n)``.

**Why a power of two.** Multiplying by it only changes the exponent, so that taking units in and out
rounds nothing. It also makes rounding to the unit two plain additions: for ``M = 1.5 2^52 unit``,
a float64 number as large as ``M`` has no bits below the unit, so ``x + M`` has lost them, and
taking ``M`` off again is exact. IEEE 754 fixes the result of an addition to the last bit.

**What it costs in precision.** A number is off by half a unit, ``2^-(p + 1)`` of the largest one
that shares its unit. For products of 25,088 terms, p is 19, where float32 has 24 bits relative to
each number by itself: the products' relative error is about 1e-5. For products of at most 32 terms
p is 24, as in float32.

Sources: Rump, Ogita and Oishi, "Accurate floating-point summation part I: faithful rounding", 2008
(extracting leading bits by adding and subtracting a power of two); Demmel and Nguyen, "Parallel
reproducible summation", 2015; Ozaki, Ogita, Oishi and Rump, "Error-free transformations of matrix
multiplication by using fast routines of matrix multiplication and its applications", 2012.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = 53
"""How many bits a float64 number has, with the one that is not stored."""

Float64s = NDArray[np.float64]


def summand_bits(count: int) -> int:
    """How many bits each of ``count`` numbers may have, so that every partial sum is exact."""
    return BITS - _log2(count)


def factor_bits(count: int) -> tuple[int, int]:
    """How many bits the factors of ``count`` products may have: of the left and the right one."""
    both = BITS - _log2(count)
    return both // 2, both - both // 2


def _log2(count: int) -> int:
    """The logarithm of a count, rounded up: what summing so many numbers adds to their bits."""
    return max(count - 1, 0).bit_length()


def magic(largest: NDArray[Any], bits: int) -> Float64s:
    """The number to add and subtract again, so that others are rounded to units.

    Args:
        largest: At least as large as the absolute value of each number, of any shape.
        bits: How many the numbers keep.

    Returns:
        ``1.5 2^52 unit``, where ``unit = 2^(e - bits)`` and ``2^(e - 1) <= largest < 2^e``.
    """
    exponent = np.frexp(np.asarray(largest, np.float64))[1]
    return np.ldexp(1.5, exponent + (BITS - 1 - bits))


def rounded(
    x: NDArray[Any], largest: NDArray[Any], bits: int, out: Float64s | None = None
) -> Float64s:
    """Round numbers to ``bits`` bits, relative to the largest; see `magic`."""
    m = magic(largest, bits)
    whole = np.add(x, m, dtype=np.float64, out=out)
    whole -= m
    return whole
