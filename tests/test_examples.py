"""The examples run, and say what they claim."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.slow
def test_a_layer_of_ones_own_learns_and_is_right(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "own_layer.py"), run_name="__main__")
    shown = capsys.readouterr().out
    error = float(shown.splitlines()[0].rsplit(" ", 1)[1])
    accuracy = float(shown.partition("test accuracy: ")[2].partition("%")[0])
    assert error < 1e-6
    assert accuracy > 95
    assert "the same after loading: True" in shown
