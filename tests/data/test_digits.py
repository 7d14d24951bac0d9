import hashlib
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits as load_sklearn_digits

from numcnn import data
from numcnn.data import load_digits


def test_each_of_the_digits_is_in_one_part():
    splits = load_digits()
    assert splits.test is not None
    original = np.rint(load_sklearn_digits().images * 255 / 16)
    together = np.concatenate([splits.train.images, splits.test.images])[..., 0]
    np.testing.assert_array_equal(
        np.sort(together.reshape(1797, 64), axis=0), np.sort(original.reshape(1797, 64), axis=0)
    )
    assert (len(splits.train), len(splits.test)) == (1438, 359)
    assert splits.train.image_shape == (8, 8, 1)


def test_the_test_part_is_a_fifth_of_each_class():
    splits = load_digits()
    assert splits.test is not None
    share = splits.test.label_counts() / (splits.train.label_counts() + splits.test.label_counts())
    np.testing.assert_allclose(share, 0.2, atol=0.003)


def test_the_test_part_never_changes():
    """Accuracies that were published are about these images, whatever NumPy's version."""
    test = load_digits().test
    assert test is not None
    digest = hashlib.sha256(test.images.tobytes()).hexdigest()
    assert digest == "a1d71e5d6c7da790a19f55f4f54749ee4062877d6c3c3477f2e157978c681d0b"


def test_black_and_white_are_the_ends_of_the_scale():
    images = load_digits().train.images
    assert len(np.unique(images)) == 17
    assert (images.min(), images.max()) == (0, 255)
    assert 128 in images  # 8 of 16, rounded


def test_they_need_no_scikit_learn_and_come_with_their_license(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert len(load_digits().train) == 1438
    notice = Path(data.__file__).with_name("uci_digits") / "NOTICE.md"
    assert "CC BY 4.0" in notice.read_text(encoding="utf-8")
