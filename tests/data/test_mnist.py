import hashlib
import shutil

import numpy as np
import pytest

from numcnn.data import FASHION_CLASSES, load_fashion_mnist, load_mnist, read_idx, write_idx
from numcnn.data.download_sources import IDX_FILES, MNIST


@pytest.fixture
def folder(tmp_path):
    """A small MNIST: 6 training and 4 test images of 3 x 5."""
    folder = tmp_path / "files"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for images, labels, count in ((*IDX_FILES[:2], 6), (*IDX_FILES[2:], 4)):
        write_idx(folder / images, rng.integers(0, 256, (count, 3, 5), dtype=np.uint8))
        write_idx(folder / labels, rng.integers(0, 10, count, dtype=np.uint8))
    return folder


def test_the_four_files_become_two_parts(folder):
    splits = load_mnist(folder)
    assert splits.test is not None
    for part, images, labels in (
        (splits.train, *IDX_FILES[:2]),
        (splits.test, *IDX_FILES[2:]),
    ):
        np.testing.assert_array_equal(part.images[..., 0], read_idx(folder / images))
        np.testing.assert_array_equal(part.labels, read_idx(folder / labels))
        assert part.classes == tuple("0123456789")
        assert part.name == "mnist"


def test_fashion_has_its_own_names(folder):
    train = load_fashion_mnist(folder).train
    assert train.name == "fashion-mnist"
    assert train.classes == FASHION_CLASSES
    assert train.classes[9] == "Ankle boot"


def test_counts_that_differ_name_both_files(folder):
    write_idx(folder / IDX_FILES[1], np.zeros(5, np.uint8))
    with pytest.raises(ValueError, match=r"train-images.*train-labels.*6 images but 5 labels"):
        load_mnist(folder)


def test_parts_of_different_size_are_refused(folder):
    write_idx(folder / IDX_FILES[2], np.zeros((4, 5, 5), np.uint8))
    with pytest.raises(ValueError, match="image_shape"):
        load_mnist(folder)


def test_swapped_files_are_recognized(folder):
    (folder / IDX_FILES[0]).rename(folder / "x")
    (folder / IDX_FILES[1]).rename(folder / IDX_FILES[0])
    (folder / "x").rename(folder / IDX_FILES[1])
    with pytest.raises(ValueError, match=r"train-labels.*are images and labels swapped\?"):
        load_mnist(folder)


def test_a_label_out_of_range_names_the_file(folder):
    write_idx(folder / IDX_FILES[3], np.array([1, 2, 3, 17], np.uint8))
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte\.gz: label 17 of image 3"):
        load_mnist(folder)


def test_a_truncated_file_is_named(folder):
    path = folder / IDX_FILES[2]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte\.gz: corrupt gzip data"):
        load_mnist(folder)


def test_the_real_mnist_is_the_published_one(real_data):
    place = real_data("mnist")
    for wanted in MNIST.downloads:
        (name,) = wanted.provides
        values = read_idx(place / "mnist" / name)
        header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
        assert hashlib.sha256(header + values.tobytes()).hexdigest() == wanted.checksum.digest
    splits = load_mnist(place)
    assert splits.test is not None
    assert splits.train.images.shape == (60_000, 28, 28, 1)
    assert splits.test.images.shape == (10_000, 28, 28, 1)
    assert splits.train.label_counts()[:3].tolist() == [5923, 6742, 5958]
    assert splits.test.label_counts()[:3].tolist() == [980, 1135, 1032]
    # The mean that everybody standardizes MNIST with.
    assert splits.train.images.mean() / 255 == pytest.approx(0.1307, abs=1e-4)


def test_the_real_fashion_mnist_has_as_many_of_each_class(real_data):
    splits = load_fashion_mnist(real_data("fashion-mnist"))
    assert splits.test is not None
    assert splits.train.image_shape == (28, 28, 1)
    assert splits.train.label_counts().tolist() == [6000] * 10
    assert splits.test.label_counts().tolist() == [1000] * 10
    assert splits.train.images.mean() / 255 == pytest.approx(0.2860, abs=1e-4)


def test_mnist_is_not_taken_for_fashion_mnist(folder, tmp_path):
    shutil.move(folder, tmp_path / "mnist")
    with pytest.raises(FileNotFoundError, match="by its name the folder of mnist"):
        load_fashion_mnist(tmp_path / "mnist")
