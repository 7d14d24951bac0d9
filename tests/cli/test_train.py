import json
from pathlib import Path

import pytest
from PIL import Image

from numcnn.experiments.settings import RunSettings
from tests.cli.outcome import Outcome, run_python, tree

pytestmark = pytest.mark.slow

FILES = {
    "model.safetensors",
    "settings.json",
    "history.jsonl",
    "metrics.json",
    "curves.png",
    "confusion.png",
}
METRICS = {
    "test_accuracy",
    "test_loss",
    "validation_accuracy",
    "validation_loss",
    "best_epoch",
    "epochs",
    "interrupted",
    "parameters",
    "multiply_adds",
    "seconds",
    "images_per_second",
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> tuple[Outcome, Path]:
    """``numcnn train``, as a newcomer types it."""
    place = tmp_path_factory.mktemp("newcomer")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        return run_python("-m", "numcnn", "train"), place


def test_the_default_reaches_98_percent_on_images_that_it_never_saw(plain):
    outcome, place = plain
    metrics = json.loads((place / "runs/digits-digits-1/metrics.json").read_text())
    assert outcome.status == 0
    assert metrics["test_accuracy"] >= 0.98
    assert f"test accuracy        {metrics['test_accuracy']:.2%}\n" in outcome.out


def test_a_run_is_one_folder_of_six_files(plain):
    _, place = plain
    assert {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()} == {
        f"runs/digits-digits-1/{name}" for name in FILES
    }


def test_where_there_is_no_terminal_each_epoch_is_a_line(plain):
    outcome, _ = plain
    lines = outcome.err.splitlines()
    assert [line.partition("  loss")[0] for line in lines] == [
        f"epoch {number:>2}/40" for number in range(1, 41)
    ]
    assert all(word in lines[0] for word in ("loss", "accuracy", "images/s", "left"))


def test_the_metrics_are_numbers_in_their_ranges(numcnn, small, here):
    assert numcnn(*small, "--out", "run").status == 0
    metrics = json.loads((here / "run/metrics.json").read_text())
    assert metrics.keys() == METRICS
    assert all(0 <= metrics[name] <= 1 for name in ("test_accuracy", "validation_accuracy"))
    assert metrics["seconds"] > 0
    assert metrics["images_per_second"] > 0
    assert (metrics["epochs"], metrics["interrupted"]) == (3, False)
    assert metrics["best_epoch"] in (1, 2, 3)


def test_the_history_has_a_line_an_epoch(numcnn, small, here):
    numcnn(*small, "--out", "run")
    rows = [json.loads(line) for line in (here / "run/history.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert all({"loss", "accuracy", "validation_accuracy", "seconds"} <= row.keys() for row in rows)


def test_the_pictures_are_pictures(numcnn, small, here):
    numcnn(*small, "--out", "run")
    for name in ("curves.png", "confusion.png"):
        with Image.open(here / "run" / name) as picture:
            assert picture.format == "PNG"
            assert len(picture.convert("RGB").getcolors(1 << 24)) > 10


def test_json_is_one_object_on_one_line(numcnn, small):
    outcome = numcnn(*small, "--out", "run", "--json")
    assert outcome.out.count("\n") == 1
    printed = json.loads(outcome.out)
    assert printed.pop("folder") == "run"
    assert printed == json.loads(Path("run/metrics.json").read_text())


def test_quiet_shows_no_progress(numcnn, small):
    assert numcnn(*small, "--out", "run").err.count("\n") == 3
    assert numcnn(*small, "--out", "quiet", "--quiet").err == ""


def test_the_same_seed_gives_the_same_file(numcnn, small, model):
    numcnn(*small, "--out", "run")
    assert Path("run/model.safetensors").read_bytes() == model.read_bytes()


def test_another_seed_gives_another_file(numcnn, small, model):
    numcnn(*small, "--seed", 1, "--out", "run")
    assert Path("run/model.safetensors").read_bytes() != model.read_bytes()


def test_its_settings_repeat_a_run(numcnn, model):
    assert numcnn("train", "--settings", model.parent / "settings.json", "--out", "run").status == 0
    assert Path("run/model.safetensors").read_bytes() == model.read_bytes()
    assert Path("run/settings.json").read_bytes() == (model.parent / "settings.json").read_bytes()


def test_options_change_a_settings_file(numcnn, model):
    numcnn("train", "--settings", model.parent / "settings.json", "--epochs", 1, "--out", "run")
    told = json.loads(Path("run/settings.json").read_text())
    assert told["settings"]["epochs"] == told["resolved"]["epochs"] == 1
    assert told["settings"]["recipe"] == told["resolved"]["recipe"] == "lenet5"


def test_runs_are_numbered_by_data_set_and_recipe(numcnn, small, here):
    for number in (1, 2):
        outcome = numcnn(*small, "--epochs", 1, "--json")
        assert json.loads(outcome.out)["folder"] == f"runs/mnist-lenet5-{number}"
    assert {path.name for path in here.glob("runs/*")} == {"mnist-lenet5-1", "mnist-lenet5-2"}


def test_a_table_without_a_test_part_is_judged_by_its_validation_part(numcnn, table):
    assert numcnn("train", table, "--recipe", "lenet5", "--epochs", 1, "--out", "run").status == 0
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["test_accuracy"] is None
    assert metrics["validation_accuracy"] is not None
    assert {path.name for path in Path("run").iterdir()} == FILES


def test_a_folder_of_images_is_resized_and_colored_as_asked(numcnn, pictures):
    settings = "--size", "12x10", "--color", "rgb", "--recipe", "lenet5", "--epochs", 1
    assert numcnn("train", pictures, *settings, "--out", "run").status == 0
    [found] = json.loads(numcnn("models", "run/model.safetensors", "--json").out)
    assert found["input_shape"] == [12, 10, 3]
    assert found["classes"] == ["1", "3", "7"]


def test_all_images_may_be_learned_from(numcnn, small):
    numcnn(*small, "--validation-split", 0, "--out", "run")
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["validation_accuracy"] is None
    assert metrics["best_epoch"] == 3
    assert metrics["test_accuracy"] is not None


def test_without_augmentation_the_images_are_as_they_are(numcnn, small, model):
    numcnn(*small, "--no-augment", "--out", "run")
    assert json.loads(Path("run/settings.json").read_text())["resolved"]["augmentation"] is None
    assert Path("run/model.safetensors").read_bytes() != model.read_bytes()


def test_a_folder_with_a_run_in_it_is_left_alone(numcnn, small, here):
    numcnn(*small, "--out", "run")
    before = tree(here)
    assert "holds a run already; choose another folder" in numcnn(*small, "--out", "run").error()
    assert tree(here) == before


def test_a_training_that_diverges_ends_with_advice_and_without_a_model(numcnn, small, here):
    outcome = numcnn(*small, "--learning-rate", 1e12, "--out", "run", "--quiet")
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.err.startswith("numcnn: the ")
    assert "try a lower learning rate" in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (here / "run/model.safetensors").exists()
    assert not (here / "run/metrics.json").exists()


def test_patience_ends_a_training_that_gets_no_better(numcnn, files, tmp_path):
    # A rate that changes nothing: no epoch is better than the first.
    settings = "--recipe", "lenet5", "--epochs", 9, "--learning-rate", 1e-30, "--no-augment"
    outcome = numcnn(
        "train", "mnist", "--data-dir", files, *settings, "--patience", 2, "--out", tmp_path / "run"
    )
    assert outcome.status == 0
    assert len((tmp_path / "run/history.jsonl").read_text().splitlines()) < 9


def test_patience_takes_validation(numcnn, files, tmp_path):
    words = "train", "mnist", "--data-dir", files, "--patience", 2, "--validation-split", 0
    outcome = numcnn(*words, "--recipe", "lenet5", "--out", tmp_path / "run")
    assert "early stopping needs validation data" in outcome.error()
    assert not (tmp_path / "run").exists()


def test_the_layers_of_a_dense_network_are_given_as_a_list(numcnn, small, here):
    words = "--recipe", "dense-sigmoid", "--layers", "relu:9,sigmoid:7", "--out", "run"
    assert numcnn(*small, *words).status == 0
    told = json.loads((here / "run/settings.json").read_text())
    assert told["settings"]["layers"] == "relu:9,sigmoid:7"
    layers = [layer.get("units", layer["layer"]) for layer in told["resolved"]["architecture"]]
    assert layers == ["Rescaling", "Flatten", 9, "ReLU", 7, "Sigmoid", 10]
    assert told["resolved"]["loss"] == "SigmoidCrossEntropy()"
    assert numcnn("train", "--settings", "run/settings.json", "--out", "again").status == 0
    assert (
        Path("again/model.safetensors").read_bytes() == Path("run/model.safetensors").read_bytes()
    )


@pytest.mark.parametrize(
    ("recipe", "layers", "told"),
    [
        ("dense-sigmoid", "relu:9,tanh:3", "where 'tanh:3' is no layer"),
        ("lenet5", "relu:9", "the layers of lenet5 are fixed"),
    ],
)
def test_layers_that_cannot_be_are_told(numcnn, small, here, recipe, layers, told):
    words = "--recipe", recipe, "--layers", layers, "--out", "run"
    assert told in numcnn(*small, *words).error()
    assert tree(here) == {}


def test_two_layer_learns_from_kaggles_table(numcnn, table):
    words = "--recipe", "two-layer", "--epochs", 100, "--out", "run", "--quiet"
    assert numcnn("train", table, *words).status == 0
    metrics = json.loads(Path("run/metrics.json").read_text())
    # 80 images are few, but better than a guess is easy.
    assert metrics["validation_accuracy"] > 0.2
    assert metrics["epochs"] == 100
    # Each epoch is one step.
    history = [json.loads(line) for line in Path("run/history.jsonl").read_text().splitlines()]
    assert history[-1]["loss"] < history[0]["loss"]
    resolved = json.loads(Path("run/settings.json").read_text())["resolved"]
    assert resolved["batch_size"] == 70  # all, but for one of each class


def test_an_ensemble_is_trained_into_one_folder(numcnn, small, here):
    outcome = numcnn(*small, "--ensemble", 2, "--out", "run")
    assert outcome.status == 0
    metrics = json.loads((here / "run/metrics.json").read_text())
    assert outcome.out.startswith(
        f"test accuracy        {metrics['test_accuracy']:.2%}  together\n"
        f"alone                {metrics['lowest_test_accuracy']:.2%} to "
    )
    lines = outcome.err.splitlines()
    assert [lines[0], lines[4]] == ["seed 0, 1 of 2", "seed 1, 2 of 2"]
    assert len(lines) == 8
    assert (here / "run/seed-1/model.safetensors").exists()
    assert "seed-0/model.safetensors" in numcnn("models", "run").out
    again = numcnn(
        "train", "--settings", "run/settings.json", "--out", "again", "--quiet", "--json"
    )
    assert again.err == ""
    printed = json.loads(again.out)
    assert printed["folder"] == "again"
    assert printed["test_accuracy"] == metrics["test_accuracy"]
    judged = json.loads(numcnn("evaluate", "run", "mnist", *small[2:4], "--json").out)
    assert judged["accuracy"] == metrics["test_accuracy"]


def test_a_finished_ensemble_is_not_resumed(numcnn, small):
    numcnn(*small, "--epochs", 1, "--ensemble", 2, "--out", "run")
    assert "this run is finished" in numcnn("train", "--resume", "run").error()


def test_by_the_layers_own_code_it_is_the_same_training(numcnn, small, trained, here):
    outcome = numcnn(*small, "--engine", "layers", "--out", here / "layers")
    assert outcome.status == 0
    own, planned = (
        [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
        for folder in (here / "layers", trained.folder)
    )
    for one, other in zip(own, planned, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)
        assert one["validation_loss"] == pytest.approx(other["validation_loss"], rel=1e-2)
    folders = here / "layers", trained.folder
    engines = [RunSettings.load(folder / "settings.json").engine for folder in folders]
    assert engines == ["layers", "auto"]


def test_an_engine_that_there_is_not(numcnn, small):
    assert "'--engine'" in numcnn(*small, "--engine", "steam").usage_error()
