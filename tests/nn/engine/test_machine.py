import os
from pathlib import Path

import pytest

from numcnn.nn.engine import machine
from numcnn.nn.engine.machine import one_blas_thread


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in machine.blas().info()]


def test_the_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 4, 5}, raising=False)
    assert machine.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert machine.cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.cores() == 1


def test_lanes_stay_what_they_were(monkeypatch):
    before = machine.lanes()
    monkeypatch.setattr(machine, "cores", lambda: 64)
    assert machine.lanes() == before
    machine.lanes.cache_clear()
    try:
        assert machine.lanes() == 8, "more would wait for memory"
    finally:
        machine.lanes.cache_clear()


@pytest.mark.parametrize(
    ("text", "size"),
    [("2048K\n", 2 << 20), ("512K\n", 512 << 10), ("2M\n", 1 << 20), ("", 1 << 20)],
)
def test_the_cores_cache(monkeypatch, text, size):
    monkeypatch.setattr(Path, "read_text", lambda *_: text)
    machine.core_cache.cache_clear()
    try:
        assert machine.core_cache() == size
    finally:
        machine.core_cache.cache_clear()


def test_a_system_that_does_not_tell_its_cache(monkeypatch):
    def missing(*_):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    machine.core_cache.cache_clear()
    try:
        assert machine.core_cache() == 1 << 20
    finally:
        machine.core_cache.cache_clear()


def test_the_library_says_what_it_is():
    assert all(name in machine.blas_kernels() for name in ("for", "blas"))


def test_one_thread_for_blas_until_the_last_one_is_out():
    with machine.blas().limit(limits=2):
        before = blas_threads()
        with one_blas_thread():
            assert set(blas_threads()) == {1}
            with pytest.raises(ValueError, match="inside"), one_blas_thread():
                raise ValueError("inside")
            assert set(blas_threads()) == {1}
        assert blas_threads() == before
