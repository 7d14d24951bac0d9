"""What the tests of the command line share: a place of their own, small data, a small model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pooch
import pytest
from PIL import Image

from numcnn.cli import program
from numcnn.data import Dataset, load_digits, load_mnist, write_idx
from numcnn.data.download_sources import IDX_FILES
from numcnn.experiments.run import Run, train
from numcnn.experiments.settings import RunSettings
from tests.cli.outcome import Outcome
from tests.cli.tables import write_table

Command = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The current folder: an empty one, far from the user's data, cache and network."""
    monkeypatch.delenv("NUMCNN_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def numcnn(capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line, in this process."""

    def call(*words: object) -> Outcome:
        capsys.readouterr()
        status = program.run([str(word) for word in words])
        written = capsys.readouterr()
        return Outcome(status, written.out, written.err)

    return call


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small MNIST in it: 8 x 8 pixels, 240 images to learn from, 80 to judge by."""
    root = tmp_path_factory.mktemp("files")
    digits = load_digits().train
    assert digits.labels is not None
    for (images, labels), rows in zip(
        (IDX_FILES[:2], IDX_FILES[2:]), (slice(240), slice(240, 320)), strict=True
    ):
        write_idx(root / "mnist" / images, digits.images[rows, ..., 0])
        write_idx(root / "mnist" / labels, digits.labels[rows].astype("uint8"))
    return root


@pytest.fixture(scope="session")
def small(files: Path) -> tuple[object, ...]:
    """The arguments of a training of three short epochs, of four batches each."""
    settings = "--recipe", "lenet5", "--epochs", 3, "--batch-size", 64
    return "train", "mnist", "--data-dir", files, *settings


@pytest.fixture(scope="session")
def trained(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """That training, left alone."""
    settings = RunSettings(
        dataset="mnist", data_dir=str(files), recipe="lenet5", epochs=3, batch_size=64
    )
    return train(settings, tmp_path_factory.mktemp("runs") / "trained", progress="none")


@pytest.fixture(scope="session")
def model(trained: Run) -> Path:
    """Its model file."""
    return trained.folder / "model.safetensors"


@pytest.fixture(scope="session")
def judged(files: Path) -> Dataset:
    """The images to judge by."""
    test = load_mnist(files).test
    assert test is not None
    return test


@pytest.fixture
def table(tmp_path: Path, judged: Dataset) -> Path:
    """They, as a labeled table."""
    return write_table(tmp_path / "judged.csv", judged)


@pytest.fixture
def pictures(tmp_path: Path, judged: Dataset) -> Path:
    """Those of three digits, as a folder of folders of images."""
    assert judged.labels is not None
    for digit in (7, 1, 3):
        folder = tmp_path / "pictures" / str(digit)
        folder.mkdir(parents=True)
        for number in np.flatnonzero(judged.labels == digit):
            Image.fromarray(judged.images[number, ..., 0]).save(folder / f"{number}.png")
    return tmp_path / "pictures"
