"""The README's Python runs as it stands there, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_examples_run(code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    exec(compile(code, "README.md", "exec"), scope)
    accuracy = scope["training"].evaluate(scope["model"], scope["digits"].test).accuracy
    assert accuracy > 0.95
    assert f"{accuracy}" in capsys.readouterr().out


@pytest.mark.parametrize("page", ["README.md", "docs/gallery.md", "src/numcnn/weights/README.md"])
def test_relative_links_and_pictures_exist(page):
    path = ROOT / page
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text("utf-8"))
    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_gallery_is_small():
    pictures = list((ROOT / "docs/images").glob("gallery-*"))
    assert pictures
    assert sum(picture.stat().st_size for picture in pictures) < 1_000_000


@pytest.mark.parametrize("mark", ["main command", "test command"])
def test_the_two_commands_are_one_line_each(mark):
    command = re.search(rf"<!-- {mark} -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert command is not None
    assert command[1].count("\n") == 1
