"""The estimators, by scikit-learn's own checks and by what its users do."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.datasets import load_digits, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from numcnn import nn
from numcnn.augmentation import RandomAffine
from numcnn.estimator import ImageClassifier, Regressor

WEIGHTS = (
    "batches are drawn from the examples, so an example that counts twice is not in two of them, "
    "as one that is there twice may be; MLPClassifier declares the same"
)


@parametrize_with_checks(
    [ImageClassifier(), Regressor()],
    expected_failed_checks=lambda _: {"check_sample_weight_equivalence_on_dense_data": WEIGHTS},
)
def test_conventions(estimator, check, recwarn):
    # The checks warn of much that has nothing to do with the estimator.
    import warnings

    warnings.simplefilter("ignore")
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X.astype(np.float32)[:600], y[:600]


def small(**settings):
    layers = [nn.Normalization(), nn.Conv2D(6, 3), "relu", nn.Flatten(), nn.Dense(10)]
    return ImageClassifier(
        layers, image_shape=(8, 8), epochs=6, learning_rate=0.01, random_state=0, **settings
    )


def test_a_network_of_ones_own_learns_digits(digits):
    X, y = digits
    classifier = small(augmentation=RandomAffine(shift=0.05)).fit(X * 16, y)
    assert classifier.score(X * 16, y) > 0.9
    assert classifier.n_iter_ == len(classifier.loss_curve_) == 6
    assert classifier.transform(X[:3] * 16).shape == (3, 6 * 6 * 6)
    assert classifier.get_feature_names_out().shape == (216,)


def test_a_recipe_by_name_with_its_own_optimizer(digits):
    X, y = digits
    with pytest.raises(ValueError, match=r"4 x 16 pixels, and cifar10-resnet needs 8 x 8 or more"):
        ImageClassifier("cifar10-resnet", image_shape=(4, 16)).fit(X, y)
    classifier = ImageClassifier("digits", image_shape=(8, 8), epochs=2, random_state=1)
    assert classifier.fit(X * 16, y).score(X * 16, y) > 0.5
    with pytest.raises(ValueError, match=r"takes images.*give image_shape"):
        ImageClassifier("digits").fit(X, y)


def test_classes_of_any_kind_come_back(digits):
    X, y = digits
    names = np.array(["zero", "one", "two"] + ["more"] * 7)[y]
    found = ImageClassifier(epochs=3, random_state=0).fit(X, names)
    assert list(found.classes_) == ["more", "one", "two", "zero"]
    assert set(found.predict(X)) <= set(found.classes_)
    assert found.score(X, names) > 0.8


def test_the_same_random_state_gives_the_same_bits_with_any_number_of_jobs(digits):
    X, y = digits
    one, two = (small(n_jobs=jobs).fit(X, y).predict_proba(X) for jobs in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_grid_search_with_two_jobs_and_cross_validation(digits):
    X, y = digits
    search = GridSearchCV(small(), {"learning_rate": [1e-5, 0.01]}, cv=2, n_jobs=2).fit(X, y)
    assert search.best_params_ == {"learning_rate": 0.01}
    found = cross_validate(search.best_estimator_, X, y, cv=2, return_estimator=True)
    assert len(found["estimator"]) == 2
    assert found["estimator"][0].predict(X).shape == y.shape


def test_a_pipeline_a_clone_and_a_pickle(digits):
    X, y = digits
    line = make_pipeline(StandardScaler(), ImageClassifier(epochs=4, random_state=0)).fit(X, y)
    copied = pickle.loads(pickle.dumps(line))  # noqa: S301 (our own)
    np.testing.assert_array_equal(copied.predict_proba(X), line.predict_proba(X))
    with pytest.raises(NotFittedError):
        clone(line[-1]).predict(X)


def test_partial_fit_warm_start_and_weights_of_classes(digits):
    X, y = digits
    classifier = small()
    for start in range(0, 600, 200):
        part = slice(start, start + 200)
        classifier.partial_fit(X[part], y[part], classes=range(10))
    assert classifier.n_iter_ == 3
    with pytest.raises(ValueError, match=r"not in .*partial_fit\(X, y, classes=\.\.\.\)"):
        classifier.partial_fit(X[:2], [10, 11])
    warm = small(warm_start=True).fit(X, y)
    before = warm.model_.parameters.copy()
    assert warm.fit(X, y).n_iter_ == 12
    assert not np.array_equal(before, warm.model_.parameters)
    for weight in ("balanced", {3: 0.0}):
        heavy = small(class_weight=weight).fit(X, y)
        assert (3 in set(heavy.predict(X))) == (weight == "balanced")
    with pytest.raises(ValueError, match="class_weight is 'odd'"):
        small(class_weight="odd").fit(X, y)


def test_early_stopping_keeps_the_best_epoch(digits):
    X, y = digits
    found = small(early_stopping=True, patience=2, validation_fraction=0.2).set_params(epochs=60)
    found.fit(X, y)
    assert found.n_iter_ < 60
    assert found.history_.best is not None


def test_names_of_columns_are_kept(digits):
    pandas = pytest.importorskip("pandas")
    X, y = digits
    frame = pandas.DataFrame(X, columns=[f"pixel{place}" for place in range(64)])
    found = ImageClassifier(epochs=1).fit(frame, pandas.Series(y))
    assert list(found.feature_names_in_) == list(frame.columns)


@pytest.mark.parametrize("targets", [1, 3])
def test_values_are_predicted_in_their_own_units(targets):
    X, y = make_regression(400, 8, n_targets=targets, noise=1.0, random_state=0)
    y = 1000 + 5 * y
    found = Regressor(epochs=60, learning_rate=0.01, random_state=0).fit(X, y)
    assert found.predict(X).shape == y.shape
    assert found.score(X, y) > 0.95
    assert found.partial_fit(X, y).n_iter_ == 61
