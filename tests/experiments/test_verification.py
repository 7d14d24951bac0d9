from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

from numcnn.cli.program import run
from numcnn.exact import sums
from numcnn.experiments import verification
from numcnn.experiments.verification import Fingerprints, record


@pytest.fixture(scope="module")
def one_epoch() -> Fingerprints:
    return record("none", stop_after=1)


def test_the_first_epoch_has_the_bits_that_were_kept(one_epoch):
    expected = Fingerprints.load()
    difference = expected.difference(one_epoch)
    assert difference == f"it has {len(one_epoch.steps)} steps instead of {len(expected.steps)}"


def test_the_first_operation_that_differs_is_named(one_epoch):
    def multiply(a, b, out):
        np.matmul(a, b, out=out)
        if out.ndim == 2 and out.shape[1] == 10:
            out *= 1 + 1e-6

    with patch.object(sums, "multiply", multiply):
        found = record("none", stop_after=1)
    assert one_epoch.difference(found) == (
        "step 1: dense_2 forward, matmul is the first whose bits differ"
    )


def test_later_the_arrays_are_named(one_epoch):
    steps = one_epoch.steps.copy()
    steps[12, 3] ^= 1
    name = one_epoch.arrays[3]
    difference = one_epoch.difference(replace(one_epoch, steps=steps))
    assert difference == f"step 13: the bits of {name} differ after it"
    other = replace(one_epoch, sha256="0")
    assert one_epoch.difference(other) == "another epoch was kept"
    assert one_epoch.difference(one_epoch) is None


def test_there_and_back(one_epoch, tmp_path):
    one_epoch.save(tmp_path / "file")
    read = Fingerprints.load(tmp_path / "file")
    assert read.difference(one_epoch) is None
    assert read.operations == one_epoch.operations


def test_the_command(one_epoch, monkeypatch, capsys):
    monkeypatch.setattr(Fingerprints, "load", staticmethod(lambda: one_epoch))
    monkeypatch.setattr("numcnn.cli.verify.record", lambda **_: record("none", 1))
    assert run(["verify"]) == 0
    assert capsys.readouterr().out == f"the same as everywhere: {one_epoch.sha256}\n"
    other = replace(one_epoch, sha256="f" * 64, results=one_epoch.results ^ 1)
    monkeypatch.setattr(Fingerprints, "load", staticmethod(lambda: other))
    assert run(["verify"]) == 1
    assert "step 1: " in capsys.readouterr().out
    assert run(["verify", "--json"]) == 1
    assert '"same": false' in capsys.readouterr().out


def test_the_whole_training():
    assert Fingerprints.load().difference(record("none")) is None


def test_the_file_is_small():
    assert verification.EXPECTED.stat().st_size < 100_000
