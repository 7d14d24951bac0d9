"""Exponential, logarithm and others from additions, multiplications and divisions alone.

IEEE 754 says what these three and the square root give, to the last bit. It does not say what an
exponential gives: each C library has its own, and NumPy has further ones for some processors, which
differ in the last bit. Here each function is a polynomial, written as steps that NumPy takes one by
one, so that no compiler can fuse two of them into one with another rounding.

All compute in float64, whatever they are given, and return what they were given. The error bounds
are for float64; what is rounded to float32 afterwards is correctly rounded but for a few in ten
million. The functions are close to their values, not correctly rounded, and the same everywhere.

Source: Muller, "Elementary functions: algorithms and implementation", 3rd edition, 2016 (reducing
the argument, sums of two constants); Wichura, "Algorithm AS 241: the percentage points of the
normal distribution", 1988.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numcnn.exact.rounding import Float64s

# Constants in two parts: the first has so few bits that its product with a small integer is exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_HALF_PI_HIGH, _HALF_PI_LOW = 1.57079632673412561417, 6.07710050650619224932e-11
_PER_LN2, _PER_HALF_PI = 1.4426950408889634, 0.6366197723675814

_FACTORIALS = [1.0 / math.factorial(n) for n in range(19)]
_EXP = _FACTORIALS[1:15]
_SIN = [(-1) ** n * _FACTORIALS[2 * n + 1] for n in range(9)]
_COS = [(-1) ** n * _FACTORIALS[2 * n] for n in range(10)]
_LOG = [1.0 / (2 * n + 1) for n in range(12)]


def exp(x: NDArray[Any]) -> Float64s:
    """``e^x``, with a relative error below 4e-16; 0 below -708 and infinite above 709.

    ``e^x = 2^k e^r`` with a whole ``k`` and ``|r| <= ln(2) / 2``, where fourteen terms of the
    exponential's series are enough.
    """
    power, k = _expm1(x)
    scale = _power_of_two(k)
    value = scale + scale * power
    value[x < -708] = 0
    value[x > 709] = np.inf
    return value


def expm1(x: NDArray[Any]) -> Float64s:
    """``e^x - 1`` for ``|x| <= 700``, with a relative error below 1e-15 also where x is near 0."""
    power, k = _expm1(x)
    scale = _power_of_two(k)
    return scale * power + (scale - 1)


def _expm1(x: NDArray[Any]) -> tuple[Float64s, NDArray[np.int64]]:
    """``e^r - 1`` and ``k`` of ``x = k ln(2) + r``."""
    x = np.clip(np.asarray(x, np.float64), -709, 710)
    k = np.rint(x * _PER_LN2)
    r = x - k * _LN2_HIGH
    r -= k * _LN2_LOW
    return r * _polynomial(_EXP, r), np.where(np.isnan(k), 0, k).astype(np.int64)


def log(x: NDArray[Any]) -> Float64s:
    """The natural logarithm, with a relative error below 1e-15.

    ``x = 2^k m`` with ``m`` between ``sqrt(1/2)`` and ``sqrt(2)``, and with
    ``s = (m - 1) / (m + 1)``, ``log(m) = 2 (s + s^3 / 3 + s^5 / 5 + ...)``.
    """
    x = np.asarray(x, np.float64)
    m, k = np.frexp(np.where((x > 0) & (x < np.inf), x, 1))
    low = m < math.sqrt(0.5)
    m, k = np.where(low, 2 * m, m), (k - low).astype(np.float64)
    s = (m - 1) / (m + 1)
    value = 2 * s * _polynomial(_LOG, s * s)
    value += k * _LN2_LOW
    value += k * _LN2_HIGH
    value = np.where(x == 0, -np.inf, value)
    return np.where(x < 0, np.nan, np.where(x < np.inf, value, x))


def log1p(x: NDArray[Any]) -> Float64s:
    """``log(1 + x)``, with a relative error below 1e-15 also where x is near 0.

    What rounding takes from ``u = 1 + x`` is put back by the factor ``x / (u - 1)``.
    """
    x = np.asarray(x, np.float64)
    u = 1 + x
    lost = u - 1
    is_small, is_infinite = lost == 0, np.isinf(u)
    factor = np.where(is_infinite, 1, x) / np.where(is_small | is_infinite, 1, lost)
    return np.where(is_small, x, log(u) * factor)


def tanh(x: NDArray[Any]) -> Float64s:
    """The hyperbolic tangent, with a relative error below 2e-15.

    With ``t = e^(-2 |x|) - 1``, it is ``-t / (t + 2)`` with the sign of x. Beyond 20 it is 1.
    """
    x = np.asarray(x, np.float64)
    t = expm1(-2 * np.minimum(np.abs(x), 20))
    return np.copysign(-t / (t + 2), x)


def sine(x: NDArray[Any]) -> Float64s:
    """The sine, with an absolute error below 4e-16 for ``|x| <= 1000``."""
    return _circle(x, 0)


def cosine(x: NDArray[Any]) -> Float64s:
    """The cosine, with an absolute error below 4e-16 for ``|x| <= 1000``."""
    return _circle(x, 1)


def tangent(x: NDArray[Any]) -> Float64s:
    """The tangent: the sine divided by the cosine."""
    return sine(x) / cosine(x)


def _circle(x: NDArray[Any], quarters: int) -> Float64s:
    """The sine of ``x + quarters pi / 2``: of what is left, or its cosine, by the quarter."""
    x = np.asarray(x, np.float64)
    k = np.rint(x * _PER_HALF_PI)
    r = x - k * _HALF_PI_HIGH
    r -= k * _HALF_PI_LOW
    square = r * r
    quarter = (np.where(np.isnan(k), 0, k).astype(np.int64) + quarters) % 4
    value = np.where(quarter % 2 == 0, r * _polynomial(_SIN, square), _polynomial(_COS, square))
    return np.where(quarter >= 2, -value, value)


def normal(uniform: Float64s) -> Float64s:
    """The number that a standard normal variable is below with the given probability.

    With a relative error below 2e-15. Of uniform numbers it makes normal ones; 0 is taken as
    ``2^-54``, half of the smallest other one that NumPy draws.
    """
    p = np.asarray(uniform, np.float64)
    q = p - 0.5
    r = 0.180625 - q * q
    middle = q * _polynomial(_MIDDLE[0], r) / _polynomial(_MIDDLE[1], r)
    tail = np.sqrt(-log(np.maximum(np.minimum(p, 1 - p), 2.0**-54)))
    near = _polynomial(_NEAR[0], tail - 1.6) / _polynomial(_NEAR[1], tail - 1.6)
    far = _polynomial(_FAR[0], tail - 5) / _polynomial(_FAR[1], tail - 5)
    outer = np.copysign(np.where(tail <= 5, near, far), q)
    return np.where(np.abs(q) <= 0.425, middle, outer)


def whole_power(x: Any, exponent: int) -> Any:
    """``x^exponent`` by squaring, in an order that follows from the exponent alone."""
    if exponent < 0:
        return 1 / whole_power(x, -exponent)
    result = x * 0 + 1
    while exponent:
        if exponent & 1:
            result = result * x
        x = x * x
        exponent >>= 1
    return result


def cos(x: float) -> float:
    """The cosine of a plain number; see `cosine`."""
    return _plain(cosine, x)


def pow(x: float, y: float) -> float:  # noqa: A001 (the name that it has in math)
    """``x^y`` of plain numbers: by squaring where y is whole, else ``exp(y log(x))``, ``x > 0``."""
    if y == int(y):
        return float(whole_power(x, int(y)))
    return _plain(exp, y * _plain(log, x))


def _plain(function: Callable[[NDArray[Any]], Float64s], x: float) -> float:
    return float(function(np.array([x], np.float64))[0])


def _polynomial(coefficients: Sequence[float], x: Float64s) -> Float64s:
    """``c_0 + x (c_1 + x (c_2 + ...))``: Horner's rule, a product and a sum at a time."""
    value = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value *= x
        value += coefficient
    return value


def _power_of_two(k: NDArray[np.int64]) -> Float64s:
    """``2^k`` for ``-1022 <= k <= 1023``, written as its bits."""
    return ((np.clip(k, -1022, 1023) + 1023) << 52).view(np.float64)


# Wichura's: of the numerator and the denominator, in rising order.
_MIDDLE = (
    [
        *(3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427),
        *(13731.693765509461125, 45921.953931549871457, 67265.770927008700853),
        *(33430.575583588128105, 2509.0809287301226727),
    ],
    [
        *(1.0, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077),
        *(21213.794301586595867, 39307.895800092710610, 28729.085735721942674),
        5226.4952788528545610,
    ],
)
_NEAR = (
    [
        *(1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550),
        *(3.64784832476320460504, 1.27045825245236838258, 0.241780725177450611770),
        *(0.0227238449892691845833, 7.74545014278341407640e-4),
    ],
    [
        *(1.0, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550),
        *(0.148103976427480074590, 0.0151986665636164571966, 5.47593808499534494600e-4),
        1.05075007164441684324e-9,
    ],
)
_FAR = (
    [
        *(6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580),
        *(0.296560571828504891230, 0.0265321895265761230930, 1.24266094738807843860e-3),
        *(2.71155556874348757815e-5, 2.01033439929228813265e-7),
    ],
    [
        *(1.0, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525),
        *(7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7),
        2.04426310338993978564e-15,
    ],
)
