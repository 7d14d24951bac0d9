import numpy as np
import pytest

from numcnn.data import Dataset, Splits
from numcnn.data.emnist import LETTERS, held_out
from numcnn.handwriting.class_names import CLASS_NAMES, OTHER
from numcnn.handwriting.synthesis import real_letters
from numcnn.handwriting.synthesis.real_letters import letters_like_no_digit, with_real_letters

LABELS = np.sort(np.arange(26 * 60) % 26)
# Each image is known by its first two pixels.
IMAGES = np.zeros((len(LABELS), 28, 28, 1), np.uint8)
IMAGES[:, 0, 0, 0], IMAGES[:, 0, 1, 0] = np.divmod(np.arange(len(LABELS)), 256)
TRAINING = Dataset(IMAGES, LABELS, LETTERS, "emnist-letters")
DIGITS = Dataset(np.zeros((500, 28, 28, 1), np.uint8), np.arange(500) % 12, CLASS_NAMES, "digits")


@pytest.fixture(params=[False, True], ids=["without the official test part", "with it"])
def _letters(request, monkeypatch):
    official = Splits(TRAINING, Dataset(IMAGES[:26], LABELS[:26], LETTERS, "emnist-letters"))
    found = official if request.param else Splits(*held_out(TRAINING))
    monkeypatch.setattr(real_letters, "load_emnist_letters", lambda _: found)


def known(images):
    return set((images[:, 0, 0, 0].astype(int) * 256 + images[:, 0, 1, 0]).tolist())


@pytest.mark.usefixtures("_letters")
def test_digits_in_disguise_are_left_out_and_a_sixth_is_held_out():
    learned, held = letters_like_no_digit()
    for part in (learned, held):
        names = {LETTERS[label] for label in part.labels}
        assert names == set("ACDEFHJKMNPRTUVWXY")
    assert len(learned) == 5 * len(held) == 18 * 50
    assert not known(learned.images) & known(held.images)


@pytest.mark.usefixtures("_letters")
def test_letters_are_added_as_what_is_no_digit():
    more = with_real_letters(DIGITS, 0.2, 5)
    assert len(more) == 600
    np.testing.assert_array_equal(more.images[:500], DIGITS.images)
    assert (more.labels[500:] == CLASS_NAMES.index(OTHER)).all()
    np.testing.assert_array_equal(with_real_letters(DIGITS, 0.2, 5).images, more.images)
    assert known(more.images[500:]) <= known(letters_like_no_digit()[0].images)


@pytest.mark.usefixtures("_letters")
def test_validation_has_other_letters_than_training():
    learned = with_real_letters(DIGITS, 1, 5).images[500:]
    validated = with_real_letters(DIGITS, 1, 5, validation=True).images[500:]
    assert len(validated) == 90
    assert not known(learned) & known(validated)


def test_without_a_class_for_them_they_are_refused():
    ten = Dataset(DIGITS.images[:10], np.arange(10), CLASS_NAMES[:10], "ten")
    with pytest.raises(ValueError, match="no class 'other'"):
        with_real_letters(ten, 0.2, 0)


def test_where_the_letters_are_missing_the_error_says_how_to_get_them(tmp_path):
    from numcnn.data import DataNotFoundError

    with pytest.raises(DataNotFoundError, match="emnist"):
        with_real_letters(DIGITS, 0.2, 0, data_dir=tmp_path)
