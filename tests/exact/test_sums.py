from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numcnn.exact import sums
from numcnn.exact.array import exact, plain
from tests.exact.numbers import vectors, wild
from tests.exact.orders import random_order


@given(vectors(np.float32), st.randoms())
def test_a_sum_has_no_order(x, random):
    shuffled = x.copy()
    random.shuffle(shuffled)
    one, other = (sums.total(each, (0,)) for each in (x, shuffled))
    assert one.tobytes() == other.tobytes()
    # Each number is off by half a unit at most, and the sum of what is left is exact.
    bound = len(x) * Fraction(float(np.abs(x).max())) / 2 ** (53 - len(x).bit_length() - 1)
    assert abs(Fraction(float(one)) - sum(map(Fraction, x.tolist()))) <= bound


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_products_and_sums_in_whatever_order(seed):
    a, b, x = wild((12, 70)), wild((70, 5), 1), wild((9, 4, 6), 2)
    calls = {
        "product": lambda: sums.product(a, b, 3, np.float32),
        "any product": lambda: sums.any_product(x, x.transpose(0, 2, 1), np.float32),
        "outer": lambda: sums.outer_products([(a[:7], a[:7]), (a[7:], a[7:])]),
        "columns": lambda: sums.column_totals([a[:5], a[5:]]),
        "total": lambda: sums.total(x, (0, 2)),
    }
    for name, call in calls.items():
        before = call()
        with random_order(seed):
            assert call().tobytes() == before.tobytes(), name


def no_magic(largest, _bits):
    return np.zeros_like(largest, float)


def not_rounded(x, _largest, _bits, out=None):
    return np.add(x, 0.0, out=out, dtype=np.float64)


@pytest.mark.parametrize(
    ("call", "name", "mutant"),
    [
        (lambda a, b: sums.product(a, b, 3, np.float64), "rounded", not_rounded),
        (lambda a, b: sums.any_product(a, b, np.float64), "rounded", not_rounded),
        (lambda a, _b: sums.total(a, (1,)), "rounded", not_rounded),
        (lambda a, _b: sums.outer_products([(a, a)]), "magic", no_magic),
        (lambda a, _b: sums.column_totals([a]), "magic", no_magic),
    ],
    ids=["product", "any product", "total", "outer products", "columns"],
)
def test_without_units_the_order_shows(call, name, mutant):
    # The test of the test above.
    a, b = wild((120, 70)), wild((70, 5), 1)
    with patch.object(sums, name, mutant):
        found = set()
        for seed in range(3):
            with random_order(seed):
                found.add(call(a, b).tobytes())
    assert len(found) > 1


def test_the_precision_of_a_product():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((4, 25_088)), rng.standard_normal((25_088, 8))
    found = sums.product(a, b, 4, np.float64)
    truth = a @ b
    assert np.abs(found - truth).max() / np.abs(truth).max() < 1e-4
    typical = np.linalg.norm(found - truth) / np.linalg.norm(truth)
    assert typical < 2e-5


def test_an_example_does_not_depend_on_the_others():
    a, b = wild((8, 30)), wild((30, 3), 1)
    together = sums.product(a, b, 4, np.float32)
    alone = np.concatenate([sums.product(a[i : i + 2], b, 1, np.float32) for i in range(0, 8, 2)])
    np.testing.assert_array_equal(together, alone)


def test_a_batch_in_pieces_is_the_batch():
    x, dy = wild((20, 6)), wild((20, 4), 1)
    whole = sums.outer_products([(x, dy)])
    for cut in (1, 7, 19):
        pieces = [(x[:cut], dy[:cut]), (x[cut:], dy[cut:])]
        np.testing.assert_array_equal(sums.outer_products(pieces), whole)
        np.testing.assert_array_equal(sums.outer_products(pieces[::-1]), whole)
        np.testing.assert_array_equal(
            sums.column_totals([x[:cut], x[cut:]]), sums.column_totals([x])
        )


@pytest.mark.parametrize("shape", [(300, 3), (40_000, 2), (3, 70_000), (2, 5, 7, 900)])
def test_large_arrays_go_in_blocks(shape):
    x = wild(shape)
    axes = tuple(range(len(shape) - 1))
    whole = sums.total(x, axes)
    shuffled = np.random.default_rng(0).permutation(x.reshape(-1, shape[-1])).reshape(shape)
    np.testing.assert_array_equal(sums.total(shuffled, axes), whole)
    truth = x.astype(np.longdouble).sum(axis=axes)
    np.testing.assert_allclose(whole, truth.astype(float), atol=1e-9 * np.abs(x).max())


def test_arrays_whose_sums_are_exact():
    x = wild((6, 5, 3))
    e = exact(x)
    assert type(e.sum(axis=0)) is type(e @ e.swapaxes(1, 2)) is type(e.mean(axis=(0, 1))) is type(e)
    for found, expected in (
        (e.mean(axis=0), x.mean(axis=0)),
        (e.var(axis=(0, 1)), x.var(axis=(0, 1))),
        (e.std(axis=1, ddof=1), x.std(axis=1, ddof=1)),
    ):
        np.testing.assert_allclose(plain(found), expected, rtol=1e-5, atol=1e-3)
    assert repr(exact([1.5])) == "array([1.5])"
    for bad in (
        lambda: np.cumsum(e),
        lambda: np.einsum("ijk->i", e),
        lambda: np.linalg.norm(e),
        lambda: np.logaddexp(e, e),
        lambda: np.multiply.reduce(e),
        lambda: np.dot(e, e[0].T),
        lambda: e.prod(),
    ):
        with pytest.raises(ValueError, match='engine="layers"'):
            bad()
