import os
import sys
import threading

import numpy as np
import pytest

from numcnn.engine import threads as module
from numcnn.engine.threads import Phase, Threads

COUNTS = [1, 2, 3]


def cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


@pytest.fixture(autouse=True)
def nothing_is_left():
    """No thread, and the caller may run where it could before."""
    threads, before = threading.active_count(), cores()
    yield
    assert threading.active_count() == threads
    assert cores() == before


def counting(shards: int, phases: int) -> tuple[list[Phase], list[list[int]]]:
    """Rounds that write down who did what, and that all have done as much at each join."""
    done: list[list[int]] = [[] for _ in range(shards)]
    joined: list[list[int]] = []

    def task(shard: int, number: int):
        return lambda: done[shard].append(number)

    turns = [
        Phase(
            [[task(shard, 2 * number), task(shard, 2 * number + 1)] for shard in range(shards)],
            lambda: joined.append([len(shard) for shard in done]),
        )
        for number in range(phases)
    ]
    turns.append(Phase([[task(shard, -1)] for shard in range(shards)]))
    return turns, [*done, joined]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("shards", [1, 2, 3, 5])
def test_every_shard_in_order_and_all_meet_at_the_end_of_a_round(count, shards):
    with Threads(count) as threads:
        for _ in range(20):
            phases, written = counting(shards, 4)
            threads.run(phases)
            assert written[:shards] == [[*range(8), -1]] * shards
            assert written[shards] == [[2 * n] * shards for n in range(1, 5)]


@pytest.mark.parametrize("count", COUNTS)
def test_no_rounds_and_empty_shards(count):
    with Threads(count) as threads:
        threads.run([])
        threads.run([Phase([]), Phase([[], []])])


def test_before_the_block_and_after_it_the_caller_works_alone():
    threads = Threads(3)
    for _ in range(2):
        phases, written = counting(3, 2)
        threads.run(phases)
        assert written[0] == [0, 1, 2, 3, -1]
        with threads:
            assert threading.active_count() > 2


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("shard", [0, 1, 2])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_a_task_raises_reaches_the_caller(count, shard, kind):
    def fail():
        raise kind("this one")

    phases, written = counting(3, 3)
    phases[1].shards[shard].insert(1, fail)
    with Threads(count) as threads:
        with pytest.raises(kind, match=r"^this one$"):
            threads.run(phases)
        assert len(written[3]) == 1, "nobody goes past the round"
        again, written = counting(3, 3)
        threads.run(again)
        assert written[2] == [0, 1, 2, 3, 4, 5, -1]


@pytest.mark.parametrize("count", COUNTS)
def test_what_a_join_raises_reaches_the_caller(count):
    def fail():
        raise ArithmeticError("joint")

    phases, written = counting(2, 3)
    phases[1].join = fail
    with Threads(count) as threads:
        with pytest.raises(ArithmeticError, match="joint"):
            threads.run(phases)
        assert written[0] == [0, 1, 2, 3]
        threads.run(counting(2, 3)[0])


def test_a_failure_leaves_no_thread_behind():
    def fail():
        raise ValueError("left")

    with pytest.raises(ValueError, match="left"), Threads(3) as threads:
        threads.run([Phase([[], [], [fail]])])


def test_the_callers_settings_hold_in_all_threads():
    seen = [None, None]

    def task(shard: int):
        def run():
            seen[shard] = np.geterr()["over"]
            np.exp(np.full(3, 1000.0))

        return run

    with Threads(2) as threads:
        with np.errstate(over="ignore"):
            threads.run([Phase([[task(0)], [task(1)]])])
        assert seen == ["ignore", "ignore"]
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            threads.run([Phase([[], [task(1)]])])
        with np.errstate(over="warn"), pytest.raises(RuntimeWarning):
            # The tests make errors of warnings.
            threads.run([Phase([[], [task(1)]])])


@pytest.mark.skipif(not cores(), reason="the system does not tell the cores of a thread")
def test_each_thread_has_a_core_of_its_own_if_they_need_all(monkeypatch):
    tied = {}
    monkeypatch.setattr(
        module, "_tie_to", lambda cores: tied.setdefault(threading.get_ident(), set(cores))
    )
    monkeypatch.setattr(module, "_affinity", lambda: {3, 5, 8})
    with Threads(3):
        pass
    assert sorted(tied.values(), key=min) == [{3}, {5}, {8}]


@pytest.mark.skipif(not cores(), reason="the system does not tell the cores of a thread")
@pytest.mark.parametrize(("count", "pinned"), [(2, True), (3, False), (4, True)])
def test_else_the_system_chooses(monkeypatch, count, pinned):
    tied = []
    monkeypatch.setattr(module, "_tie_to", lambda cores: tied.append(set(cores)))
    monkeypatch.setattr(module, "_affinity", lambda: {3, 5, 8})
    with Threads(count, pinned=pinned):
        pass
    assert tied == [{3, 5, 8}] * (count - 1)


@pytest.mark.skipif(len(cores()) < 2, reason="needs two cores")
def test_workers_inside_workers_are_not_all_on_the_callers_core():
    inside = []

    def note():
        inside.append((threading.current_thread() is threading.main_thread(), cores()))

    all_cores = cores()
    with Threads(len(all_cores)) as outer:
        (own,) = cores()
        for pinned in (False, True):
            with Threads(2, pinned=pinned) as inner:
                inner.run([Phase([[], [note]])])
            assert cores() == {own}
        outer.run([Phase([[note]])])
    assert [place for is_main, place in inside if is_main] == [{own}]
    for place in (place for is_main, place in inside if not is_main):
        assert own not in place
        assert place <= all_cores


def test_a_refused_tie_changes_nothing(monkeypatch):
    def refuse(pid, cores):
        raise OSError("no")

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    with Threads(2) as threads:
        phases, written = counting(2, 1)
        threads.run(phases)
    assert written[0] == [0, 1, -1]


def test_a_thread_that_cannot_start_takes_the_others_with_it(monkeypatch):
    start, left = threading.Thread.start, [2]

    def failing(self):
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", failing)
    with pytest.raises(RuntimeError, match="can't start"), Threads(5):
        pass


def test_an_interrupt_anywhere_leaves_nobody_waiting():
    """Ctrl-C at every line, in turn, that the caller goes through."""
    interrupted = []

    def everywhere():
        with Threads(2) as threads:
            for step in range(10_000):
                phases, _ = counting(2, 2)
                steps = [step]

                def trace(frame, event, argument, steps=steps):
                    if frame.f_code.co_filename != module.__file__:
                        return None
                    if event == "line":
                        steps[0] -= 1
                        if steps[0] < 0:
                            sys.settrace(None)
                            raise KeyboardInterrupt
                    return trace

                sys.settrace(trace)
                try:
                    threads.run(phases)
                except KeyboardInterrupt:
                    pass
                finally:
                    sys.settrace(None)
                good, written = counting(2, 2)
                threads.run(good)
                assert written[:2] == [[0, 1, 2, 3, -1]] * 2
                if steps[0] >= 0:
                    break
                interrupted.append(step)
        finished.append(True)

    finished: list[bool] = []
    before = sys.gettrace()
    # In a thread, so that a hang fails the test instead of hanging it, too.
    thread = threading.Thread(target=everywhere, daemon=True)
    thread.start()
    thread.join(timeout=30)
    assert finished, f"stuck after {len(interrupted)} interrupts"
    assert len(interrupted) > 30
    assert sys.gettrace() is before
