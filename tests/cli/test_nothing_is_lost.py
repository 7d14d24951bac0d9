"""A training that is done has its results, whatever becomes of the pictures."""

import errno
import json
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.outcome import tree

RESULTS = {"model.safetensors", "metrics.json", "history.jsonl", "settings.json"}
SHORT = "--epochs", 1, "--recipe", "lenet5", "-q"


def pictures(names: list[str]) -> Path:
    for place, name in enumerate(names):
        folder = Path("pictures", name)
        folder.mkdir(parents=True)
        for number in range(2):
            Image.new("L", (8, 8), place + 100 * number).save(folder / f"{number}.png")
    return Path("pictures")


@pytest.fixture
def full_while_drawing(monkeypatch):
    """A disk that takes all but pictures."""
    sync = Path.replace

    def replace(path, target):
        if path.suffix == ".png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return sync(path, target)

    monkeypatch.setattr(Path, "replace", replace)


def told(outcome) -> list[str]:
    """The lines on standard error, each about a picture, none with a traceback."""
    assert outcome.status == 0, outcome
    lines = outcome.err.splitlines()
    assert all(line.startswith("numcnn: ") for line in lines), outcome
    return [line.removeprefix("numcnn: ") for line in lines]


KINDS = {
    "one class": ["cat"],
    "101 classes": [f"c{k:03}" for k in range(101)],
    "no glyph": ["猫", "狗"],
    "a formula": ["$x$", "\\frac"],
}
if sys.platform == "linux":
    KINDS["no UTF-8"] = ["caf\udce9", "the"]


@pytest.mark.parametrize("kind", KINDS)
def test_any_classes_can_be_trained_and_judged(numcnn, here, kind):
    folder = pictures(KINDS[kind])
    lines = told(numcnn("train", folder, *SHORT, "--out", "run"))
    assert {path.name for path in Path("run").iterdir()} >= {*RESULTS, "curves.png"}
    assert len(lines) == (kind in ("one class", "101 classes", "no glyph"))
    assert all(line.startswith("run/confusion.png") for line in lines)
    assert Path("run/confusion.png").exists() == (kind != "one class")
    told(numcnn("evaluate", "run", folder, "--out", "judged"))
    assert {"mistakes.png", "predictions.png"} <= set(tree(Path("judged")))
    told(numcnn("features", "run/model.safetensors", folder, "--out", "why"))
    assert set(tree(Path("why"))) == {"feature_maps.png", "filters.png"}


def test_a_disk_that_is_full_while_drawing_costs_no_results(
    numcnn, small, here, full_while_drawing
):
    lines = told(numcnn(*small, "--epochs", 1, "--out", "run", "-q"))
    assert lines == [
        f"run/{name} was not drawn: run/{name}: the disk is full; "
        "make room, or choose another place"
        for name in ("curves.png", "confusion.png")
    ]
    assert {path.name for path in Path("run").iterdir()} == RESULTS
    assert "nothing to resume" in numcnn("train", "--resume", "run").error()


def test_nor_those_of_an_ensemble(numcnn, small, here, full_while_drawing):
    lines = told(numcnn(*small, "--epochs", 1, "--ensemble", 2, "--out", "run", "-q"))
    assert [line.split()[0] for line in lines] == [
        *(f"run/seed-{seed}/{name}" for seed in (0, 1) for name in ("curves.png", "confusion.png")),
        "run/confusion.png",
    ]
    assert json.loads(Path("run/metrics.json").read_text())["test_accuracy"] > 0


def test_nor_those_of_a_comparison(numcnn, files, here, full_while_drawing):
    words = "compare", "lenet5", "two-layer", "--dataset", "mnist", "--data-dir", files
    outcome = numcnn(*words, "--epochs", 1, "--out", "run", "-q")
    assert len(told(outcome)) == 5
    assert (
        "written to run/: comparison.md, comparison.json, and a run in each folder" in outcome.out
    )
    assert {"comparison.md", "comparison.json"} <= set(tree(Path("run")))


def test_nor_what_was_judged(numcnn, model, files, here, full_while_drawing):
    words = model, "mnist", "--data-dir", files
    outcome = numcnn("evaluate", *words, "--out", "judged")
    assert len(told(outcome)) == 3
    assert outcome.out.startswith("accuracy ")
    assert "pictures in" not in outcome.out
    assert len(told(numcnn("features", *words, "--out", "why"))) == 2


def test_two_trainings_do_not_share_a_folder(numcnn, small, here, trained):
    from numcnn.experiments.run_folder import RunFolder

    with RunFolder.locked("run"):
        message = numcnn(*small, "--out", "run").error()
        assert "run: another training is at work in this folder; wait for its end" in message
    with RunFolder.locked(trained.folder):
        words = "train", "--resume", trained.folder
        assert "another training is at work" in numcnn(*words).error()
    assert tree(here) == {}


@pytest.fixture
def interrupted(numcnn, small, monkeypatch) -> Path:
    from tests.cli.test_resume import MIDDLE, TrainingEngine, signal

    backward, left = TrainingEngine.backward, [MIDDLE]

    def pressing(*values, **named):
        left[0] -= 1
        if left[0] == 0:
            signal.raise_signal(signal.SIGINT)
        return backward(*values, **named)

    monkeypatch.setattr(TrainingEngine, "backward", pressing)
    assert numcnn(*small, "--patience", 2, "--out", "run").status == 130
    return Path("run")


def test_an_interrupted_run_without_its_checkpoint_is_not_finished(numcnn, interrupted):
    (interrupted / "checkpoint.safetensors").unlink()
    before = tree(interrupted)
    message = numcnn("train", "--resume", interrupted).error()
    assert "was interrupted after 1 epochs, and its checkpoint.safetensors is gone" in message
    assert "numcnn train --settings run/settings.json" in message
    assert tree(interrupted) == before


def test_a_run_that_lost_its_checkpoint_and_has_no_results_says_that_it_begins_anew(
    numcnn, interrupted
):
    for name in ("checkpoint.safetensors", "model.safetensors", "metrics.json"):
        (interrupted / name).unlink()
    outcome = numcnn("train", "--resume", interrupted, "-q")
    assert told(outcome) == ["run/checkpoint.safetensors is gone, so the training began anew"]


def test_a_run_does_not_go_on_with_another_patience(numcnn, interrupted):
    settings = interrupted / "settings.json"
    settings.write_text(settings.read_text().replace('"patience": 2', '"patience": 3'))
    assert "'patience': 3" in numcnn("train", "--resume", interrupted).error()


def test_an_ensemble_does_not_mix_members_of_other_settings(numcnn, small, here):
    numcnn(*small, "--epochs", 1, "--ensemble", 2, "--out", "run", "-q")
    (here / "run/metrics.json").unlink()
    settings = here / "run/settings.json"
    settings.write_text(settings.read_text().replace('"epochs": 1', '"epochs": 2'))
    message = numcnn("train", "--resume", "run").error()
    assert "run/seed-0: holds a run of other settings than run/settings.json says" in message


def test_what_a_killed_run_left_is_swept(numcnn, interrupted):
    left = interrupted / ".checkpoint-0123456789abcdef.safetensors"
    mine = interrupted / ".notes-0123456789abcdef.txt"
    left.touch()
    mine.touch()
    assert numcnn("train", "--resume", interrupted, "-q").status == 0
    assert mine.exists()
    assert not left.exists()
