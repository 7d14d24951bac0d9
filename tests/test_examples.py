"""The examples run, and say what they claim."""

import re
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    def shown(name, *arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return shown


def share(text, label):
    """The percentage after a label, as a share."""
    return float(re.search(rf"{label}\D*([\d.]+)%", text)[1]) / 100


@pytest.mark.slow
def test_a_layer_of_ones_own_learns_and_is_right(run):
    shown = run("own_layer.py")
    error = float(shown.splitlines()[0].rsplit(" ", 1)[1])
    accuracy = float(shown.partition("test accuracy: ")[2].partition("%")[0])
    assert error < 1e-6
    assert accuracy > 95
    assert "the same after loading: True" in shown


@pytest.mark.slow
def test_keras_convnet(run):
    shown = run("keras_mnist_convnet.py", "--quick")
    assert "29,066" in shown
    assert share(shown, "test accuracy") > 0.75


@pytest.mark.slow
def test_scikit_learns_digits(run):
    pytest.importorskip("sklearn")
    shown = run("sklearn_digits.py")
    assert "chosen: {'learning_rate': " in shown
    assert share(shown, "accuracy") > 0.93


@pytest.mark.slow
def test_ones_own_arrays(run):
    shown = run("own_arrays.py")
    assert share(shown, "new pictures") > 0.95
    assert set(shown.splitlines()[-1].split()[4:]) <= {"ring", "cross"}


@pytest.mark.slow
def test_fine_tuning_beats_both_the_shipped_network_and_one_from_nothing(run):
    shown = run("finetune_reader.py")
    tuned = share(shown, "then all of it, slowly")
    assert tuned > share(shown, "as it comes") + 0.05
    assert tuned > share(shown, "from nothing, 300 images")


@pytest.mark.slow
def test_values_labels_and_images(run):
    shown = run("regression_and_labels.py")
    assert float(re.search(r"r2 ([\d.]+)", shown)[1]) > 0.8
    assert share(shown, "labels") > 0.95
    before, after = re.findall(r"[\d.]+", shown.splitlines()[-1])
    assert float(after) < 0.7 * float(before)


@pytest.mark.slow
def test_the_loop_written_out(run):
    assert share(run("manual_loop.py"), "accuracy") > 0.95
