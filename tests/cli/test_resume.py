import json
import signal
import sys
from pathlib import Path

import pytest

from numcnn.engine import TrainingEngine
from tests.cli.outcome import run_python, tree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals"),
]

FAULTY = Path(__file__).with_name("faulty_program.py")

# Of the three epochs of four batches, the second is in the middle of its work.
MIDDLE = 6


def history(folder: Path) -> list[dict[str, float]]:
    """What a run's history says, but for how long it took."""
    times = {"seconds", "images_per_second"}
    rows = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    return [{name: row[name] for name in row.keys() - times} for row in rows]


@pytest.fixture
def stopped(numcnn, small, monkeypatch):
    """A run in ``run`` that Ctrl-C ended in its second epoch, and what was said."""
    backward, left = TrainingEngine.backward, [MIDDLE]

    def pressing(*values, **named):
        left[0] -= 1
        if left[0] == 0:
            signal.raise_signal(signal.SIGINT)
        return backward(*values, **named)

    monkeypatch.setattr(TrainingEngine, "backward", pressing)
    return numcnn(*small, "--out", "run")


def test_a_killed_run_goes_on_to_the_same_file(numcnn, small, trained):
    died = run_python(FAULTY, "kill", MIDDLE, *small, "--out", "run")
    assert died.status == -signal.SIGKILL
    assert {path.name for path in Path("run").iterdir()} == {
        "settings.json",
        "history.jsonl",
        "checkpoint.safetensors",
    }
    assert numcnn("train", "--resume", "run").status == 0
    assert tree(Path("run")).keys() == tree(trained.folder).keys()
    for name in ("model.safetensors", "settings.json", "confusion.png"):
        assert Path("run", name).read_bytes() == (trained.folder / name).read_bytes()
    assert history(Path("run")) == history(trained.folder)


def test_a_run_killed_in_its_first_epoch_begins_anew(numcnn, small, model):
    run_python(FAULTY, "kill", 2, *small, "--out", "run")
    assert list(tree(Path("run"))) == ["settings.json"]
    assert numcnn("train", "--resume", "run").status == 0
    assert Path("run/model.safetensors").read_bytes() == model.read_bytes()


def test_a_run_stopped_after_its_last_epoch_is_finished(numcnn, small, trained, monkeypatch):
    def judge(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("numcnn.experiments.run.evaluate", judge)
        assert numcnn(*small, "--out", "run").status == 130
    # As if the end had come between the checkpoint and the history.
    Path("run/history.jsonl").unlink()
    assert not Path("run/model.safetensors").exists()
    assert numcnn("train", "--resume", "run").err == ""
    assert tree(Path("run")).keys() == tree(trained.folder).keys()
    assert (
        Path("run/model.safetensors").read_bytes()
        == (trained.folder / "model.safetensors").read_bytes()
    )
    assert history(Path("run")) == history(trained.folder)


def test_ctrl_c_ends_the_process_with_status_130(small):
    outcome = run_python(FAULTY, "interrupt", MIDDLE, *small, "--out", "run")
    assert outcome.status == 130
    assert "Traceback" not in outcome.err
    assert "to go on: numcnn train --resume run\n" in outcome.out


def test_ctrl_c_keeps_the_best_so_far_and_says_how_to_go_on(stopped, here):
    assert stopped.status == 130
    assert stopped.out.startswith("stopped after 1 epochs; to go on: numcnn train --resume run\n")
    assert {path.name for path in here.glob("run/*")} == {
        "model.safetensors",
        "settings.json",
        "history.jsonl",
        "metrics.json",
        "curves.png",
        "confusion.png",
        "checkpoint.safetensors",
    }
    metrics = json.loads((here / "run/metrics.json").read_text())
    assert (metrics["interrupted"], metrics["epochs"]) == (True, 1)


def test_a_stopped_run_goes_on_to_the_same_file(stopped, numcnn, trained):
    assert (
        Path("run/model.safetensors").read_bytes()
        != (trained.folder / "model.safetensors").read_bytes()
    )
    resumed = numcnn("train", "--resume", "run")
    assert resumed.status == 0
    # Only the epochs that were missing.
    assert [line.partition("  loss")[0] for line in resumed.err.splitlines()] == [
        "epoch 2/3",
        "epoch 3/3",
    ]
    assert tree(Path("run")).keys() == tree(trained.folder).keys()
    for name in ("model.safetensors", "settings.json", "confusion.png"):
        assert Path("run", name).read_bytes() == (trained.folder / name).read_bytes()
    assert history(Path("run")) == history(trained.folder)


def test_a_stopped_ensemble_says_how_to_go_on(small, trained):
    words = *small, "--ensemble", 2, "--out", "run"
    outcome = run_python(FAULTY, "interrupt", MIDDLE, *words)
    assert outcome.status == 130
    assert outcome.out == "stopped at seed 0; to go on: numcnn train --resume run\n"
    assert run_python("-m", "numcnn", "train", "--resume", "run").status == 0
    member = Path("run/seed-0")
    assert tree(member).keys() == tree(trained.folder).keys()
    assert (member / "model.safetensors").read_bytes() == (
        trained.folder / "model.safetensors"
    ).read_bytes()
    assert json.loads(Path("run/metrics.json").read_text())["test_accuracy"] > 0


def test_ctrl_c_in_the_first_epoch_leaves_nothing_but_the_settings(small):
    outcome = run_python(FAULTY, "interrupt", 2, *small, "--out", "run")
    assert outcome.status == 130
    assert "numcnn train --resume run" in outcome.out
    assert list(tree(Path("run"))) == ["settings.json"]


def test_ctrl_c_before_the_training_stops_in_one_line(numcnn, small, here, monkeypatch):
    def read(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("numcnn.experiments.settings.load", read)
    outcome = numcnn(*small, "--out", "run")
    assert (outcome.status, outcome.out) == (130, "")
    assert outcome.err.strip() == "numcnn: stopped"
    assert tree(here) == {}


def test_a_full_disk_leaves_the_checkpoint_before_it(numcnn, small, model):
    outcome = run_python(FAULTY, "full", MIDDLE, *small, "--out", "run", "--quiet")
    assert "checkpoint.safetensors" in outcome.error()
    assert {path.name for path in Path("run").iterdir()} == {
        "settings.json",
        "history.jsonl",
        "checkpoint.safetensors",
    }
    assert [row["epoch"] for row in history(Path("run"))] == [1]
    # There is room again.
    assert numcnn("train", "--resume", "run").status == 0
    assert Path("run/model.safetensors").read_bytes() == model.read_bytes()


def test_a_disk_that_is_full_from_the_start_leaves_no_checkpoint(small):
    outcome = run_python(FAULTY, "full", 1, *small, "--out", "run", "--quiet")
    assert "checkpoint.safetensors" in outcome.error()
    assert list(tree(Path("run"))) == ["settings.json"]


def test_a_finished_run_is_not_resumed(numcnn, trained):
    before = tree(trained.folder)
    message = numcnn("train", "--resume", trained.folder).error()
    assert "this run is finished; there is nothing to resume" in message
    assert tree(trained.folder) == before


def test_where_no_run_is_none_is_resumed(numcnn, here):
    message = numcnn("train", "--resume", "nowhere").error()
    assert "nowhere/settings.json: there is no such file" in message
    assert tree(here) == {}


@pytest.mark.parametrize(
    "more",
    [
        ("mnist",),
        ("--seed", 0),
        ("--epochs", 9),
        ("--recipe", "convnet"),
        ("--data-dir", "."),
        ("--no-augment",),
        ("--layers", "relu:3"),
        ("--ensemble", 2),
        ("--size", "8x8"),
        ("--color", "gray"),
        ("--out", "other"),
        ("--settings", "run/settings.json"),
    ],
)
def test_a_resumed_run_takes_no_other_settings(numcnn, stopped, here, more):
    before = tree(here)
    message = numcnn("train", "--resume", "run", *more).usage_error()
    assert "--resume goes on with the settings of the run" in message
    assert tree(here) == before


def test_a_damaged_checkpoint_is_told_and_left(numcnn, stopped, here):
    checkpoint = here / "run/checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    before = tree(here)
    assert "checkpoint.safetensors: not a readable" in numcnn("train", "--resume", "run").error()
    assert tree(here) == before


def test_a_run_does_not_go_on_with_other_settings_in_its_file(numcnn, stopped, here):
    settings = here / "run/settings.json"
    settings.write_text(settings.read_text().replace('"seed": 0', '"seed": 1'))
    before = tree(here)
    assert "seed was 0 and is 1" in numcnn("train", "--resume", "run").error()
    assert tree(here) == before
