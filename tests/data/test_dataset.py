import unicodedata

import numpy as np
import pytest

from numcnn.data import Dataset, Splits

IMAGES = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2, 1)
LABELS = np.array([0, 1, 1])
CLASSES = ("cat", "dog", "owl")


def test_it_tells_what_it_holds():
    dataset = Dataset(IMAGES, LABELS, CLASSES, "pets")
    assert len(dataset) == 3
    assert dataset.image_shape == (2, 2, 1)
    assert dataset.label_counts().tolist() == [1, 2, 0]


def test_a_subset_has_the_chosen_images_in_the_chosen_order():
    subset = Dataset(IMAGES, LABELS, CLASSES, "pets").subset([2, 0, 2])
    np.testing.assert_array_equal(subset.images, IMAGES[[2, 0, 2]])
    assert subset.labels is not None
    assert subset.labels.tolist() == [1, 0, 1]
    assert (subset.classes, subset.name) == (CLASSES, "pets")


def test_a_subset_of_unlabeled_images_is_unlabeled():
    assert Dataset(IMAGES, None, CLASSES, "pets").subset([1]).labels is None


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([3], "indices hold 3; pets has images 0 to 2"),
        ([0, -1], "indices hold -1"),
        ([], "indices"),
        ([True, False, True], "give a list of integers"),
        ([0.0], "give a list of integers"),
        ([[0]], "give a list of integers"),
    ],
)
def test_a_subset_of_what_is_not_there(indices, message):
    with pytest.raises(ValueError, match=message):
        Dataset(IMAGES, LABELS, CLASSES, "pets").subset(indices)


def test_an_empty_subset():
    with pytest.raises(ValueError, match="at least one image"):
        Dataset(IMAGES, LABELS, CLASSES, "pets").subset(np.array([], dtype=np.int64))


@pytest.mark.parametrize(
    ("images", "labels", "classes", "message"),
    [
        (IMAGES.astype(np.float32), LABELS, CLASSES, "images of pets are float32"),
        (IMAGES[..., 0], LABELS, CLASSES, r"of shape \(3, 2, 2\)"),
        (IMAGES.tolist(), LABELS, CLASSES, "images of pets are list"),
        (IMAGES[:0], LABELS[:0], CLASSES, "at least one pixel"),
        (IMAGES[:, ::-1], LABELS, CLASSES, "C-contiguous"),
        (IMAGES, LABELS[:2], CLASSES, "3 images but 2 labels"),
        (IMAGES, LABELS.astype(np.int32), CLASSES, "labels of pets are int32"),
        (IMAGES, LABELS.tolist(), CLASSES, "labels of pets are list"),
        (IMAGES, LABELS, CLASSES[:1], "label 1 of image 1 is out of range; 1 class"),
        (IMAGES, LABELS - 1, CLASSES, "label -1 of image 0"),
        (IMAGES, LABELS, ("cat", "cat"), "each once"),
        (IMAGES, None, (), "at least one name"),
    ],
)
def test_what_does_not_fit_together_is_refused(images, labels, classes, message):
    with pytest.raises(ValueError, match=message):
        Dataset(images, labels, classes, "pets")


def test_label_counts_need_labels():
    with pytest.raises(ValueError, match="no labels"):
        Dataset(IMAGES, None, CLASSES, "pets").label_counts()


def test_parts_of_different_kinds_are_refused():
    train = Dataset(IMAGES, LABELS, CLASSES, "pets")
    with pytest.raises(ValueError, match="classes"):
        Splits(train, Dataset(IMAGES, LABELS, CLASSES[:2], "pets"))
    with pytest.raises(ValueError, match=r"image_shape is \(2, 2, 1\) in the training part"):
        Splits(train, Dataset(IMAGES.reshape(3, 4, 1, 1), LABELS, CLASSES, "pets"))


@pytest.mark.parametrize("part", ["test", "validation"])
def test_the_part_that_does_not_fit_is_named(part):
    train = Dataset(IMAGES, LABELS, CLASSES, "pets")
    other = Dataset(IMAGES, LABELS, CLASSES[:2], "pets")
    with pytest.raises(ValueError, match=f"in the {part} part; both must be the same"):
        Splits(train, **{part: other})


@pytest.mark.parametrize(("form", "other"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_class_names_are_the_same_in_both_spellings_of_unicode(form, other):
    names = tuple(unicodedata.normalize(form, name) for name in ("Käuzchen", "dog"))
    wanted = tuple(unicodedata.normalize(other, name) for name in ("dog", "owl", "Käuzchen"))
    renamed = Dataset(IMAGES, LABELS, names, "pets").with_classes(wanted)
    assert renamed.classes == wanted
    assert renamed.labels is not None
    assert renamed.labels.tolist() == [2, 0, 0]
