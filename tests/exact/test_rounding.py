from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numcnn.exact.rounding import BITS, factor_bits, magic, rounded, summand_bits
from tests.exact.numbers import vectors


@given(st.integers(1, 10**9))
def test_so_many_bits_that_no_partial_sum_is_rounded(count):
    # The largest sum that there can be has this many units.
    assert count * 2 ** summand_bits(count) <= 2**BITS
    left, right = factor_bits(count)
    assert count * 2 ** (left + right) <= 2**BITS
    # With one bit more it could be too large, but for counts that are not a power of two.
    assert 2 * count * 2 ** summand_bits(count) * 2 > 2**BITS
    assert right - left in (0, 1)


@given(vectors(np.float32), st.integers(2, 40))
def test_rounding_to_units(x, bits):
    largest = np.abs(x).max()
    found = rounded(x, largest, bits)
    exponent = int(np.frexp(float(largest))[1])
    unit = Fraction(2) ** (exponent - bits)
    for number, whole in zip(x.tolist(), found.tolist(), strict=True):
        units = Fraction(whole) / unit
        assert units.denominator == 1
        assert abs(units) <= 2**bits
        assert abs(Fraction(whole) - Fraction(number)) <= unit / 2


def test_zeros_have_a_unit_too():
    assert rounded(np.zeros(3), np.float64(0), 20).tolist() == [0, 0, 0]
    assert np.isfinite(magic(np.float64(0), 20))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_stays_so(wrong):
    x = np.array([1.0, wrong])
    assert not np.isfinite(rounded(x, np.abs(x).max(), 20)).all()
