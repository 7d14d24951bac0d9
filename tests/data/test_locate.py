import dataclasses
import hashlib
import os
import sys

import pytest

from numcnn.data.download_sources import (
    CIFAR10,
    FASHION_MNIST,
    IDX_FILES,
    MNIST,
    Checksum,
    Download,
)
from numcnn.data.locate import DataNotFoundError, find, is_available, locate


def fill(folder, names=IDX_FILES):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"content")
    return folder


def moved_to(mirror, source):
    """Let a data set come from the mirror of this test."""
    mirror.files |= dict.fromkeys(source.files, b"content")
    checksum = Checksum("sha256", hashlib.sha256(b"content").hexdigest())
    downloads = tuple(Download((mirror.url(name),), checksum, (name,)) for name in source.files)
    return dataclasses.replace(source, downloads=downloads)


NOWHERE = dataclasses.replace(
    MNIST,
    downloads=(Download(("http://127.0.0.1:9/x.gz",), Checksum("md5", ""), (IDX_FILES[0],)),),
)


@pytest.mark.parametrize("inside", ["", "mnist"])
@pytest.mark.parametrize(
    "names",
    [
        IDX_FILES,
        [name.removesuffix(".gz") for name in IDX_FILES],
        [name.removesuffix(".gz").replace("-idx", ".idx") for name in IDX_FILES],
        [name.replace("-idx", ".idx") for name in IDX_FILES],
    ],
    ids=["official", "unpacked", "dotted", "dotted and packed"],
)
def test_files_are_found_in_the_folder_or_its_subfolder(tmp_path, inside, names):
    folder = fill(tmp_path / inside, names)
    assert locate(MNIST, tmp_path) == dict(
        zip(IDX_FILES, [folder / name for name in names], strict=True)
    )


@pytest.mark.parametrize("inside", ["fashion-mnist", "fashion_mnist", "fashion"])
def test_a_subfolder_may_have_another_of_its_names(tmp_path, inside):
    fill(tmp_path / inside)
    assert locate(FASHION_MNIST, tmp_path)[IDX_FILES[0]].parent.name == inside


@pytest.mark.parametrize(
    "inside", ["", "cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"]
)
def test_an_unpacked_archive_is_found(tmp_path, inside):
    fill(tmp_path / inside, CIFAR10.files)
    files = locate(CIFAR10, tmp_path)
    assert set(files) == set(CIFAR10.files)
    fill(tmp_path / inside, CIFAR10.optional_files)
    assert set(locate(CIFAR10, tmp_path)) == {*CIFAR10.files, *CIFAR10.optional_files}


def test_each_data_set_is_taken_from_its_own_subfolder(tmp_path):
    fill(tmp_path / "mnist")
    fill(tmp_path / "fashion-mnist")
    assert locate(MNIST, tmp_path)[IDX_FILES[0]].parent.name == "mnist"
    assert locate(FASHION_MNIST, tmp_path)[IDX_FILES[0]].parent.name == "fashion-mnist"


def test_a_subfolder_comes_before_the_folder_itself(tmp_path):
    fill(tmp_path)
    fill(tmp_path / "mnist")
    assert locate(MNIST, tmp_path)[IDX_FILES[0]].parent.name == "mnist"


def test_another_data_sets_folder_is_not_mistaken_for_this_ones(tmp_path, monkeypatch):
    fill(tmp_path / "mnist")
    with pytest.raises(DataNotFoundError, match="by its name the folder of mnist"):
        locate(FASHION_MNIST, tmp_path / "mnist")
    monkeypatch.chdir(tmp_path / "mnist")
    assert find(FASHION_MNIST, ".") is None
    assert find(MNIST, ".") is not None


def test_a_given_folder_is_the_only_place(tmp_path, mirror, monkeypatch):
    source = moved_to(mirror, MNIST)
    monkeypatch.setenv("NUMCNN_DATA", str(fill(tmp_path / "environment")))
    (tmp_path / "given").mkdir()
    with pytest.raises(DataNotFoundError, match=r"data_dir .*given has no train-images-idx3"):
        locate(source, tmp_path / "given")
    assert mirror.requests == []


def test_what_is_missing_is_named(tmp_path):
    fill(tmp_path, IDX_FILES[:3])
    with pytest.raises(DataNotFoundError, match=r"has no t10k-labels-idx1-ubyte\.gz, neither"):
        locate(MNIST, tmp_path)
    with pytest.raises(DataNotFoundError, match="numcnn data fetch mnist --data-dir"):
        locate(MNIST, tmp_path)


def test_a_given_folder_that_is_none(tmp_path):
    with pytest.raises(DataNotFoundError, match="which is not a folder"):
        locate(MNIST, tmp_path / "nowhere")


def test_the_environment_comes_before_the_cache(tmp_path, cache, monkeypatch):
    fill(cache / "mnist")
    assert locate(MNIST)[IDX_FILES[0]].parent == cache / "mnist"
    monkeypatch.setenv("NUMCNN_DATA", str(fill(tmp_path / "environment")))
    assert locate(MNIST)[IDX_FILES[0]].parent == tmp_path / "environment"


def test_the_cache_helps_where_the_environment_has_nothing(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("NUMCNN_DATA", str(tmp_path))
    fill(cache / "mnist")
    assert locate(MNIST)[IDX_FILES[0]].parent == cache / "mnist"


def test_a_download_goes_to_the_cache_and_stays_there(mirror, cache):
    source = moved_to(mirror, MNIST)
    assert not is_available(source)
    first = locate(source)
    assert first == {name: cache / "mnist" / name for name in IDX_FILES}
    assert is_available(source)
    assert locate(source) == first
    assert len(mirror.requests) == len(IDX_FILES)


def test_an_interrupted_download_is_completed(mirror, cache):
    source = moved_to(mirror, MNIST)
    fill(cache / "mnist", IDX_FILES[:2])
    locate(source)
    assert mirror.requests == list(IDX_FILES[2:])


def test_nothing_is_downloaded_unasked(mirror):
    with pytest.raises(DataNotFoundError, match="numcnn data fetch mnist"):
        locate(moved_to(mirror, MNIST), allow_download=False)
    assert mirror.requests == []


def test_without_files_and_network_one_message_says_what_to_do(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMCNN_DATA", str(tmp_path / "mine"))
    with pytest.raises(FileNotFoundError) as caught:
        locate(NOWHERE)
    message = str(caught.value)
    for part in (
        str(tmp_path / "mine"),
        str(cache),
        "http://127.0.0.1:9/x.gz (ConnectionError)",
        "numcnn data fetch mnist",
        "--data-dir",
        "NUMCNN_DATA",
        *IDX_FILES,
    ):
        assert part in message
    assert "\n" not in message
    assert not any(path.is_file() for path in cache.rglob("*"))


def test_local_files_need_no_pooch(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DataNotFoundError):
        locate(MNIST, allow_download=False)
    with pytest.raises(ImportError, match=r"pip install 'numcnn\[app\]'"):
        locate(MNIST)
    monkeypatch.setenv("NUMCNN_DATA", str(fill(tmp_path)))
    assert locate(MNIST)


def test_a_relative_path_in_the_environment(tmp_path, monkeypatch):
    fill(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "NUMCNN_DATA", "here")
    assert is_available(MNIST)


@pytest.mark.parametrize(
    ("source", "folder"),
    [
        (MNIST, "MNIST/raw"),
        (MNIST, "mnist/raw"),
        (MNIST, "raw"),
        (FASHION_MNIST, "FashionMNIST/raw"),
        (MNIST, "Mnist"),
    ],
)
@pytest.mark.parametrize("place", ["data_dir", "environment"])
def test_where_torchvision_puts_them(tmp_path, monkeypatch, source, folder, place):
    fill(tmp_path / folder)
    if place == "data_dir":
        found = locate(source, tmp_path)
    else:
        monkeypatch.setenv("NUMCNN_DATA", str(tmp_path))
        found = locate(source)
    assert found[IDX_FILES[0]].parent == tmp_path / folder


def test_the_inmost_folder_of_torchvision_belongs_to_its_data_set(tmp_path):
    fill(tmp_path / "FashionMNIST/raw")
    assert locate(FASHION_MNIST, tmp_path / "FashionMNIST/raw")
    with pytest.raises(DataNotFoundError, match="by its name the folder of fashion-mnist"):
        locate(MNIST, tmp_path / "FashionMNIST/raw")


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    fill(tmp_path / "data" / "mnist")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert locate(MNIST, "~/data")[IDX_FILES[0]].parent == tmp_path / "data/mnist"
    monkeypatch.setenv("NUMCNN_DATA", "~/data")
    assert is_available(MNIST)


def test_an_environment_that_names_no_folder_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMCNN_DATA", str(tmp_path / "mistyped"))
    with pytest.raises(DataNotFoundError, match=r"mistyped \(NUMCNN_DATA: no folder\)"):
        locate(NOWHERE)


def test_without_a_home_there_is_no_cache(monkeypatch):
    monkeypatch.setattr("pooch.os_cache", lambda name: f"~/.cache/{name}")
    with pytest.raises(DataNotFoundError, match="there is no home folder to keep downloads in"):
        locate(NOWHERE)
    assert not is_available(MNIST)
