"""What is asked of the hardware."""

import os

from numcnn.engine import hardware


def test_the_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 4, 5}, raising=False)
    assert hardware.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert hardware.cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert hardware.cores() == 1
