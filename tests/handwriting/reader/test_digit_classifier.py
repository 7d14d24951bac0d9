import numpy as np
import pytest

from numcnn.handwriting.class_names import CLASS_NAMES, DIGITS, OTHER, SEVERAL
from numcnn.handwriting.reader import DigitClassifier, RejectionThresholds
from numcnn.model_files import ModelFile
from numcnn.nn import Dense, Flatten, Sequential


def model_file(classes, shape=(28, 28, 1), card=None, biases=None) -> ModelFile:
    """A model that says the same of everything."""
    model = Sequential([Flatten(), Dense(len(classes))])
    model.build(shape, seed=0)
    model.parameters[:] = 0
    if biases is not None:
        model.layers[1].params["bias"][:] = biases
    return ModelFile(model, tuple(classes), card or {})


def test_probabilities_are_in_one_order_whatever_the_classes_order():
    classes = (OTHER, *DIGITS[::-1], SEVERAL)
    classifier = DigitClassifier(model_file(classes, biases=np.arange(12)))
    (row,) = classifier.logits(np.zeros((1, 28, 28), np.uint8))
    assert row.tolist() == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 11, 0]
    (said,) = classifier.probabilities(np.zeros((1, 28, 28), np.uint8))
    assert said.sum() == pytest.approx(1)
    assert said.argmax() == 10


def test_a_temperature_changes_how_sure_it_is_and_not_what_it_says():
    biases = np.linspace(0, 5, 10)
    images = np.zeros((1, 28, 28), np.uint8)
    found = model_file(DIGITS, biases=biases)
    (sharp,) = DigitClassifier(found, RejectionThresholds(temperature=0.5)).probabilities(images)
    (soft,) = DigitClassifier(found, RejectionThresholds(temperature=4)).probabilities(images)
    assert sharp.argmax() == soft.argmax() == 9
    assert sharp.max() > soft.max()
    expected = np.exp(biases / 4) / np.exp(biases / 4).sum()
    np.testing.assert_allclose(soft[:10], expected, rtol=1e-6)


def test_a_model_of_digits_alone_knows_nothing_else():
    classifier = DigitClassifier(model_file(DIGITS))
    assert not classifier.knows_others
    (said,) = classifier.probabilities(np.zeros((1, 28, 28), np.uint8))
    np.testing.assert_allclose(said, [0.1] * 10 + [0, 0])
    assert DigitClassifier(model_file(CLASS_NAMES)).knows_others


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (model_file("abcdefghij"), "no class '0'.*trained on MNIST"),
        (model_file((*DIGITS, "horse")), "the class 'horse'.*trained on MNIST"),
        (model_file(DIGITS, (8, 8, 1)), "images of 8 x 8 x 1.*28 x 28 x 1"),
        (model_file(DIGITS, card={"reader": {"speed": 3}}), "reader is .*'speed'.*temperature"),
        (model_file(DIGITS, card={"reader": {"temperature": 0}}), "temperature is 0; give a numb"),
        (model_file(DIGITS, card={"reader": {"most_other": 2}}), "most_other is 2; .*at most 1"),
    ],
)
def test_a_model_for_something_else_is_refused(found, message):
    with pytest.raises(ValueError, match=message):
        DigitClassifier(found)


def test_thresholds_come_from_the_card():
    found = model_file(DIGITS, card={"reader": {"temperature": 1.5, "least_confidence": 0.6}})
    assert DigitClassifier(found).thresholds == RejectionThresholds(
        temperature=1.5, least_confidence=0.6
    )
    assert DigitClassifier(found, RejectionThresholds()).thresholds == RejectionThresholds()


def test_an_image_that_is_not_sure_is_classified_turned_and_slanted_too(monkeypatch):
    classifier = DigitClassifier(model_file(CLASS_NAMES))
    asked = []

    def logits(_, images):
        asked.append(images)
        first, again = np.eye(12)[[3]] * 2, np.eye(12)[[5] * 4] * 9
        return first if len(images) == 1 else again

    monkeypatch.setattr(DigitClassifier, "logits", logits)
    image = np.zeros((1, 28, 28), np.uint8)
    image[:, 4:24, 13:16] = 255
    (said,) = classifier.probabilities(image)
    assert said.argmax() == 5
    assert said[5] / said[3] == pytest.approx(np.exp((4 * 9 - 2 * 2) / 6))
    middles = [np.average(np.arange(28), weights=row) for row in asked[1][:, 5].astype(float)]
    assert min(middles) < 13.2
    assert max(middles) > 14.8
    np.testing.assert_allclose(asked[1].sum(axis=(1, 2)), image.sum(), rtol=0.05)
