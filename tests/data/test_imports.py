"""Rooms import one way, and a library that one function needs is imported there."""

import ast
import subprocess
import sys
from pathlib import Path

import numcnn.data

FILES = sorted(Path(numcnn.data.__file__).parent.rglob("*.py"))


def test_only_the_allowed_rooms_are_imported():
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file} imports relatively"
                names = [str(node.module)]
            for name in names:
                if name.startswith("numcnn"):
                    rooms = ("numcnn.data", "numcnn.atomic_file", "numcnn.picture_file")
                    assert name.startswith(rooms), (file, name)
                assert name not in ("pickle", "dill", "joblib"), (file, name)


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, numcnn.data; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "numpy" in loaded
    assert not loaded & {"pooch", "requests", "PIL", "sklearn", "scipy"}
