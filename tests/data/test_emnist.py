import dataclasses
import gzip
import hashlib
import io
import warnings
import zipfile

import numpy as np
import pytest

from numcnn.data import (
    BALANCED_CLASSES,
    LETTERS,
    DataNotFoundError,
    DataWarning,
    catalog,
    emnist,
    fetch,
    held_out,
    load,
    load_emnist_balanced,
    load_emnist_digits,
    load_emnist_letters,
    write_idx,
)
from numcnn.data.download_sources import EMNIST_LETTERS, SOURCES, Checksum, emnist_files

HELD_OUT = "emnist-letters, held out of the training part"


def write_part(folder, name, part, images, labels):
    train_images, train_labels, test_images, test_labels = emnist_files(name)
    paths = (train_images, train_labels) if part == "train" else (test_images, test_labels)
    write_idx(folder / paths[0], images)
    write_idx(folder / paths[1], labels)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (36, 5, 4), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path, pixels):
    """Letters A, B and C, 12 of each, with a test part of 4."""
    place = tmp_path / "emnist-letters"
    place.mkdir()
    write_part(place, "emnist-letters", "train", pixels, np.arange(36, dtype=np.uint8) % 3 + 1)
    write_part(place, "emnist-letters", "test", pixels[:4], np.array([26, 1, 2, 3], np.uint8))
    return place


def without_test(folder):
    for name in emnist_files("emnist-letters")[2:]:
        (folder / name).unlink()
    return folder


def test_images_are_turned_upright(folder, pixels):
    """A file holds each image's columns as rows; the loaded image has them as columns."""
    part = load_emnist_letters(folder).train
    assert part.image_shape == (4, 5, 1)
    in_file = {image.tobytes() for image in pixels}
    assert {image[:, :, 0].T.tobytes() for image in part.images} == in_file


def test_the_real_letters_stand_upright(real_data):
    with pytest.warns(DataWarning, match="fixed sixth"):
        part = load("emnist-letters", real_data("emnist-letters"), download=False).train
    mean = {
        name: part.images[part.labels == label, :, :, 0].mean(axis=0)
        for label, name in enumerate(part.classes)
    }
    # A T has its bar at the top and its stem below, in the middle; an L that is transposed would
    # have its foot on the right, a mirrored one its stem.
    assert mean["T"][:14].sum() > 1.2 * mean["T"][14:].sum()
    assert mean["T"][20:, 10:18].sum() > 2 * mean["T"][20:, 18:].sum()
    assert mean["F"][14:, :14].sum() > 1.5 * mean["F"][14:, 14:].sum()
    assert mean["F"][:14, 14:].sum() > 2 * mean["F"][14:, 14:].sum()
    assert mean["J"][16:, :12].sum() > 2 * mean["J"][16:, 18:].sum()


def test_letters_are_named_and_counted_from_the_first(folder):
    splits = load_emnist_letters(folder)
    assert splits.test is not None
    assert splits.train.classes == LETTERS == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert splits.train.label_counts()[:4].tolist() == [12, 12, 12, 0]
    assert sorted(splits.test.labels) == [0, 1, 2, 25]
    assert splits.train.name == splits.test.name == "emnist-letters"


@pytest.mark.parametrize(
    ("name", "loader", "classes"),
    [
        ("emnist-balanced", load_emnist_balanced, BALANCED_CLASSES),
        ("emnist-digits", load_emnist_digits, tuple("0123456789")),
    ],
)
def test_the_other_sets_count_from_zero(tmp_path, pixels, name, loader, classes):
    labels = (np.arange(36) % len(classes)).astype(np.uint8)
    for part in ("train", "test"):
        write_part(tmp_path, name, part, pixels, labels)
    train = loader(tmp_path).train
    assert (train.name, train.classes) == (name, classes)
    wanted = {(int(label), image.T.tobytes()) for image, label in zip(pixels, labels, strict=True)}
    assert {
        (int(label), image[:, :, 0].tobytes())
        for image, label in zip(train.images, train.labels, strict=True)
    } == wanted


def test_small_letters_have_classes_only_where_they_differ():
    assert len(BALANCED_CLASSES) == len(set(BALANCED_CLASSES)) == 47
    assert BALANCED_CLASSES[10] == "A"
    assert BALANCED_CLASSES[36:] == tuple("abdefghnqrt")


def test_any_order_of_the_files_gives_the_same_arrays(folder, pixels):
    first = load_emnist_letters(folder)
    order = np.random.default_rng(1).permutation(36)
    labels = (np.arange(36, dtype=np.uint8) % 3 + 1)[order]
    write_part(folder, "emnist-letters", "train", pixels[order], labels)
    second = load_emnist_letters(folder)
    np.testing.assert_array_equal(first.train.images, second.train.images)
    np.testing.assert_array_equal(first.train.labels, second.train.labels)


def test_images_that_end_in_black_are_sorted_as_well(folder, pixels):
    """NumPy's byte strings ignore zeros at their end."""
    pixels[:, 3:] = 0
    pixels[::2, 1:] = 0
    labels = np.ones(36, np.uint8)
    orders = [np.random.default_rng(seed).permutation(36) for seed in (0, 1)]
    found = []
    for order in orders:
        write_part(folder, "emnist-letters", "train", pixels[order], labels)
        found.append(load_emnist_letters(folder).train.images)
    np.testing.assert_array_equal(*found)


def test_without_the_test_files_a_fixed_sixth_is_held_out_and_named_so(folder):
    whole = load_emnist_letters(folder).train
    with pytest.warns(DataWarning, match=r"has no emnist-letters-test-images-idx3-ubyte\.gz"):
        splits = load_emnist_letters(without_test(folder))
    assert splits.test is not None
    assert (len(splits.train), len(splits.test)) == (30, 6)
    assert (splits.train.name, splits.test.name) == ("emnist-letters", HELD_OUT)
    assert splits.test.label_counts()[:3].tolist() == [2, 2, 2]
    # The same images are held out by whoever has the test part too.
    for ours, theirs in zip((splits.train, splits.test), held_out(whole), strict=True):
        np.testing.assert_array_equal(ours.images, theirs.images)
    rows = {image.tobytes() for image in splits.train.images}
    assert not any(image.tobytes() in rows for image in splits.test.images)


def test_with_the_test_files_nothing_is_held_out(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_emnist_letters(folder).train) == 36


@pytest.mark.parametrize("bad", [0, 27])
def test_a_label_that_is_no_letters_names_the_file(folder, pixels, bad):
    labels = np.array([1, bad, 2, 3], np.uint8)
    write_part(folder, "emnist-letters", "train", pixels[:4], labels)
    with pytest.raises(ValueError, match=rf"train-labels.*label {bad} of image 1 is out of range"):
        load_emnist_letters(folder)


@pytest.mark.parametrize(
    "inside", ["emnist-letters", "emnist", "EMNIST/raw", "emnist/gzip", "gzip"]
)
def test_files_are_found_where_the_archive_and_torchvision_put_them(folder, tmp_path, inside):
    place = tmp_path / "data" / inside
    place.mkdir(parents=True)
    for path in folder.iterdir():
        path.rename(place / path.name)
    assert len(load("emnist-letters", tmp_path / "data").train) == 36
    with pytest.raises(DataNotFoundError, match="emnist-digits-train-images"):
        load("emnist-digits", tmp_path / "data")


def test_a_shared_folder_belongs_to_each_of_its_sets(folder, tmp_path):
    folder.rename(tmp_path / "emnist")
    assert len(load_emnist_letters(tmp_path / "emnist").train) == 36
    with pytest.raises(DataNotFoundError, match="has no emnist-digits-train-images"):
        load_emnist_digits(tmp_path / "emnist")


@pytest.fixture
def mirrored(mirror, folder, monkeypatch):
    """Let EMNIST come from the mirror of this test, in the archive's form."""
    packed = io.BytesIO()
    letters = {path.name: path.read_bytes() for path in folder.iterdir()}
    with zipfile.ZipFile(packed, "w") as archive:
        for name in EMNIST_LETTERS.downloads[0].provides:
            archive.writestr(f"gzip/{name}", letters.get(name, gzip.compress(b"?")))
        archive.writestr("gzip/emnist-byclass-mapping.txt", b"not wanted")
        archive.writestr("../escaped", b"not wanted")
    mirror.files["gzip.zip"] = packed.getvalue()
    md5 = hashlib.md5(packed.getvalue(), usedforsecurity=False).hexdigest()
    wanted = dataclasses.replace(
        EMNIST_LETTERS.downloads[0], urls=(mirror.url("gzip.zip"),), checksum=Checksum("md5", md5)
    )
    sources = {
        source.name: dataclasses.replace(source, downloads=(wanted,))
        for source in SOURCES
        if source.shared_folder
    }
    monkeypatch.setattr(emnist, "EMNIST_LETTERS", sources["emnist-letters"])
    entries = [
        dataclasses.replace(entry, source=sources.get(entry.description.name, entry.source))
        for entry in catalog._ENTRIES
    ]
    monkeypatch.setattr(catalog, "_ENTRIES", tuple(entries))
    return mirror


def test_one_download_serves_all_sets(mirrored, tmp_path, cache):
    assert fetch("emnist-letters") == cache / "emnist"
    assert fetch("emnist-digits") == cache / "emnist"
    assert mirrored.requests == ["gzip.zip"]
    names = {path.name for path in (cache / "emnist").iterdir()}
    assert names == {
        file
        for name in ("emnist-letters", "emnist-balanced", "emnist-digits")
        for file in emnist_files(name)
    }
    assert len(load("emnist-letters", download=False).train) == 36
    assert not list(tmp_path.rglob("escaped"))


def test_loading_downloads_what_is_missing(mirrored):
    splits = load("emnist-letters")
    assert splits.test is not None
    assert (len(splits.train), len(splits.test)) == (36, 4)


def test_nothing_there_says_how_to_fetch_it():
    with pytest.raises(DataNotFoundError, match="run: numcnn data fetch emnist-letters"):
        load("emnist-letters", download=False)


def test_the_real_letters_are_as_many_as_published(real_data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        splits = load("emnist-letters", real_data("emnist-letters"), download=False)
    assert splits.test is not None
    if splits.test.name == HELD_OUT:
        assert splits.train.label_counts().tolist() == [4000] * 26
    assert splits.test.label_counts().tolist() == [800] * 26
