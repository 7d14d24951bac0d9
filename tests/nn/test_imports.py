"""The network stands on NumPy and the standard library alone; the engine also on threadpoolctl."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import numcnn.nn

NETWORK = Path(numcnn.nn.__file__).parent
ENGINE = NETWORK.parent / "engine"
FILES = sorted([*NETWORK.rglob("*.py"), *ENGINE.rglob("*.py")])


def imported_modules(tree: ast.AST, package: str) -> Iterator[str]:
    """The full names of all modules that a file imports, at any depth of its code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base]).rstrip(".")
            # `from numcnn import nn` imports numcnn.nn.
            yield from (f"{base}.{alias.name}" for alias in node.names)


def is_allowed(module: str, file: Path) -> bool:
    top = module.split(".")[0]
    if top in sys.stdlib_module_names or top == "numpy" or module.startswith("numcnn.nn."):
        return True
    in_engine = file.is_relative_to(ENGINE)
    return in_engine and (top == "threadpoolctl" or module.startswith("numcnn.engine."))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ENGINE.parent).as_posix())
def test_a_file_imports_numpy_and_the_standard_library_only(file):
    package = ".".join(["numcnn", *file.relative_to(ENGINE.parent).parent.parts])
    modules = imported_modules(ast.parse(file.read_text("utf-8")), package)
    assert [module for module in modules if not is_allowed(module, file)] == []


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import math, numpy.linalg", True),
        ("from numcnn.nn.layers import Dense", True),
        ("from .base import Layer", True),
        ("def f():\n    import scipy", False),
        ("from numcnn.data import idx", False),
        ("from numcnn import training", False),
        ("from ... import data", False),
        ("import torch.nn as np", False),
        ("import threadpoolctl", False),
        ("from numcnn.engine import Plan", False),
        ("from numcnn import engine", False),
    ],
)
def test_the_walk_sees_every_way_to_import(code, allowed):
    modules = imported_modules(ast.parse(code), "numcnn.nn.layers")
    file = NETWORK / "layers" / "dense.py"
    assert all(is_allowed(module, file) for module in modules) == allowed


@pytest.mark.slow
def test_importing_it_loads_no_other_library():
    code = (
        "import sys, numpy.random; before = set(sys.modules); import numcnn.nn;"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    allowed = {"numcnn", "numpy", *sys.stdlib_module_names}
    assert set(loaded) - allowed == set()


@pytest.mark.slow
def test_importing_it_loads_no_other_room():
    code = (
        "import sys, numcnn.nn;"
        "print(*{name.split('.')[1] for name in sys.modules if name.startswith('numcnn.')})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert loaded == ["nn"]
