"""scikit-learn's digits example with a convolutional network in the place of the SVM.

Needs scikit-learn: ``pip install 'numcnn[app,estimator]'``. Run it with
``python examples/sklearn_digits.py``.
"""

from sklearn import metrics
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from numcnn.estimator import ImageClassifier


def main() -> None:
    """Choose a learning rate by cross-validation, and report on the half that was kept aside."""
    digits = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(
        digits.images, digits.target, test_size=0.5, shuffle=False
    )
    search = GridSearchCV(
        ImageClassifier("convnet", epochs=20, random_state=0),
        {"learning_rate": [0.003, 0.01]},
        cv=2,
    )
    search.fit(x_train, y_train)
    print("chosen:", search.best_params_)
    predicted = search.predict(x_test)
    print(metrics.classification_report(y_test, predicted))
    print(f"accuracy {metrics.accuracy_score(y_test, predicted):.2%}")


if __name__ == "__main__":
    main()
