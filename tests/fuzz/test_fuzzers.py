"""The fuzzers themselves, with few mutants: they run, and none of these is believed by half."""

import subprocess
import sys

import pytest

from tests.fuzz.kills import ROOT
from tests.fuzz.run_files import KINDS


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [*(("run_files", kind, "--mutants", "20") for kind in KINDS), ("kills", "--points", "3")],
)
def test_a_few(words):
    name, *more = words
    done = subprocess.run(
        [sys.executable, "-m", f"tests.fuzz.{name}", *more, "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
