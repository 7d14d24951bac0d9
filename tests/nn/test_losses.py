"""The losses: by hand, against the loops, and their gradients."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn import (
    Loss,
    MeanSquaredError,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    directional_error,
)
from numcnn.nn.losses import one_hot
from tests.nn.samples import classes, normal
from tests.reference.cross_entropy import softmax_cross_entropy

LOGITS = np.log([[1.0, 2, 5]])  # Probabilities 1/8, 2/8, 5/8.

SOFTMAX_LOSSES = [
    SoftmaxCrossEntropy(),
    SoftmaxCrossEntropy(label_smoothing=0.1),
    SoftmaxCrossEntropy(class_weights=[0.5, 1, 2, 3]),
    SoftmaxCrossEntropy(label_smoothing=0.3, class_weights=[0.5, 1, 0, 3]),
]
LOSSES = [*SOFTMAX_LOSSES, SigmoidCrossEntropy(), MeanSquaredError()]
INDICES = classes(6, 4)
ONE_HOT = np.eye(4)[INDICES]
SOFT = np.random.default_rng(0).dirichlet(np.ones(4), 6)


def gradient_error(loss: Loss, outputs: np.ndarray, targets: np.ndarray) -> float:
    """How far the loss's gradient is from its difference quotients."""
    return directional_error(
        lambda point: loss(point[0], targets),
        [outputs],
        [loss.value_and_gradient(outputs, targets)[1]],
        np.random.default_rng(0),
    )


@pytest.mark.parametrize("targets", [INDICES, ONE_HOT, SOFT], ids=["indices", "one-hot", "soft"])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_gradients(loss, targets):
    assert gradient_error(loss, normal(6, 4) * 2, targets) < 1e-6


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_gradients_far_from_zero(loss):
    assert gradient_error(loss, np.array([30, -30, 20, 0]) + normal(6, 4), INDICES) < 1e-6


@given(batch=st.integers(1, 8), outputs=st.integers(1, 6), seed=st.integers(0, 1000))
@settings(deadline=None)
def test_gradients_of_any_size(batch, outputs, seed):
    x, targets = normal(batch, outputs, seed=seed), classes(batch, outputs, seed)
    for loss in (SoftmaxCrossEntropy(0.1), SigmoidCrossEntropy(), MeanSquaredError()):
        assert gradient_error(loss, x, targets) < 1e-6


def test_cross_entropy_worked_by_hand():
    value, gradient = SoftmaxCrossEntropy().value_and_gradient(LOGITS, np.array([2]))
    assert value == pytest.approx(math.log(8 / 5), rel=1e-12)
    assert_allclose(gradient, [[1 / 8, 2 / 8, 5 / 8 - 1]], rtol=1e-12)


def test_label_smoothing_worked_by_hand():
    # A smoothing of 0.3 over 3 classes wants 0.1, 0.1 and 0.1 + 0.7.
    value, gradient = SoftmaxCrossEntropy(0.3).value_and_gradient(LOGITS, np.array([2]))
    by_hand = 0.1 * math.log(8) + 0.1 * math.log(4) + 0.8 * math.log(8 / 5)
    assert value == pytest.approx(by_hand, rel=1e-12)
    assert_allclose(gradient, [[1 / 8 - 0.1, 2 / 8 - 0.1, 5 / 8 - 0.8]], rtol=1e-12)


def test_class_weights_worked_by_hand():
    loss = SoftmaxCrossEntropy(class_weights=[1, 2, 3])
    value, gradient = loss.value_and_gradient(np.repeat(LOGITS, 2, 0), np.array([0, 2]))
    assert value == pytest.approx((1 * math.log(8) + 3 * math.log(8 / 5)) / (1 + 3), rel=1e-12)
    assert_allclose(gradient[0], np.array([1 / 8 - 1, 2 / 8, 5 / 8]) * 1 / 4, rtol=1e-12)
    assert_allclose(gradient[1], np.array([1 / 8, 2 / 8, 5 / 8 - 1]) * 3 / 4, rtol=1e-12)


def test_the_loss_of_a_batch_is_the_mean_of_its_examples():
    both = SoftmaxCrossEntropy()(np.repeat(LOGITS, 2, 0), np.array([0, 2]))
    assert both == pytest.approx((math.log(8) + math.log(8 / 5)) / 2, rel=1e-12)


def test_sigmoid_cross_entropy_worked_by_hand():
    # sigmoid(ln 3) is 3/4, sigmoid(0) is 1/2.
    outputs, targets = np.array([[math.log(3), 0]]), np.array([[1.0, 0]])
    value, gradient = SigmoidCrossEntropy().value_and_gradient(outputs, targets)
    assert value == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, rel=1e-12)
    assert_allclose(gradient, [[(3 / 4 - 1) / 2, (1 / 2) / 2]], rtol=1e-12)


def test_mean_squared_error_worked_by_hand():
    outputs, targets = np.array([[1.0, 2]]), np.array([[0.0, 4]])
    value, gradient = MeanSquaredError().value_and_gradient(outputs, targets)
    assert value == 2.5
    assert_array_equal(gradient, [[1, -2]])


@pytest.mark.parametrize("loss", SOFTMAX_LOSSES, ids=repr)
def test_cross_entropy_agrees_with_the_loops(loss):
    outputs = normal(6, 4) * 3
    value, gradient = loss.value_and_gradient(outputs, INDICES)
    expected_value, expected_gradient = softmax_cross_entropy(
        outputs, INDICES, loss.label_smoothing, loss.class_weights
    )
    assert value == pytest.approx(expected_value, rel=1e-12)
    assert_allclose(gradient, expected_gradient, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_class_indices_mean_one_hot_rows(loss):
    outputs = normal(6, 4)
    by_index, by_row = (loss.value_and_gradient(outputs, t) for t in (INDICES, ONE_HOT))
    assert by_index[0] == by_row[0]
    assert_array_equal(by_index[1], by_row[1])


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_terms_of_parts_add_up_to_the_loss_of_the_whole(loss):
    outputs = normal(6, 4)
    parts = [loss.terms(outputs[part], INDICES[part]) for part in (slice(0, 2), slice(2, 6))]
    total = sum(weights.sum() for _, _, weights in parts)
    value, gradient = loss.value_and_gradient(outputs, INDICES)
    assert sum(losses.sum() for losses, _, _ in parts) / total == pytest.approx(value, rel=1e-12)
    assert_allclose(np.concatenate([g for _, g, _ in parts]) / total, gradient, rtol=1e-12)


@pytest.mark.parametrize("loss", [*SOFTMAX_LOSSES, SigmoidCrossEntropy()], ids=repr)
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_huge_logits_overflow_nowhere(loss, size):
    outputs = (normal(6, 4) * size).astype(np.float32)
    value, gradient = loss.value_and_gradient(outputs, INDICES)
    assert math.isfinite(value)
    assert np.isfinite(gradient).all()


def test_a_wrong_answer_of_any_size_still_has_a_gradient():
    logits = np.array([[1000, 0]], np.float32)
    value, gradient = SoftmaxCrossEntropy().value_and_gradient(logits, np.array([1]))
    assert value == 1000
    assert_array_equal(gradient, [[1, -1]])


def test_a_class_of_minus_infinity_that_nobody_asks_for_costs_nothing():
    logits = np.array([[0, -np.inf]], np.float32)
    value, gradient = SoftmaxCrossEntropy().value_and_gradient(logits, np.array([0]))
    assert value == 0
    assert_array_equal(gradient, [[0, 0]])


def test_examples_of_no_weight_have_no_loss():
    loss = SoftmaxCrossEntropy(class_weights=[0, 1])
    value, gradient = loss.value_and_gradient(normal(3, 2), np.array([0, 0, 0]))
    assert value == 0
    assert_array_equal(gradient, np.zeros((3, 2)))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_loss_of_nothing_is_zero(loss):
    value, gradient = loss.value_and_gradient(np.zeros((0, 4)), np.zeros(0, int))
    assert value == 0
    assert gradient.shape == (0, 4)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_float32_stays_float32(loss):
    assert loss.value_and_gradient(normal(6, 4).astype(np.float32), SOFT)[1].dtype == np.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.uint64])
def test_class_indices_may_have_any_integer_type(dtype):
    assert_array_equal(one_hot(np.array([1, 0], dtype), np.zeros((2, 3))), [[0, 1, 0], [1, 0, 0]])


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (np.array([0, 3]), "targets holds the class 3, but the network has 3 outputs"),
        (np.array([0, -1]), "targets holds the class -1"),
        (np.array([0, 1, 2]), "give integer class indices"),
        (np.array([0.0, 1.0]), "give integer class indices"),
        (np.array([True, False]), "give integer class indices"),
        (np.zeros((2, 4)), "rows of the outputs' shape"),
    ],
)
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), SigmoidCrossEntropy(), MeanSquaredError()])
def test_targets_that_do_not_fit_are_an_error_with_a_remedy(loss, targets, message):
    with pytest.raises(ValueError, match=message):
        loss(np.zeros((2, 3)), targets)


def test_outputs_that_are_images_are_an_error_with_a_remedy():
    with pytest.raises(ValueError, match=r"end the network with Flatten\(\)"):
        SoftmaxCrossEntropy()(np.zeros((2, 3, 3, 1)), np.array([0, 1]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_smoothing": 1}, "label_smoothing is 1"),
        ({"label_smoothing": -0.1}, "label_smoothing is -0.1"),
        ({"class_weights": [1, -1]}, "class_weights is"),
        ({"class_weights": [1, math.nan]}, "class_weights is"),
    ],
)
def test_a_bad_setting_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        SoftmaxCrossEntropy(**settings)


def test_a_wrong_number_of_class_weights_is_an_error():
    with pytest.raises(ValueError, match="class_weights has 2 numbers for 3 classes"):
        SoftmaxCrossEntropy(class_weights=[1, 2])(np.zeros((2, 3)), np.array([0, 1]))
