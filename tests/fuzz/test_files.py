"""A few mutants of each kind of file with every run of the tests; the many are run by hand."""

from pathlib import Path

import pytest

from tests.fuzz.files import KINDS, fuzz


@pytest.mark.parametrize("kind", KINDS)
def test_the_seeds_are_read(kind, tmp_path, recwarn):
    make, read, _ = KINDS[kind]
    for content in make(tmp_path):
        path = tmp_path / "seed"
        path.write_bytes(content)
        read(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutant_is_read_or_refused(kind):
    result = fuzz(kind, 40, 1)
    assert result["faults"] == []
    assert result.get("read", 0) + result.get("refused", 0) == 40


def test_a_fault_is_seen(monkeypatch, tmp_path: Path):
    def read(path: Path) -> None:
        raise KeyError(path.name)

    make, _, mutations = KINDS["idx"]
    monkeypatch.setitem(KINDS, "idx", (make, read, mutations))
    result = fuzz("idx", 3, 0, tmp_path / "kept")
    assert len(result["faults"]) == 3
    assert len(list((tmp_path / "kept").iterdir())) == 3
