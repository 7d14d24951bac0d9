"""Accuracy, confusion and errors, against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.data import Dataset
from numcnn.nn import Dense, Flatten, MeanSquaredError, Rescaling, Sequential, Softmax
from numcnn.training import (
    Evaluation,
    accuracy,
    confusion_matrix,
    evaluate,
    evaluate_probabilities,
)
from tests.training.tasks import CLASSES, plain, stripes

sklearn_metrics = pytest.importorskip("sklearn.metrics")


@st.composite
def answers(draw):
    classes = draw(st.integers(1, 6))
    count = draw(st.integers(1, 30))
    labels = st.lists(st.integers(0, classes - 1), min_size=count, max_size=count)
    return classes, np.array(draw(labels)), np.array(draw(labels))


def built(*layers):
    model = Sequential([Rescaling(), Flatten(), *layers])
    model.build((6, 6, 1), seed=5)
    return model


class TestAgainstScikitLearn:
    @given(answers())
    def test_confusion_matrix(self, given):
        classes, labels, predicted = given
        # One class more than there may be: scikit-learn warns of a matrix of 1 x 1.
        expected = sklearn_metrics.confusion_matrix(labels, predicted, labels=range(classes + 1))
        assert_array_equal(confusion_matrix(labels, predicted, classes + 1), expected)

    @given(answers())
    def test_accuracy(self, given):
        _, labels, predicted = given
        expected = sklearn_metrics.accuracy_score(labels, predicted)
        assert accuracy(predicted, labels) == pytest.approx(expected)

    @pytest.mark.slow
    @given(answers())
    def test_error_by_class(self, given):
        classes, labels, predicted = given
        recall = sklearn_metrics.recall_score(
            labels, predicted, labels=range(classes), average=None, zero_division=np.nan
        )
        matrix = confusion_matrix(labels, predicted, classes)
        evaluation = Evaluation(0.0, 0.0, matrix, np.zeros(0))
        assert_allclose(evaluation.error_by_class, 1 - recall)

    def test_evaluate(self):
        model, data = built(Dense(3)), stripes(50, seed=4)
        found = evaluate(model, data)
        chance = model.predict_proba(data.images)
        assert_array_equal(found.probabilities, chance)
        assert found.accuracy == sklearn_metrics.accuracy_score(data.labels, chance.argmax(axis=1))
        assert found.loss == pytest.approx(sklearn_metrics.log_loss(data.labels, chance), rel=1e-5)
        assert_array_equal(
            found.confusion, sklearn_metrics.confusion_matrix(data.labels, chance.argmax(axis=1))
        )


class TestByHand:
    def test_rows_are_true_classes_and_columns_predicted_ones(self):
        matrix = confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 1]), 3)
        assert_array_equal(matrix, [[1, 0, 1], [0, 1, 0], [0, 1, 0]])

    def test_small_integers_do_not_overflow(self):
        labels = np.full(3, 200, np.uint8)
        assert confusion_matrix(labels, labels, 201)[200, 200] == 3

    def test_the_error_of_a_class_that_is_absent_is_no_number(self):
        evaluation = Evaluation(0.5, 1.0, np.array([[1, 1], [0, 0]]), np.zeros((2, 2)))
        assert_array_equal(evaluation.error_by_class, [0.5, np.nan])


class TestEvaluate:
    @pytest.mark.parametrize("batch_size", [1, 7, 1000])
    def test_in_batches_is_as_all_at_once(self, batch_size):
        model, data = built(Dense(3)), stripes(50)
        found, whole = evaluate(model, data, batch_size=batch_size), evaluate(model, data)
        assert found.accuracy == whole.accuracy
        assert found.loss == pytest.approx(whole.loss, rel=1e-6)

    def test_takes_another_loss(self):
        model, data = built(Dense(3)), stripes(50)
        expected = MeanSquaredError()(model.outputs(data.images), data.labels)
        assert evaluate(model, data, MeanSquaredError()).loss == expected

    def test_does_not_soften_probabilities_twice(self):
        model = built(Dense(3), Softmax())
        found = evaluate(model, stripes(50), MeanSquaredError())
        assert_array_equal(found.probabilities, model.outputs(stripes(50).images))

    def test_counts_classes_that_the_data_lack(self):
        data = stripes(50)
        some = Dataset(data.images, np.zeros(50, int), CLASSES, "some")
        assert evaluate(built(Dense(3)), some).confusion.shape == (3, 3)

    def test_changes_nothing(self):
        model = built(Dense(3))
        before = model.parameters.copy()
        evaluate(model, stripes())
        assert_array_equal(model.parameters, before)

    def test_refuses_data_without_labels(self):
        data = Dataset(stripes().images, None, CLASSES, "mine")
        with pytest.raises(ValueError, match="dataset mine has no labeled images"):
            evaluate(built(Dense(3)), data)

    def test_refuses_images_of_another_shape(self):
        data = Dataset(np.zeros((2, 5, 6, 1), np.uint8), np.zeros(2, int), CLASSES, "mine")
        with pytest.raises(
            ValueError, match=r"takes images of 6 x 6 x 1, and those of mine are 5 x"
        ):
            evaluate(built(Dense(3)), data)

    @pytest.mark.parametrize("loss", [None, MeanSquaredError()])
    def test_refuses_more_classes_than_the_model_knows(self, loss):
        with pytest.raises(ValueError, match="the model knows 2 classes, and stripes has 3"):
            evaluate(built(Dense(2)), stripes(), loss)

    def test_refuses_a_model_that_is_not_built(self):
        with pytest.raises(ValueError, match=r"call build\(input_shape\) first"):
            evaluate(plain(), stripes())


class TestProbabilities:
    def test_they_are_judged_as_the_model_that_said_them(self):
        model, data = built(Dense(3)), stripes(50, seed=4)
        expected = evaluate(model, data)
        found = evaluate_probabilities(model.predict_proba(data.images), data)
        assert found.accuracy == expected.accuracy
        assert found.loss == pytest.approx(expected.loss, rel=1e-5)
        assert_array_equal(found.confusion, expected.confusion)

    def test_what_was_ruled_out_and_right_costs_much_but_not_everything(self):
        data = stripes(2, seed=0)
        sure = np.eye(3, dtype=np.float32)[(data.labels + 1) % 3]
        found = evaluate_probabilities(sure, data)
        assert found.accuracy == 0
        assert 80 < found.loss < 100

    def test_another_number_of_images_is_told(self):
        with pytest.raises(ValueError, match=r"probabilities of 3 images, and .* has 4"):
            evaluate_probabilities(np.full((3, 3), 1 / 3, np.float32), stripes(4, seed=0))

    def test_fewer_classes_are_told(self):
        data = stripes(4, seed=0)
        with pytest.raises(ValueError, match="the model knows 2 classes"):
            evaluate_probabilities(np.full((4, 2), 0.5, np.float32), data)
