"""Imports point one way: a room of the package knows the rooms below it and no other."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import numcnn

PACKAGE = Path(numcnn.__file__).parent

# What a room may import besides itself; the table in CONTRIBUTING.md says the same. The command
# line on top may import any.
BELOW: dict[str, set[str]] = {
    "atomic_file": set(),
    "deadline": set(),
    "picture_decoding": set(),
    "picture_error": set(),
    "picture_file": set(),
    "file_lock": set(),
    "error_message": set(),
    "text_stream": set(),
    "random_streams": set(),
    "nn": set(),
    "engine": {"nn"},
    "exact": {"nn", "engine", "data", "augmentation"},
    "data": {"nn"},
    "augmentation": set(),
    "plots": {"nn"},
    "drawing": {"plots"},
    "model_files": {"nn"},
    "interchange": {"nn", "model_files"},
    "distributed": {"nn", "engine"},
    "training": {
        *{"nn", "engine", "exact", "data", "augmentation", "model_files", "distributed"},
    },
    "handwriting": set(),
    "handwriting.vision": {"handwriting"},
    "handwriting.synthesis": {"data", "handwriting", "handwriting.vision"},
    "handwriting.reader": {"nn", "model_files", "handwriting", "handwriting.vision"},
    "handwriting.evaluation": {
        *{"data", "handwriting", "handwriting.vision", "handwriting.synthesis"},
        "handwriting.reader",
    },
    "recipes": {
        *{"nn", "data", "augmentation", "training", "handwriting", "handwriting.synthesis"},
    },
    "estimator": {"nn", "augmentation", "training", "recipes"},
    "experiments": {
        *{"nn", "engine", "exact", "data", "augmentation", "model_files", "training"},
        *{"recipes", "drawing", "distributed", "handwriting.synthesis"},
    },
    "features": {"nn", "model_files", "drawing"},
    "diagram": {"nn"},
    "diagnosis": {"nn"},
    "web": {"nn", "handwriting", "handwriting.vision", "handwriting.reader", "features"},
}
FOR_ALL_BUT_THE_NETWORK = {
    *{"atomic_file", "deadline", "file_lock", "error_message", "text_stream", "random_streams"},
    *{"picture_decoding", "picture_error", "picture_file"},
}
# Rooms with rooms inside, each of which has its own row.
HOUSES = {"handwriting"}


def room_of(file: Path) -> str:
    """The folder or module inside the package, or inside a house, that a file belongs to."""
    return room_named(file.relative_to(PACKAGE).with_suffix("").parts)


def room_named(parts: Sequence[str]) -> str:
    """The room of a module, given the parts of its name after the package's."""
    if len(parts) > 1 and parts[0] in HOUSES and (PACKAGE / parts[0] / parts[1]).is_dir():
        return f"{parts[0]}.{parts[1]}"
    return parts[0]


def rooms_imported(tree: ast.AST, file: Path) -> Iterator[tuple[int, str]]:
    """The rooms that a file imports, each with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            folder = file.parents[node.level - 1]
            parts = (*folder.relative_to(PACKAGE.parent).parts, *(node.module or "").split("."))
            names = [".".join([*filter(None, parts), alias.name]) for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            # What is in numcnn/__init__.py itself, such as the version, is everybody's.
            room = room_named(rest.split("."))
            if package == "numcnn" and is_room(room):
                yield node.lineno, room


def is_room(room: str) -> bool:
    place = PACKAGE / room.replace(".", "/")
    return bool(room) and (place.is_dir() or place.with_suffix(".py").is_file())


def forbidden(code: str, file: Path) -> list[tuple[int, str]]:
    """The imports in a file that point the wrong way."""
    room = room_of(file)
    if room not in BELOW:
        return []
    allowed = BELOW[room] | {room} | (FOR_ALL_BUT_THE_NETWORK if room != "nn" else set())
    return [found for found in rooms_imported(ast.parse(code), file) if found[1] not in allowed]


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_the_rooms_below_it(room):
    files = [file for file in sorted(PACKAGE.rglob("*.py")) if room_of(file) == room]
    wrong = {
        str(file.relative_to(PACKAGE)): imports
        for file in files
        if (imports := forbidden(file.read_text("utf-8"), file))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("room", "code", "rooms"),
    [
        ("nn", "import numcnn.data", ["data"]),
        ("nn", "from numcnn.atomic_file import atomic", ["atomic_file"]),
        ("nn", "from numcnn.nn import layers", []),
        ("nn", "from . import layers", []),
        ("nn", "from .. import data", ["data"]),
        ("data", "from numcnn import nn, training, __version__", ["training"]),
        ("data", "from numcnn.atomic_file import atomic", []),
        ("data", "def f():\n    from numcnn.plots import curves", ["plots"]),
        ("training", "from numcnn.model_files import read\nfrom numcnn.data import idx", []),
        ("training", "import numpy\nfrom numcnn.recipes import lenet", ["recipes"]),
        ("cli", "from numcnn.recipes import lenet", []),
        ("web", "from numcnn.handwriting.reader import read", []),
        ("web", "from numcnn.handwriting.synthesis import letters", ["handwriting.synthesis"]),
        ("recipes", "from numcnn.handwriting.reader import read", ["handwriting.reader"]),
    ],
)
def test_the_walk_sees_every_way_to_import(room, code, rooms):
    found = forbidden(code, PACKAGE / room / "some_file.py")
    assert [name for _, name in found] == rooms


def test_nothing_is_pickled():
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            assert not {"pickle", "dill", "joblib", "shelve", "marshal"} & set(names), file


def test_the_table_has_no_circle():
    finished: set[str] = set()
    while len(finished) < len(BELOW):
        free = {room for room, below in BELOW.items() if below <= finished} - finished
        assert free, f"{sorted(set(BELOW) - finished)} import each other in a circle"
        finished |= free


def modules_imported(file: Path) -> set[Path]:
    """The files of the package that a file imports, wherever in it."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            # What is named last may be a module, or something in one, or in a package.
            for stem in (parts, parts[:-1], [*parts[:-1], "__init__"]):
                place = PACKAGE.parent.joinpath(*stem).with_suffix(".py")
                if parts[0] == "numcnn" and len(parts) > 1 and place.is_file():
                    found.add(place)
                    break
    return found - {file}


def test_no_files_import_each_other_in_a_circle():
    # numcnn/__init__.py wires the engines in, and hands out names when they are asked for.
    files = {file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py"}
    imports = {file: modules_imported(file) & files for file in files}
    while files:
        free = {file for file in files if not imports[file] & files}
        assert free, f"in a circle: {sorted(str(file.relative_to(PACKAGE)) for file in files)}"
        files -= free


def test_the_contributors_table_says_the_same():
    table = (PACKAGE.parents[1] / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_.]+)` \| .+ \| (.+) \|$", table, re.MULTILINE)
    said = {
        room.removesuffix(".py"): set(re.findall(r"`([a-z_.]+)`", below)) for room, below in rows
    }
    assert said.pop("cli") == set()
    assert said == {
        room: below for room, below in BELOW.items() if room not in FOR_ALL_BUT_THE_NETWORK
    }


@pytest.mark.parametrize(("room", "most"), [("nn", 3500), ("engine", 4000)])
def test_a_room_stays_small_enough_to_read(room, most):
    # Those that only list what the room offers are not read.
    files = [
        file for file in (PACKAGE / room).rglob("*.py") if file != PACKAGE / room / "__init__.py"
    ]
    lines = sum(bool(line.strip()) for file in files for line in file.read_text().splitlines())
    assert lines <= most, (
        f"{room} has {lines} lines that are not blank, and {most} is what a reader can be asked "
        "for. A layer enters only if a recipe, the reader or a lesson runs it; a trick enters the "
        "engine when another leaves. Take something out, or find a shorter way"
    )
