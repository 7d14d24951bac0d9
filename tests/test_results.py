"""The page of results is what was measured, and measuring goes on where it was."""

import json
import re
import statistics

import pytest

from docs import generate_results
from docs.generate_results import NUMBERS, PAGE, measure, page, read_results
from numcnn.data import names
from numcnn.recipes import RECIPES
from tests.cli.outcome import tree

RESULT = {
    "recipe": "two-conv-adam",
    "dataset": "mnist",
    "reported": "97.3%",
    "test_accuracy": [0.99, 0.98, 0.994],
    "validation_accuracy": [0.9, 0.9, 0.9],
    "epochs": [2, 2, 2],
    "seconds": [59.0, 61.0, 75.0],
    "images_per_second": [2000.0, 2500.0, 2400.0],
    "parameters": 105_634,
    "multiply_adds": 858_880,
    "together": 0.995,
    "loops_seconds_per_image": 0.065,
    "machine": "2 cores of something",
    "versions": {"numcnn": "0.1.0", "numpy": "2.4.6", "python": "3.11.7"},
}


def test_the_page_is_what_was_measured():
    assert PAGE.read_text("utf-8") == page(read_results()), (
        "docs/results.md is out of date; run: python -m docs.generate_results"
    )


@pytest.mark.parametrize("file", sorted(NUMBERS.glob("*.json")), ids=lambda file: file.stem)
def test_what_was_measured_is_of_a_recipe_as_it_is(file):
    result = json.loads(file.read_text("utf-8"))
    assert result.keys() == RESULT.keys()
    recipe = RECIPES[result["recipe"]]
    assert file.stem == recipe.name
    assert result["reported"] == recipe.reported
    assert set(result["epochs"]) == {recipe.epochs}
    lists = ("test_accuracy", "validation_accuracy", "epochs", "seconds", "images_per_second")
    assert len({len(result[key]) for key in lists}) == 1
    # At least what the original says, where that is a number; of a range, its lower end.
    if stated := re.search(r"\d[\d.]*", recipe.reported):
        assert 100 * statistics.mean(result["test_accuracy"]) >= float(stated[0])


def test_every_recipe_has_data_that_there_are():
    assert set(generate_results.DATASETS) <= set(RECIPES)
    assert set(generate_results.DATASETS.values()) <= set(names())


def test_a_row_is_mean_range_and_how_many_times_faster():
    # 0.065 s in loops, 2,400 images a second here.
    assert (
        "| `two-conv-adam` | mnist | 97.3% | **98.80%** | 98.00% to 99.40% | 3 | 105,634 | 2 "
        "| 1 min 05 s | 2,400 | 65 ms | 156 |\n"
    ) in page([RESULT])


def test_what_networks_say_together_has_a_table():
    assert "| `two-conv-adam` | 3 | 98.80% | 99.50% |" in page([RESULT])
    assert "Together" not in page([{**RESULT, "together": None}])


def test_one_seed_has_no_range():
    lists = ("test_accuracy", "validation_accuracy", "epochs", "seconds", "images_per_second")
    one = {**RESULT, **{key: RESULT[key][:1] for key in lists}, "together": None}
    assert "| **99.00%** |  | 1 | 105,634 | 2 | 59 s | 2,000 | 65 ms | 130 |" in page([one])


def test_what_is_not_measured_is_said():
    told = page([RESULT])
    [missing] = [line for line in told.splitlines() if line.startswith("Not measured yet: ")]
    assert missing.count("`") == 2 * (len(RECIPES) - 1 - len(generate_results.ELSEWHERE))
    assert "`two-conv-adam`" not in missing
    assert "Not measured" not in page([{**RESULT, "recipe": name} for name in RECIPES])


def test_recipes_stand_in_their_order():
    told = page([{**RESULT, "recipe": name} for name in reversed(RECIPES)])
    found = re.findall(r"^\| `([^`]+)` \| mnist", told, re.MULTILINE)
    assert found == list(RECIPES)


@pytest.mark.slow
def test_measuring_keeps_what_is_there_and_adds_seeds(tmp_path, monkeypatch):
    monkeypatch.setattr(generate_results, "LOOPS_SECONDS", 0)
    first = measure("digits", 1, tmp_path, epochs=1)
    assert first.keys() == RESULT.keys()
    assert first["together"] is None
    before = tree(tmp_path / "digits/seed-0")
    second = measure("digits", 2, tmp_path, epochs=1)
    assert tree(tmp_path / "digits/seed-0") == before
    assert second["test_accuracy"][:1] == first["test_accuracy"]
    assert len(second["test_accuracy"]) == len(second["seconds"]) == 2
    assert 0 < second["together"] <= 1
    metrics = json.loads((tmp_path / "digits/seed-1/metrics.json").read_text())
    assert second["test_accuracy"][1] == metrics["test_accuracy"]
    assert second["loops_seconds_per_image"] > 0
    assert json.loads(json.dumps(second, allow_nan=False)) == second


@pytest.mark.parametrize(
    ("ends", "status", "told"),
    [
        (KeyboardInterrupt(), 130, "stopped; the same command goes on where it was\n"),
        (ValueError("there is no such data"), 2, "error: there is no such data\n"),
    ],
)
def test_what_was_measured_before_an_end_is_on_the_page(
    ends, status, told, tmp_path, monkeypatch, capsys
):
    def measure_one(name, *_):
        if name == "lenet5":
            raise ends
        return {**RESULT, "recipe": name}

    monkeypatch.setattr(generate_results, "NUMBERS", tmp_path)
    monkeypatch.setattr(generate_results, "PAGE", tmp_path / "results.md")
    monkeypatch.setattr(generate_results, "measure", measure_one)
    monkeypatch.setattr("sys.argv", ["generate_results", "two-conv-adam", "lenet5"])
    with pytest.raises(SystemExit) as exit_:
        generate_results.main()
    assert exit_.value.code == status
    error = capsys.readouterr().err
    assert error.endswith(told)
    assert "Traceback" not in error
    assert (tmp_path / "results.md").read_text("utf-8") == page(read_results())
    assert "`two-conv-adam`" in page(read_results())
    assert not list(tmp_path.glob("lenet5*"))


def test_the_readme_quotes_the_range_of_all_runs_of_the_speed():
    runs = [json.loads(line) for line in (NUMBERS / "speed.jsonl").read_text("utf-8").splitlines()]
    readme = (NUMBERS.parents[1] / "README.md").read_text("utf-8")
    page = (NUMBERS.parent / "benchmarks.md").read_text("utf-8")
    for network, tasks in runs[-1]["ratios"].items():
        ranges = []
        for task in tasks:
            ratios = [run["ratios"][network][task] for run in runs]
            ranges.append(f"{min(ratios):.2f} to {max(ratios):.2f}")
        row = " | ".join(ranges)
        assert re.search(rf"^\| {network}: .* \| {re.escape(row)} \| ", readme, re.MULTILINE)
        assert f"| {network} | {row} |" in page
