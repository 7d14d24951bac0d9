"""Recipes are there in a plain install, which brings NumPy, safetensors and threadpoolctl."""

import subprocess
import sys

import pytest

from numcnn.data import Dataset, load_digits
from numcnn.recipes.reader import extended

PLAIN = "import numpy.random, safetensors.numpy, threadpoolctl"


def loaded(code: str) -> set[str]:
    """The packages, other than the standard library's, that are loaded after some code."""
    code = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names


def test_importing_recipes_loads_no_library_of_an_extra():
    assert loaded("import numcnn.recipes") - loaded(PLAIN) == {"numcnn"}


def test_what_needs_more_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "numcnn.handwriting.synthesis.touching_digits", None)
    digits = load_digits().train
    with pytest.raises(ImportError, match=r"need SciPy and Pillow: pip install 'numcnn\[app\]'"):
        extended(Dataset(digits.images[:5], digits.labels[:5], digits.classes, "digits"), 0)
