"""The README's Python runs as it stands, its links lead somewhere, its results were measured."""

import re
import statistics
from pathlib import Path

import pytest

from docs.generate_results import duration, read_results

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_examples_run(code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    exec(compile(code, "README.md", "exec"), scope)
    accuracy = scope["training"].evaluate(scope["model"], scope["digits"].test).accuracy
    assert accuracy > 0.95
    assert f"{accuracy}" in capsys.readouterr().out


def test_the_gallery_is_small():
    pictures = list((ROOT / "docs/images").glob("gallery-*"))
    assert pictures
    assert sum(picture.stat().st_size for picture in pictures) < 1_000_000


@pytest.mark.parametrize("mark", ["main command", "test command"])
def test_the_two_commands_are_one_line_each(mark):
    command = re.search(rf"<!-- {mark} -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert command is not None
    assert command[1].count("\n") == 1


def test_the_results_are_those_that_were_measured():
    rows = re.findall(
        r"^\| .* \| `(.*)` \| (.*) \| (.*) \| \*\*(.*)\*\* \| (.*) \| (.*) \|$", README, re.M
    )
    measured = {result["recipe"]: result for result in read_results()}
    assert len(rows) == 5
    for recipe, parameters, training, mean, extent, seeds in rows:
        result = measured[recipe]
        found = result["test_accuracy"]
        assert parameters == f"{result['parameters']:,}"
        taken = duration(statistics.mean(result["seconds"]))
        assert training == f"{max(result['epochs'])} epochs, {taken}"
        assert mean == f"{statistics.mean(found):.2%}"
        assert seeds == str(len(found))
        lowest, highest = min(found), max(found)
        assert extent == (f"{lowest:.2%} to {highest:.2%}" if lowest < highest else "")
        assert f"-m docs.generate_results {recipe} --seeds {seeds}\n" in README


def test_what_networks_reach_together_was_measured():
    found = re.search(
        r"^Five networks of `(.*)`, the mean of their probabilities, reach \*\*(.*)\*\* together",
        README,
        re.M,
    )
    assert found is not None
    [result] = [result for result in read_results() if result["recipe"] == found[1]]
    assert len(result["test_accuracy"]) == 5
    assert found[2] == f"{result['together']:.2%}"
