"""Against values of fifty digits, by the decimal module."""

import decimal
import math
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numcnn.exact import functions

DIGITS = decimal.Context(prec=60)
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")


def exp(x: Decimal) -> Decimal:
    return DIGITS.exp(x)


def tanh(x: Decimal) -> Decimal:
    double = exp(2 * abs(x))
    return ((double - 1) / (double + 1)).copy_sign(x)


def series(first: Decimal, following: Callable[[Decimal, int], Decimal]) -> Decimal:
    """Sum terms until they are too small to matter."""
    term, total, n = first, Decimal(0), 0
    while abs(term) > Decimal("1e-45") or n < 3:
        total += term
        n += 1
        term = following(term, n)
    return total


def sine(x: Decimal) -> Decimal:
    x = x % (2 * PI)
    return series(x, lambda term, n: -term * x * x / ((2 * n) * (2 * n + 1)))


@pytest.mark.parametrize(
    ("function", "truth", "least", "most", "relative", "absolute"),
    [
        (functions.exp, exp, -700, 700, 4e-16, 0),
        (functions.expm1, lambda x: exp(x) - 1, -40, 40, 1e-15, 0),
        (functions.log, DIGITS.ln, 1e-300, 1e300, 1e-15, 0),
        (functions.log1p, lambda x: DIGITS.ln(1 + x), -0.9, 50, 1e-15, 0),
        (functions.tanh, tanh, -30, 30, 2e-15, 0),
        (functions.sine, sine, -1000, 1000, 0, 4e-16),
        (functions.cosine, lambda x: sine(x + PI / 2), -1000, 1000, 0, 4e-16),
    ],
    ids=["exp", "expm1", "log", "log1p", "tanh", "sine", "cosine"],
)
def test_as_near_as_the_docstring_says(function, truth, least, most, relative, absolute):
    # Nearer to 0 the sixty digits of the truth are not enough, where it is a difference.
    numbers = st.floats(least, most).filter(lambda x: x == 0 or abs(x) > 1e-20 or least > 0)

    @given(numbers)
    def hold(x):
        with decimal.localcontext(DIGITS):
            expected = truth(Decimal(x))
            error = abs(Decimal(float(function(np.array([x]))[0])) - expected)
            assert error <= Decimal(relative) * abs(expected) + Decimal(absolute) + Decimal(
                "5e-324"
            )

    hold()


@pytest.mark.parametrize(
    ("function", "x", "y"),
    [
        (functions.exp, [-1e4, 1e4, 0, np.nan], [0, np.inf, 1, np.nan]),
        (functions.log, [0, 1, np.inf], [-np.inf, 0, np.inf]),
        (functions.tanh, [-np.inf, -0.0, np.inf], [-1, -0.0, 1]),
    ],
)
def test_at_the_ends(function, x, y):
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(function(np.array(x, float)), y, rtol=0, atol=1e-14)


def test_normal_numbers():
    p = np.array([0.5, 0.975, 0.0227501319481792, 1e-9, 1 - 2.0**-53])
    truth = [0, 1.9599639845400545, -2, -5.997807015007687, 8.209536151601387]
    np.testing.assert_allclose(functions.normal(p), truth, rtol=1e-12, atol=1e-15)
    drawn = functions.normal(np.random.default_rng(0).random(100_000))
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() - 1) < 0.01
    assert np.isfinite(functions.normal(np.array([0.0]))).all()


@given(st.floats(0.01, 10), st.integers(-30, 200))
def test_whole_powers(x, n):
    assert functions.pow(x, n) == pytest.approx(x**n, rel=1e-12)


def test_plain_numbers():
    assert functions.cos(math.pi) == -1
    assert functions.pow(0.9, 2.5) == pytest.approx(0.9**2.5, rel=1e-14)
