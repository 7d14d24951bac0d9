"""A picture that cannot be drawn is a line, whatever the reason."""

import errno
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from numcnn.drawing import draw, draw_confusion, draw_or_raise

ROWS = [{"epoch": 1, "loss": 0.5, "accuracy": 0.5}]


def curves(plots):
    return plots.learning_curves(ROWS)


def assert_picture(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 10


def test_what_can_be_drawn_is_drawn_without_a_word(tmp_path):
    assert draw(tmp_path / "curves.png", curves) == []
    assert_picture(tmp_path / "curves.png")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("too many\nclasses"), "too many classes"),
        (TypeError("set_text(): wrong"), "set_text(): wrong"),
        (RuntimeError("broken"), "broken"),
        (MemoryError(), "there is not enough memory"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_an_error_is_told_in_a_line(tmp_path, error, told):
    def fail(plots):
        raise error

    [line] = draw(tmp_path / "curves.png", fail)
    assert line.startswith(f"{tmp_path / 'curves.png'} was not drawn: {told}")
    assert "\n" not in line


def test_ctrl_c_is_no_such_error(tmp_path):
    def stop(plots):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(tmp_path / "curves.png", stop)


def test_a_full_disk_is_told_in_a_line(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    [line] = draw(tmp_path / "curves.png", curves)
    assert "was not drawn" in line
    assert "the disk is full; make room" in line
    assert "Errno" not in line
    assert list(tmp_path.iterdir()) == []


def test_an_older_picture_does_not_stay_for_the_new_one(tmp_path):
    (tmp_path / "curves.png").write_text("of another run")
    draw(tmp_path / "curves.png", lambda plots: plots.learning_curves([]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [DeprecationWarning, PendingDeprecationWarning])
def test_what_libraries_say_to_programmers_is_no_line(tmp_path, kind):
    def old_fashioned(plots):
        warnings.warn("oneOf is deprecated", kind, stacklevel=1)
        return curves(plots)

    assert draw(tmp_path / "curves.png", old_fashioned) == []
    assert_picture(tmp_path / "curves.png")


def test_a_warning_is_a_line_once(tmp_path):
    def warn(plots):
        for _ in range(2):
            warnings.warn("the font\nlacks letters", stacklevel=1)
        return curves(plots)

    assert draw(tmp_path / "c.png", warn) == [f"{tmp_path / 'c.png'}: the font lacks letters"]
    assert (tmp_path / "c.png").exists()


@pytest.mark.parametrize("kind", ["ModuleNotFoundError", "AttributeError", "RuntimeError"])
def test_a_broken_matplotlib_is_a_line(tmp_path, kind):
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text(f"raise {kind}('cannot be imported')")
    code = (
        "import sys, pathlib; from numcnn.drawing import draw;"
        "print(draw(pathlib.Path('c.png'), lambda plots: 1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "['c.png was not drawn: cannot be imported']\n"


def test_what_was_asked_for_alone_is_an_error_instead(tmp_path):
    def fail(plots):
        raise RuntimeError("broken")

    (tmp_path / "why.png").write_text("mine")
    with pytest.raises(ValueError, match=r"why\.png was not drawn: broken"):
        draw_or_raise(tmp_path / "why.png", fail)
    assert (tmp_path / "why.png").read_text() == "mine"


class TestAConfusionMatrix:
    def test_of_one_class_is_left_out(self, tmp_path):
        [line] = draw_confusion(tmp_path / "c.png", np.array([[4]]), ["cat"])
        assert "was not drawn: there is one class" in line

    @pytest.mark.parametrize("classes", [101, 1000])
    def test_of_many_classes_shows_the_most_confused(self, tmp_path, classes):
        names = [f"c{k}" for k in range(classes)]
        [line] = draw_confusion(tmp_path / "c.png", np.ones((classes, classes), int), names)
        assert line.endswith(f"of {classes} classes, the 25 that are confused most are drawn")
        assert_picture(tmp_path / "c.png")

    @pytest.mark.parametrize("classes", [2, 100])
    def test_of_some_classes_shows_all(self, tmp_path, classes):
        names = [f"c{k}" for k in range(classes)]
        assert draw_confusion(tmp_path / "c.png", np.ones((classes, classes), int), names) == []

    @pytest.mark.parametrize("name", ["猫", "\U0010ffff", "\x07", "कुत्ता"])
    def test_says_what_the_font_lacks(self, tmp_path, name):
        [line] = draw_confusion(tmp_path / "c.png", np.eye(2, dtype=int), [name, "b"])
        assert "has no glyph for" in line
        assert_picture(tmp_path / "c.png")

    @pytest.mark.parametrize("name", ["caf\udce9", "\ud800", "$x$", "", "a\nb", "é"])
    def test_takes_any_name(self, tmp_path, name):
        assert draw_confusion(tmp_path / "c.png", np.eye(2, dtype=int), [name, "b"]) == []
