import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import numcnn.experiments.ensemble_run
from numcnn.data import load_digits
from numcnn.experiments.ensemble_run import EnsembleRun, train_ensemble
from numcnn.experiments.run import train
from numcnn.experiments.settings import RunSettings
from numcnn.model_files import load_model
from numcnn.training import Callback, Moment
from tests.cli.outcome import tree

pytestmark = pytest.mark.slow

SETTINGS = RunSettings(recipe="two-conv-adam", epochs=2, seed=4, ensemble=3)
MEMBERS = ("seed-4", "seed-5", "seed-6")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> EnsembleRun:
    """Three networks that nothing came between."""
    return train_ensemble(SETTINGS, tmp_path_factory.mktemp("runs") / "run", progress="none")


def weights(folder: Path) -> list[bytes]:
    return [(folder / member / "model.safetensors").read_bytes() for member in MEMBERS]


def test_each_member_is_a_run_with_the_next_seed(trained, tmp_path):
    alone = train(replace(SETTINGS, seed=5, ensemble=None), tmp_path / "run", progress="none")
    member = trained.folder / "seed-5"
    assert tree(member).keys() == tree(alone.folder).keys()
    for name in ("model.safetensors", "settings.json", "confusion.png"):
        assert (member / name).read_bytes() == (alone.folder / name).read_bytes()
    assert len(set(weights(trained.folder))) == 3


def test_the_folder_holds_members_and_what_they_are_together(trained):
    assert {path.name for path in trained.folder.iterdir()} == {
        *MEMBERS,
        "settings.json",
        "metrics.json",
        "confusion.png",
    }
    assert json.loads((trained.folder / "metrics.json").read_text()) == trained.metrics
    assert RunSettings.load(trained.folder / "settings.json") == SETTINGS


def test_the_joint_accuracy_is_of_the_mean_probabilities(trained):
    test = load_digits().test
    models = [load_model(trained.folder / member / "model.safetensors").model for member in MEMBERS]
    mean = np.mean([model.predict_proba(test.images) for model in models], axis=0)
    assert trained.metrics["test_accuracy"] == np.mean(mean.argmax(axis=1) == test.labels)
    expected = -np.log(mean[np.arange(len(test)), test.labels]).mean()
    assert trained.metrics["test_loss"] == pytest.approx(expected, rel=1e-5)


def test_the_members_numbers_are_those_of_their_runs(trained):
    each = [
        json.loads((trained.folder / member / "metrics.json").read_text()) for member in MEMBERS
    ]
    assert trained.metrics["members"] == [
        {"folder": name, **one} for name, one in zip(MEMBERS, each, strict=True)
    ]
    alone = [one["test_accuracy"] for one in each]
    assert trained.metrics["lowest_test_accuracy"] == min(alone)
    assert trained.metrics["highest_test_accuracy"] == max(alone)
    assert trained.metrics["mean_test_accuracy"] == pytest.approx(sum(alone) / 3)
    assert trained.metrics["parameters"] == 3 * each[0]["parameters"]
    assert trained.metrics["seconds"] == pytest.approx(sum(one["seconds"] for one in each))


class Press(Callback):
    """Presses Ctrl-C in the second epoch."""

    def batch_end(self, moment: Moment) -> None:
        if (moment.epoch, moment.batch) == (2, 1):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_an_interrupted_ensemble_goes_on_to_the_same_files(trained, tmp_path, monkeypatch):
    def pressing(settings, folder, **named):
        if settings.seed == 5:
            named["callbacks"] = [*named["callbacks"], Press()]
        return train(settings, folder, **named)

    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(numcnn.experiments.ensemble_run, "train", pressing)
        stopped = train_ensemble(SETTINGS, tmp_path / "run", progress="none", announce=said.append)
    assert (stopped.interrupted, stopped.metrics) == (5, {})
    assert said == ["seed 4, 1 of 3", "seed 5, 2 of 3"]
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "seed-4",
        "seed-5",
        "settings.json",
    }
    assert (tmp_path / "run/seed-5/checkpoint.safetensors").exists()

    said.clear()
    resumed = train_ensemble(
        SETTINGS, tmp_path / "run", resume=True, progress="none", announce=said.append
    )
    assert said == ["seed 5, 2 of 3", "seed 6, 3 of 3"]
    assert weights(resumed.folder) == weights(trained.folder)
    assert tree(resumed.folder).keys() == tree(trained.folder).keys()
    assert resumed.metrics["test_accuracy"] == trained.metrics["test_accuracy"]


def test_a_finished_ensemble_is_not_resumed(trained):
    with pytest.raises(ValueError, match="this run is finished"):
        train_ensemble(SETTINGS, trained.folder, resume=True, progress="none")


def test_where_no_run_is_none_is_resumed(tmp_path):
    with pytest.raises(ValueError, match="no run here to resume"):
        train_ensemble(SETTINGS, tmp_path, resume=True, progress="none")


def test_a_folder_that_holds_a_run_is_left_alone(trained):
    before = tree(trained.folder)
    with pytest.raises(ValueError, match="holds a run already"):
        train_ensemble(SETTINGS, trained.folder, progress="none")
    assert tree(trained.folder) == before


@pytest.mark.parametrize(
    "settings", [replace(SETTINGS, layers="relu:3"), replace(SETTINGS, dataset="nothing")]
)
def test_a_mistake_leaves_no_folder_behind(tmp_path, settings):
    with pytest.raises(ValueError, match=r"layers are fixed|layers of two-conv-adam|no data set"):
        train_ensemble(settings, tmp_path / "run", progress="none")
    assert not (tmp_path / "run").exists()


def test_a_single_network_is_no_ensemble(tmp_path):
    with pytest.raises(ValueError, match="ensemble is None"):
        train_ensemble(replace(SETTINGS, ensemble=None), tmp_path / "run", progress="none")
    with pytest.raises(ValueError, match="ensemble is 3, and this trains one network"):
        train(SETTINGS, tmp_path / "run", progress="none")
