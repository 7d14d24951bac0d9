import json
import sys

import pytest

from tests.cli.outcome import run_python, tree
from tests.cli.test_resume import FAULTY

pytestmark = pytest.mark.slow


def test_the_three_of_the_readme_on_the_default_digits(numcnn, here):
    outcome = numcnn("compare", "two-layer", "two-conv-adam", "lenet5", "--quiet")
    assert (outcome.status, outcome.err) == (0, "")
    told = json.loads((here / "runs/digits-compare-1/comparison.json").read_text())
    # What each reaches at least, on digits of 8 x 8 pixels.
    assert all(row["accuracy"] > 0.85 for row in told["rows"])
    lines = outcome.out.splitlines()
    assert lines[0].startswith("Recipes on digits")
    for row in told["rows"]:
        [line] = [line for line in lines if f" {row['recipe']} " in line]
        assert f"{row['accuracy']:.2%}" in line
        assert f"{row['parameters']:,}" in line
    assert lines[-1].startswith("written to runs/digits-compare-1/: comparison.md, comparison.json")


@pytest.fixture
def words(files):
    """The arguments of a short comparison."""
    return "compare", "lenet5", "--dataset", "mnist", "--data-dir", files, "--epochs", 1


def test_seeds_give_a_range(numcnn, words, here):
    outcome = numcnn(*words, "--seeds", 2, "--out", "out")
    assert outcome.status == 0
    assert "lenet5, seed 0" in outcome.err
    told = json.loads((here / "out/comparison.json").read_text())
    low, high = sorted(told["rows"][0]["accuracies"])
    assert f"{low:.2%} to {high:.2%}" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 120


def test_json_is_one_object(numcnn, words, here):
    outcome = numcnn(*words, "--out", "out", "--json", "--quiet")
    assert outcome.out.count("\n") == 1
    printed = json.loads(outcome.out)
    assert printed.pop("folder") == "out"
    assert printed == json.loads((here / "out/comparison.json").read_text())


def test_the_same_again_trains_nothing(numcnn, words, here):
    numcnn(*words, "--out", "out")
    before = tree(here)
    again = numcnn(*words, "--out", "out")
    assert (again.status, again.err) == (0, "")
    assert tree(here) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_an_interrupted_comparison_says_how_to_go_on(numcnn, words):
    outcome = run_python(FAULTY, "interrupt", 2, *words, "--out", "out", "--quiet")
    assert outcome.status == 130
    assert outcome.out == (
        "stopped in lenet5-seed-0; to go on, give the same command with --out out\n"
    )
    assert numcnn(*words, "--out", "out", "--quiet").status == 0


def test_an_unknown_recipe_is_told_before_anything_is_trained(numcnn, here):
    message = numcnn("compare", "two-layer", "lenet6").error()
    assert "recipe 'lenet6' is unknown" in message
    assert tree(here) == {}


def test_recipes_must_be_named(numcnn):
    assert "Missing argument 'RECIPE...'" in numcnn("compare").usage_error()
