"""The documents' links lead somewhere, and what they name exists."""

import importlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# History may name what is gone.
DOCUMENTS = sorted(
    file.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "src/**/*.md", ".github/**/*.md", "benchmarks/*.md")
    for file in ROOT.glob(pattern)
    if file.name != "CHANGELOG.md"
)
FOLDERS = "src|tests|docs|benchmarks|examples|\\.ci|\\.github"


def anchors(document: Path) -> set[str]:
    """The anchors that a page's headings have where it is shown."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", DOCUMENTS)
def test_links_lead_somewhere(page):
    path = ROOT / page
    dead = []
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", path.read_text("utf-8")):
        target, _, anchor = link.partition("#")
        file = path.parent / target if target else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", DOCUMENTS)
def test_the_files_that_are_named_exist(page):
    named = re.findall(rf"(?<![\w/.-])((?:{FOLDERS})/[\w./*-]+)", (ROOT / page).read_text("utf-8"))
    assert [name for name in named if not any(ROOT.glob(name.rstrip("./")))] == []


@pytest.mark.parametrize("page", [*DOCUMENTS, "every docstring and comment"])
def test_the_modules_that_are_named_exist(page):
    texts = (
        [file.read_text("utf-8") for file in (ROOT / "src").rglob("*.py")]
        if page not in DOCUMENTS
        else [(ROOT / page).read_text("utf-8")]
    )
    named = {name for text in texts for name in re.findall(r"`(numcnn(?:\.\w+)+)[`(]", text)}
    assert [name for name in sorted(named) if not exists(name)] == []


def exists(name: str) -> bool:
    """Whether there is such a module, or such a member of one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if part in getattr(found, "__annotations__", {}):
                return True
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("numcnn.nn.Conv2D.backward", True),
        ("numcnn.nn.nothing", False),
        ("numcnn.nothing", False),
        ("numcnn.experiments.settings.RunSettings.recipe", True),
    ],
)
def test_a_name_that_leads_nowhere_is_found(name, there):
    assert exists(name) == there


def test_nothing_of_the_build_is_committed():
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    if not files:
        pytest.skip("not a git checkout")
    assert [name for name in files if re.search(r"__pycache__|\.egg-info|node_modules", name)] == []
