"""Output never takes the place of an input, and missing folders of an output path are made."""

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.outcome import tree
from tests.handwriting.reader.drawings import page


@pytest.fixture
def number(here) -> Path:
    page(["207"]).save(here / "number.png")
    return here / "number.png"


def linked(kind: str, path: Path) -> Path:
    """Another name of a file."""
    other = path.with_name(f"other-{path.name}")
    if kind == "the same":
        return path
    if kind == "relative":
        return Path(os.path.relpath(path))
    if kind == "roundabout":
        path.with_name("deep").mkdir(exist_ok=True)
        return path.parent / "deep" / ".." / path.name
    if kind == "hard link":
        os.link(path, other)
    else:
        other.symlink_to(path)
    return other


KINDS = ["the same", "relative", "roundabout", "hard link", "symbolic link"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", ["read", "explain", "csv", "model"])
def test_an_input_is_not_written_over(numcnn, here, number, model, table, kind, command):
    own = shutil.copy(model, here / "model.safetensors")
    rows = shutil.copy(table, here / "table.csv")
    read = {"csv": rows, "model": own}.get(command, number)
    output = linked(kind, Path(read))
    before = tree(here)
    words = {
        "read": ("read", number, "--show", output),
        "explain": ("explain", number, "-o", output),
    }.get(command, ("predict", own, rows, "-o", output))
    message = numcnn(*words).error()
    assert "is read as input; choose another name" in message
    assert tree(here) == before


def test_one_of_several_inputs_is_not_written_over(numcnn, here, number):
    (here / "shown").mkdir()
    shutil.copy(number, here / "shown" / "number.png.png")
    before = tree(here)
    words = "read", number, "shown/number.png.png", "--show", "shown"
    assert "is read as input" in numcnn(*words).error()
    assert tree(here) == before


def test_two_pictures_are_not_drawn_to_one_file(numcnn, here, number):
    for folder in ("a", "b", "shown"):
        (here / folder).mkdir()
        shutil.copy(number, here / folder / "number.png")
    words = "read", "a/number.png", "b/number.png", "--show", "shown"
    assert "would draw both" in numcnn(*words).error()


def test_pictures_of_an_evaluation_take_no_images_place(numcnn, here, model, pictures):
    cats = here / "pictures"
    shutil.copytree(pictures, cats)
    (cats / "1" / "10.png").unlink(missing_ok=True)
    shutil.copy(next((cats / "1").iterdir()), cats / "1" / "mistakes.png")
    before = tree(here)
    message = numcnn("evaluate", model, cats, "--out", cats / "1").error()
    assert "mistakes.png" in message
    assert tree(here) == before


def test_pictures_of_features_take_no_images_place(numcnn, here, model, pictures):
    shutil.copy(next(pictures.rglob("*.png")), here / "filters.png")
    before = tree(here)
    assert "is read as input" in numcnn("features", model, "filters.png", "--out", ".").error()
    assert tree(here) == before


def test_a_training_does_not_write_over_its_settings(numcnn, here, model):
    (here / "run").mkdir()
    shutil.copy(model.parent / "settings.json", here / "run")
    before = tree(here)
    words = "train", "--settings", "run/settings.json", "--out", "run"
    assert "is read as input" in numcnn(*words).error()
    assert tree(here) == before


def test_an_older_output_is_written_over(numcnn, here, number):
    (here / "shown.png").write_text("old")
    assert numcnn("read", number, "--show", "shown.png").status == 0
    assert (here / "shown.png").read_bytes().startswith(b"\x89PNG")


class TestMissingFolders:
    def test_are_made_by_read(self, numcnn, here, number):
        assert numcnn("read", number, "--show", "a/b/shown.png").status == 0
        assert (here / "a/b/shown.png").is_file()

    def test_are_made_by_read_of_several(self, numcnn, here, number):
        shutil.copy(number, here / "other.png")
        assert numcnn("read", number, "other.png", "--show", "a/b").status == 0
        assert set(tree(here / "a/b")) == {"number.png.png", "other.png.png"}

    def test_are_made_by_predict(self, numcnn, here, model, table):
        assert numcnn("predict", model, table, "-o", "a/b/out.csv").status == 0
        assert (here / "a/b/out.csv").is_file()

    def test_are_made_by_evaluate(self, numcnn, here, model, table):
        assert numcnn("evaluate", model, table, "--out", "a/b").status == 0
        assert (here / "a/b/confusion.png").is_file()

    def test_are_made_by_features(self, numcnn, here, model, table):
        assert numcnn("features", model, table, "--out", "a/b").status == 0
        assert (here / "a/b/filters.png").is_file()

    def test_are_made_by_explain(self, numcnn, here, number):
        assert numcnn("explain", number, "-o", "c/d/why.png").status == 0
        assert (here / "c/d/why.png").is_file()

    def test_are_made_by_train(self, numcnn, here, small):
        assert numcnn(*small, "--epochs", 1, "--out", "a/b", "-q").status == 0
        assert (here / "a/b/model.safetensors").is_file()

    @pytest.mark.parametrize("command", ["read", "explain", "features", "predict", "train"])
    def test_the_help_says_so(self, numcnn, command):
        words = " ".join(numcnn(command, "--help").out.split())
        assert "issing folders are made" in words


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("file/out.csv", "a file"),
        ("folder", "this is a folder; give a file"),
        ("n" * 300, "the name is too long; choose a shorter one"),
        pytest.param(
            "pipe",
            "not a regular file; give the name of a file to write",
            marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes have names here"),
        ),
    ],
)
def test_where_nothing_can_be_written_is_told(numcnn, here, model, table, output, told):
    (here / "file").touch()
    (here / "folder").mkdir()
    if output == "pipe":  # and not the machine's own devices: a failing test would replace them
        os.mkfifo(here / "pipe")
    before = tree(here)
    message = numcnn("predict", model, table, "-o", output).error()
    assert told in message
    assert "Errno" not in message
    assert tree(here) == before


@pytest.mark.parametrize("more", [(), ("--show=~/s/s.png",)])
def test_a_tilde_is_the_home_folder(numcnn, here, number, monkeypatch, more):
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setenv("USERPROFILE", str(here))
    assert numcnn("read", "~/number.png", *more).out == "207\n"
    assert (here / "s/s.png").exists() == bool(more)
