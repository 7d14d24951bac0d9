"""A training of the line network: small, interrupted, resumed, and what it writes."""

import functools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from numcnn.data import Dataset, Splits
from numcnn.experiments import line_run
from numcnn.experiments.line_run import train_lines, whole_lines
from numcnn.handwriting.reader.line_reader import LineReader
from numcnn.model_files import load_model
from numcnn.recipes import line_reader as recipe
from numcnn.training.callbacks import Callback
from tests.handwriting.synthesis.test_lines import digits


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few digits in place of MNIST's, a small network, few lines to validate with."""

    def load(name, data_dir=None, progressbar=False):
        assert name == "mnist"
        whole = digits(100)
        return Splits(Dataset(whole.images, whole.labels, whole.classes, "mnist"))

    monkeypatch.setattr(line_run, "load", load)
    monkeypatch.setattr(recipe, "VALIDATION_LINES", 8)
    network = recipe.network
    monkeypatch.setattr(recipe, "network", lambda symbols: network(symbols, width=2))


class EndsTheProcess(Callback):
    """Ends it when the first epoch is done and its checkpoint written."""

    def epoch_end(self, moment, record):
        raise SystemExit


def train(folder, epochs=2, **settings):
    return train_lines(folder, epochs=epochs, lines=64, progress="none", **settings)


def test_whole_lines_are_right_or_wrong_as_a_whole():
    targets = np.array([[0, 1, -1], [1, -1, -1], [-1, -1, -1]])
    paths = np.array([[0, 0, 2, 1], [1, 2, 1, 2], [2, 2, 2, 2]])
    assert whole_lines(targets, np.eye(3)[paths][:, np.newaxis]) == pytest.approx(2 / 3)


@pytest.mark.slow
def test_a_run_writes_a_model_that_reads(tmp_path):
    run = train(tmp_path / "run")
    assert len(run.history) == 2
    assert sorted(path.name for path in run.folder.iterdir() if path.suffix != ".lock") == [
        "history.jsonl",
        "model.safetensors",
    ]
    file = load_model(run.folder / "model.safetensors")
    assert file.card["seed"] == 0
    assert file.card["validation_whole_lines"] == run.history.best.metrics["whole_lines"]
    reading = LineReader(file).read(np.random.default_rng(0).uniform(0, 255, (40, 100)))
    assert 0 <= reading.probability <= 1
    with pytest.raises(ValueError, match="run"):
        train(run.folder)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    through = train(tmp_path / "through")

    # The first epoch is done and kept; then the process ends before the second.
    fit = line_run.fit
    ends = functools.partial(fit, callbacks=[EndsTheProcess()])
    monkeypatch.setattr(line_run, "fit", ends)
    with pytest.raises(SystemExit):
        train(tmp_path / "run")
    monkeypatch.setattr(line_run, "fit", fit)
    resumed = train(tmp_path / "run", resume=True)
    assert len(resumed.history) == 2
    assert_array_equal(resumed.model.parameters, through.model.parameters)


def test_nothing_to_resume_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no interrupted training"):
        train(tmp_path / "run", resume=True)
