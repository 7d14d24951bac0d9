"""Prefix beam search against all paths."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numcnn.handwriting.reader.beam_search import beam_search
from tests.reference.ctc_loss import spelled


def all_texts(probabilities, counted):
    """The probability of each sequence of counted symbols, over all paths."""
    steps, outputs = probabilities.shape
    told = defaultdict(float)
    for path in product(range(outputs), repeat=steps):
        text = tuple(each for each in spelled(path, outputs - 1) if each in counted)
        told[text] += float(np.prod(probabilities[np.arange(steps), path]))
    return told


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
@settings(max_examples=25)
def test_a_wide_beam_finds_what_all_paths_say(seed, steps):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(4, 0.7), steps) + 1e-3
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    expected = all_texts(probabilities, (0, 1))
    found = beam_search(probabilities, (0, 1), width=1000)
    assert {each.counted for each in found} == expected.keys()
    for each in found:
        assert each.probability == pytest.approx(expected[each.counted])
    assert [each.probability for each in found] == sorted(
        (each.probability for each in found), reverse=True
    )


def test_the_most_probable_path_need_not_spell_the_most_probable_text():
    # Blank, blank is the best path (0.36), but three paths spell 0.
    found = beam_search(np.array([[0.4, 0.6], [0.4, 0.6]]), [0])
    assert [each.counted for each in found] == [(0,), ()]
    assert found[0].probability == pytest.approx(0.64)


def test_equal_neighbors_need_a_blank_between_them():
    steps = np.full((3, 3), 0.001)
    steps[[0, 2], 1], steps[1, 2] = 0.998, 0.998
    assert beam_search(steps, [0, 1])[0].symbols == (1, 1)
    steps[1] = steps[0]
    assert beam_search(steps, [0, 1])[0].symbols == (1,)


def test_texts_that_differ_in_separators_count_together():
    # 0 is certain; then a dot (symbol 1) or nothing.
    found = beam_search(np.array([[1.0, 0.0, 0.0], [0.0, 0.6, 0.4]]), [0])
    assert len(found) == 1
    assert found[0].probability == pytest.approx(1)
    assert found[0].symbols == (0, 1)


def test_a_narrow_beam_claims_no_more_than_there_is():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(5), 8)
    everything = beam_search(probabilities, range(4), width=100_000)
    told = {each.counted: each.probability for each in everything}
    for each in beam_search(probabilities, range(4), width=3):
        assert each.probability <= told[each.counted] + 1e-12
