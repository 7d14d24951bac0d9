"""The CTC loss: by hand, against all paths, its gradient, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from numcnn.experiments.line_run import whole_lines
from numcnn.nn import Conv2D, CTCLoss, Sequential, directional_error
from numcnn.nn.ctc_loss import ctc_path
from numcnn.training import fit
from tests.nn.samples import normal
from tests.reference.ctc_loss import ctc_loss, spelled

LOSS = CTCLoss()
TARGETS = np.array([[0, 1, -1], [1, 1, -1], [-1, -1, -1], [0, 1, 0], [2, -1, -1]])


def test_by_hand():
    # One symbol in two steps: "a a", "a blank" and "blank a", of four paths.
    outputs = np.zeros((1, 2, 2))
    assert LOSS(outputs, np.array([[0]])) == pytest.approx(-np.log(3 / 4))
    assert LOSS(outputs, np.array([[-1]])) == pytest.approx(-np.log(1 / 4))


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 3))
@settings(max_examples=25)
def test_agrees_with_all_paths(seed, steps, symbols):
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(3, steps, symbols + 1)) * 3
    texts = [spelled(rng.integers(0, symbols + 1, steps).tolist(), symbols) for _ in range(3)]
    targets = np.full((3, max(1, *map(len, texts))), -1)
    for row, text in zip(targets, texts, strict=True):
        row[: len(text)] = text
    expected = [ctc_loss(z.tolist(), text) for z, text in zip(outputs, texts, strict=True)]
    assert_allclose(LOSS.terms(outputs, targets)[0], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(5, 6, 4), (5, 1, 6, 4)])
def test_gradients(shape):
    outputs = normal(*shape) * 2
    error = directional_error(
        lambda point: LOSS(point[0], TARGETS),
        [outputs],
        [LOSS.value_and_gradient(outputs, TARGETS)[1]],
        np.random.default_rng(0),
    )
    assert error < 1e-6


def test_the_gradient_of_one_example_is_its_own():
    outputs = normal(5, 6, 4)
    together = LOSS.terms(outputs, TARGETS)
    for place in range(5):
        alone = LOSS.terms(outputs[place : place + 1], TARGETS[place : place + 1])
        assert_allclose(together[0][place], alone[0][0], rtol=1e-12)
        assert_allclose(together[1][place], alone[1][0], rtol=1e-12, atol=1e-15)


def test_long_sequences_do_not_round_to_zero():
    outputs = (normal(2, 400, 12) * 10).astype(np.float32)
    losses, gradients, weights = LOSS.terms(outputs, np.tile(np.arange(10), (2, 3)))
    assert losses.dtype == gradients.dtype == weights.dtype == np.float32
    assert (losses > 1000).all()
    assert np.isfinite(gradients).all()
    assert_allclose(gradients.sum(axis=-1), 0, atol=1e-6)


def test_the_best_path_is_merged_and_says_its_steps():
    path = np.array([[2, 0, 0, 2, 0, 1, 1], [2, 2, 2, 2, 2, 2, 2], [0, 1, 0, 1, 0, 1, 0]])
    first, nothing, last = ctc_path(np.eye(3)[path][:, np.newaxis])
    assert first == [(0, 1, 3), (0, 4, 5), (1, 5, 7)]
    assert nothing == []
    assert last == [(k % 2, k, k + 1) for k in range(7)]


@pytest.mark.parametrize(
    ("outputs", "targets", "message"),
    [
        (np.zeros((1, 4)), [[0]], "give \\(batch, steps, classes\\)"),
        (np.zeros((1, 2, 4, 3)), [[0]], "give \\(batch, steps, classes\\)"),
        (np.zeros((1, 4, 1)), [[0]], "give \\(batch, steps, classes\\)"),
        (np.zeros((1, 4, 3)), [0], "give integers"),
        (np.zeros((1, 4, 3)), [[0.5]], "float64"),
        (np.zeros((1, 4, 3)), [[2]], "the classes 0 to 1"),
        (np.zeros((1, 4, 3)), [[-2]], "the classes 0 to 1"),
        (np.zeros((1, 4, 3)), [[-1, 0]], "at the end"),
        (np.zeros((1, 3, 3)), [[0, 0, 1]], "needs 4 steps"),
        (np.zeros((2, 4, 3)), [[0]], "1 sequences for 2 examples"),
    ],
)
def test_what_does_not_fit_is_refused(outputs, targets, message):
    with pytest.raises(ValueError, match=message):
        LOSS(outputs, np.array(targets))


def test_a_network_learns_where_nobody_told_it_the_places():
    # A bright column is the symbol 0, a dark one the symbol 1; they may stand anywhere.
    rng = np.random.default_rng(0)
    images = np.full((200, 1, 12, 1), 128, np.uint8)
    targets = rng.integers(0, 2, (200, 2))
    for image, target in zip(images, targets, strict=True):
        columns = 2 * np.sort(rng.choice(6, 2, replace=False))
        for column, symbol in zip(columns, target, strict=True):
            image[0, column] = 255 * (1 - symbol)
    model = Sequential([Conv2D(3, (1, 1))])
    history = fit(
        model,
        images / 64.0 - 2,
        targets,
        (images / 64.0 - 2, targets),
        epochs=12,
        optimizer="adam",
        loss=LOSS,
        metrics=[whole_lines],
        monitor="validation_whole_lines",
        progress="none",
        batch_size=8,
    )
    assert history.best is not None
    assert history.best.metrics["whole_lines"] > 0.95
