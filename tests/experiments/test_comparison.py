import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import numcnn.experiments.comparison
from numcnn.experiments.comparison import Comparison, ComparisonRow, compare
from numcnn.experiments.run import train
from numcnn.experiments.settings import RunSettings
from numcnn.nn import Conv2D, Dense, Flatten, Sequential
from numcnn.recipes import RECIPES, Recipe
from numcnn.training import Callback, Moment
from tests.cli.outcome import tree
from tests.cli.tables import write_table

pytestmark = pytest.mark.slow

SETTINGS = RunSettings(epochs=1)
NAMES = ("two-conv-adam", "lenet5")


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> Comparison:
    """Two recipes, two seeds."""
    folder = tmp_path_factory.mktemp("runs") / "both"
    return compare(NAMES, SETTINGS, folder, seeds=2, progress="none")


def metrics(folder: Path, name: str, seed: int) -> dict[str, float]:
    return json.loads((folder / f"{name}-seed-{seed}/metrics.json").read_text())


def test_a_row_is_what_the_runs_measured(compared):
    assert [row.recipe for row in compared.rows] == list(NAMES)
    for row in compared.rows:
        runs = [metrics(compared.folder, row.recipe, seed) for seed in (0, 1)]
        assert row.accuracies == tuple(run["test_accuracy"] for run in runs)
        assert row.accuracy == pytest.approx(sum(row.accuracies) / 2)
        assert row.parameters == runs[0]["parameters"]
        assert row.multiply_adds == runs[0]["multiply_adds"]
        assert row.epochs == 1
        assert row.seconds == pytest.approx((runs[0]["seconds"] + runs[1]["seconds"]) / 2)
        assert row.images_per_second > 0
    assert (compared.dataset, compared.judged_by, compared.interrupted) == ("digits", "test", None)


def test_the_files_say_the_same(compared):
    names = {"comparison.json", "comparison.md", "comparison.png"}
    runs = {f"{name}-seed-{seed}" for name in NAMES for seed in (0, 1)}
    assert {path.name for path in compared.folder.iterdir()} == names | runs
    told = json.loads((compared.folder / "comparison.json").read_text())
    assert told == json.loads(json.dumps(compared.as_json()))
    assert [row["recipe"] for row in told["rows"]] == list(NAMES)
    assert (compared.folder / "comparison.md").read_text() == compared.markdown()
    with Image.open(compared.folder / "comparison.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 10


def test_a_run_is_a_run_as_any_other(compared, tmp_path):
    alone = train(RunSettings(recipe="lenet5", epochs=1, seed=1), tmp_path / "run", progress="none")
    ours = compared.folder / "lenet5-seed-1"
    assert (ours / "model.safetensors").read_bytes() == (
        alone.folder / "model.safetensors"
    ).read_bytes()


def rows(*accuracies: tuple[float, ...]) -> Comparison:
    made = [
        ComparisonRow(f"r{k}", each, 61_706, 416_520, 12, 35.26, 12_345.6)
        for k, each in enumerate(accuracies)
    ]
    return Comparison(Path("out"), "mnist", "test", tuple(made))


def test_the_table_as_markdown():
    assert rows((0.99, 0.97), (0.5, 0.5)).markdown() == (
        "| recipe | test accuracy | range | parameters | multiply-adds | epochs | seconds "
        "| images/s |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|\n"
        "| r0 | 98.00% | 97.00% to 99.00% | 61,706 | 416,520 | 12 | 35.3 | 12,346 |\n"
        "| r1 | 50.00% | 50.00% to 50.00% | 61,706 | 416,520 | 12 | 35.3 | 12,346 |\n"
    )


def test_one_seed_has_no_range():
    heading, line = rows((0.99,)).cells()
    assert "range" not in heading
    assert line[:3] == ["r0", "99.00%", "61,706"]


def test_what_is_there_is_kept_and_more_seeds_are_added(tmp_path):
    said: list[str] = []
    first = compare(["lenet5"], SETTINGS, tmp_path, progress="none", announce=said.append)
    before = tree(tmp_path / "lenet5-seed-0")
    more = compare(["lenet5"], SETTINGS, tmp_path, seeds=2, progress="none", announce=said.append)
    assert said == ["lenet5, seed 0", "lenet5, seed 1"]
    assert tree(tmp_path / "lenet5-seed-0") == before
    assert more.rows[0].accuracies[0] == first.rows[0].accuracies[0]
    assert len(more.rows[0].accuracies) == 2


def test_a_run_of_other_settings_is_left_alone(tmp_path):
    compare(["lenet5"], SETTINGS, tmp_path, progress="none")
    before = tree(tmp_path)
    with pytest.raises(ValueError, match="lenet5-seed-0: holds a run of other settings"):
        compare(["lenet5"], RunSettings(epochs=2), tmp_path, progress="none")
    assert tree(tmp_path) == before


class Press(Callback):
    """Presses Ctrl-C in the second epoch."""

    def batch_end(self, moment: Moment) -> None:
        if (moment.epoch, moment.batch) == (2, 1):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_an_interrupted_comparison_goes_on(tmp_path, monkeypatch):
    settings = RunSettings(epochs=2)

    def pressing(run, place, **named):
        more = [Press()] if run.recipe == "lenet5" else []
        return train(run, place, callbacks=more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(numcnn.experiments.comparison, "train", pressing)
        stopped = compare(NAMES, settings, tmp_path / "it", progress="none")
    assert (stopped.interrupted, stopped.rows) == ("lenet5-seed-0", ())
    assert not (tmp_path / "it/comparison.json").exists()
    resumed = compare(NAMES, settings, tmp_path / "it", progress="none")
    whole = compare(NAMES, settings, tmp_path / "whole", progress="none")
    assert [row.accuracies for row in resumed.rows] == [row.accuracies for row in whole.rows]


def test_without_a_test_part_validation_judges(tmp_path, judged_by_validation):
    found = compare(
        ["lenet5"], RunSettings(dataset=str(judged_by_validation), epochs=1), tmp_path / "out",
        progress="none",
    )  # fmt: skip
    assert (found.judged_by, found.dataset) == ("validation", "table.csv")
    numbers = metrics(found.folder, "lenet5", 0)
    assert found.rows[0].accuracies == (numbers["validation_accuracy"],)
    assert "validation accuracy" in found.markdown()


def test_without_a_test_part_all_hold_images_out(tmp_path, judged_by_validation, monkeypatch):
    lenet5 = RECIPES["lenet5"]
    learns_from_all = replace(lenet5, name="all", validation_split=0.0)
    monkeypatch.setattr("numcnn.recipes.RECIPES", {"lenet5": lenet5, "all": learns_from_all})
    settings = RunSettings(dataset=str(judged_by_validation), epochs=1)
    found = compare(["lenet5", "all"], settings, tmp_path / "out", progress="none")
    assert found.judged_by == "validation"
    # They hold the same tenth out, so they are the same training.
    assert found.rows[0].accuracies == found.rows[1].accuracies


@pytest.fixture
def judged_by_validation(tmp_path) -> Path:
    """A table, which has no test part."""
    from numcnn.data import load_digits

    return write_table(tmp_path / "table.csv", load_digits().train.subset(range(200)))


def test_a_recipe_that_cannot_take_the_images_is_told_first(tmp_path, monkeypatch):
    def large(image_shape, classes):
        return Sequential([Conv2D(1, 9), Flatten(), Dense(classes)])

    lenet5 = RECIPES["lenet5"]
    settings = {name: getattr(lenet5, name) for name in ("epochs", "batch_size", "learning_rate")}
    recipe = Recipe(
        name="large", summary="", network=large, schedule=lenet5.schedule,
        optimizer=lenet5.optimizer, **settings,
    )  # fmt: skip
    monkeypatch.setattr("numcnn.recipes.RECIPES", {**RECIPES, "large": recipe})
    with pytest.raises(ValueError, match="recipe large cannot take digits: conv2d_1: "):
        compare(["lenet5", "large"], SETTINGS, tmp_path / "out", progress="none")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("names", "seeds", "message"),
    [
        ((), 1, "recipes is empty"),
        (("lenet5",), 0, "seeds is 0; give an integer of at least 1"),
        (("lenet5", "lenet6"), 1, "recipe 'lenet6' is unknown.*did you mean 'lenet5'"),
    ],
)
def test_what_cannot_be_compared_is_told(tmp_path, names, seeds, message):
    with pytest.raises(ValueError, match=message):
        compare(names, SETTINGS, tmp_path / "out", seeds=seeds, progress="none")
    assert not (tmp_path / "out").exists()


def test_a_recipe_named_twice_counts_once(tmp_path):
    found = compare(["lenet5", "lenet5"], SETTINGS, tmp_path, progress="none")
    assert [row.recipe for row in found.rows] == ["lenet5"]
