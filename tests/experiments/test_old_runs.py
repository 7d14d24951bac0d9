"""Runs that an earlier version left, before checkpoints had checksums and runs had shards.

`old_runs` holds one that was interrupted in its second epoch and one that was finished.
"""

import json
import shutil
from pathlib import Path

import pytest

from numcnn.data import load_digits
from numcnn.experiments.run import train
from numcnn.experiments.run_folder import RunFolder
from numcnn.experiments.settings import RunSettings
from numcnn.model_files import load_model
from numcnn.training import ReproducibilityWarning, evaluate

OLD = Path(__file__).parent / "old_runs"


def test_a_finished_one_is_known_and_its_model_does_what_it_did():
    metrics = json.loads((OLD / "finished" / "metrics.json").read_text("utf-8"))
    found = load_model(OLD / "finished" / "model.safetensors")
    assert RunFolder(OLD / "finished").is_finished
    test = load_digits().test.with_classes(found.classes)
    assert evaluate(found.model, test).accuracy == pytest.approx(metrics["test_accuracy"], abs=0.01)


def test_an_interrupted_one_goes_on(tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(OLD / "interrupted", folder)
    assert not RunFolder(folder).is_finished
    settings = RunSettings.load(folder / "settings.json")
    with pytest.warns(ReproducibilityWarning, match="unknown number of shards"):
        run = train(settings, folder, resume=True, progress="none")
    assert [record.epoch for record in run.history.records] == [1, 2, 3]
    assert RunFolder(folder).is_finished
    # The one that was left alone had the same seed.
    alone = load_model(OLD / "finished" / "model.safetensors").model
    assert run.model.parameters == pytest.approx(alone.parameters, abs=1e-3)
