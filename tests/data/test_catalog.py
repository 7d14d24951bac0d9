import dataclasses
import hashlib

import numpy as np
import pytest
from PIL import Image

from numcnn.data import DownloadError, catalog, describe, fetch, is_local, load, names, write_idx
from numcnn.data.download_sources import IDX_FILES, MNIST, Checksum, Download


@pytest.fixture
def small_mnist(tmp_path):
    folder = tmp_path / "files" / "mnist"
    for images, labels in (IDX_FILES[:2], IDX_FILES[2:]):
        write_idx(folder / images, np.zeros((2, 3, 3), np.uint8))
        write_idx(folder / labels, np.zeros(2, np.uint8))
    return folder


def test_the_names_are_known_and_described():
    assert names() == (
        *("digits", "mnist", "fashion-mnist", "cifar10"),
        *("emnist-letters", "emnist-balanced", "emnist-digits"),
    )
    for name in names():
        description = describe(name)
        assert description.name == name
        assert description.license
        assert description.homepage.startswith("http")


def test_the_digits_are_as_described():
    splits, described = load("digits"), describe("digits")
    assert splits.test is not None
    assert (len(splits.train), len(splits.test)) == (described.train_images, described.test_images)
    assert splits.train.image_shape == described.image_shape
    assert splits.train.classes == described.classes
    assert is_local("digits")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_data_are_as_described(real_data, name):
    place = real_data(name)
    assert is_local(name, place)
    splits, described = load(name, place), describe(name)
    assert splits.test is not None
    assert (len(splits.train), len(splits.test)) == (described.train_images, described.test_images)
    assert splits.train.image_shape == described.image_shape
    assert splits.train.classes == described.classes


def test_local_files_are_loaded(small_mnist):
    assert not is_local("mnist")
    assert is_local("mnist", small_mnist.parent)
    assert load("MNIST", small_mnist).train.image_shape == (3, 3, 1)


def test_nothing_is_downloaded_when_that_is_forbidden():
    with pytest.raises(FileNotFoundError, match="numcnn data fetch cifar10"):
        load("cifar10", download=False)


def test_a_table_and_a_folder_are_data_sets(tmp_path):
    (tmp_path / "mine.csv").write_text("label,pixel0\n3,200\n")
    assert load(tmp_path / "mine.csv").train.images.tolist() == [[[[200]]]]
    (tmp_path / "pictures" / "a").mkdir(parents=True)
    Image.new("RGB", (5, 4)).save(tmp_path / "pictures" / "a" / "1.png")
    assert load(str(tmp_path / "pictures")).train.image_shape == (4, 5, 3)
    assert load(tmp_path / "pictures", size=(2, 2), color="gray").train.image_shape == (2, 2, 1)


def test_a_name_comes_before_a_folder_that_is_called_alike(tmp_path, monkeypatch, small_mnist):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist" / "a").mkdir(parents=True)
    Image.new("L", (5, 4)).save(tmp_path / "mnist" / "a" / "1.png")
    assert load("mnist", small_mnist).train.image_shape == (3, 3, 1)
    assert load("./mnist").train.image_shape == (4, 5, 1)
    assert load(tmp_path / "mnist").train.image_shape == (4, 5, 1)


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(ValueError, match=r"no data set 'mnits'; did you mean 'mnist'\?"):
        load("mnits")
    with pytest.raises(ValueError, match="There are digits, mnist, fashion-mnist, cifar10"):
        describe("xyz")


def test_a_path_that_leads_nowhere(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: no such file or folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.csv"):
        load("nowhere.csv")
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(
        ValueError, match=r"model\.bin: column 'x' is neither label, index nor pixel"
    ):
        load(tmp_path / "model.bin")


@pytest.fixture
def mirrored_mnist(mirror, small_mnist, monkeypatch):
    """Let MNIST come from the mirror of this test."""
    downloads = []
    for name in IDX_FILES:
        content = mirror.files[name] = (small_mnist / name).read_bytes()
        checksum = Checksum("sha256", hashlib.sha256(content).hexdigest())
        downloads.append(Download((mirror.url(name),), checksum, (name,)))
    source = dataclasses.replace(MNIST, downloads=tuple(downloads))
    entries = [
        dataclasses.replace(entry, source=source) if entry.source is MNIST else entry
        for entry in catalog._ENTRIES
    ]
    monkeypatch.setattr(catalog, "_ENTRIES", tuple(entries))
    return mirror


def test_fetching_fills_the_cache_once(mirrored_mnist, cache):
    assert fetch("mnist") == cache / "mnist"
    assert fetch("mnist") == cache / "mnist"
    assert len(mirrored_mnist.requests) == 4
    assert is_local("mnist")
    assert load("mnist", download=False).train.image_shape == (3, 3, 1)


def test_fetching_into_a_folder(mirrored_mnist, tmp_path):
    assert fetch("mnist", tmp_path / "new") == tmp_path / "new" / "mnist"
    assert load("mnist", tmp_path / "new").train.image_shape == (3, 3, 1)


def test_a_fetch_that_fails_says_what_to_do(mirrored_mnist, tmp_path):
    del mirrored_mnist.files[IDX_FILES[3]]
    with pytest.raises(DownloadError, match=r"HTTP status 404.*check the network.*--data-dir"):
        fetch("mnist", tmp_path / "new")
    # What had arrived is whole and is not asked for again.
    assert len(list((tmp_path / "new" / "mnist").iterdir())) == 3


def test_what_is_there_is_not_fetched(mirrored_mnist, small_mnist):
    assert fetch("mnist", small_mnist) == small_mnist
    assert fetch("digits") is None
    assert mirrored_mnist.requests == []
