import asyncio
import gc
import threading
import time
import weakref
from functools import partial

import numpy as np
import pytest

from numcnn.handwriting.vision import check_deadline
from numcnn.web import concurrency as gate_module
from numcnn.web.concurrency import Gate
from numcnn.web.errors import Problem
from numcnn.web.metrics import Metrics
from numcnn.web.settings import Limits


def gather(*works):
    return asyncio.gather(*works, return_exceptions=True)


def test_so_many_work_and_wait_and_the_rest_is_sent_away():
    free = threading.Event()
    working = []

    def work():
        working.append(1)
        free.wait(5)
        return len(working)

    async def main():
        gate = Gate(Limits(at_once=2, waiting=3), Metrics())
        tasks = [asyncio.ensure_future(gate.run(work)) for _ in range(9)]
        await asyncio.sleep(0.05)
        assert (gate.inside, len(working)) == (5, 2)
        free.set()
        answers = await gather(*tasks)
        await asyncio.sleep(0)
        assert gate.inside == 0
        return answers

    answers = asyncio.run(main())
    assert all(isinstance(answer, int) for answer in answers[:5])
    assert [answer.status for answer in answers[5:]] == [429] * 4
    assert answers[5].headers == {"Retry-After": "1"}


def test_what_takes_too_long_is_told_but_keeps_its_place():
    free = threading.Event()

    async def main():
        gate = Gate(Limits(at_once=1, waiting=1, seconds=0.05), Metrics())
        late = await gather(gate.run(lambda: free.wait(5)), gate.run(lambda: 1))
        assert [error.status for error in late] == [503, 503]
        await asyncio.sleep(0)
        # The second never began and has left the line; the first is still at it.
        assert gate.inside == 1
        free.set()
        for _ in range(100):
            if not gate.inside:
                break
            await asyncio.sleep(0.01)
        assert await gate.run(lambda: 2) == 2

    asyncio.run(main())


def test_an_error_holds_nothing_of_the_work():
    held = []

    def work(body):
        picture = np.zeros(10)
        held.extend((weakref.ref(body), weakref.ref(picture)))
        try:
            picture.reshape(3)
        except ValueError as error:
            raise Problem(422, "damaged") from error

    async def main():
        gate = Gate(Limits(at_once=1, waiting=1), Metrics())
        try:
            await gate.run(partial(work, np.zeros(10)))
        except Problem as error:
            said = error.detail
        await asyncio.sleep(0.05)
        return said, [each() is None for each in held]

    gc.disable()
    try:
        assert asyncio.run(main()) == ("damaged", [True, True])
    finally:
        gc.enable()


def test_an_error_is_passed_on_and_leaves_its_place():
    async def main():
        gate = Gate(Limits(at_once=1, waiting=1), Metrics())
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await gate.run(lambda: 1 // 0)
            await asyncio.sleep(0.01)
        with pytest.raises(Problem):
            await gather_raising(gate)

    async def gather_raising(gate):
        await asyncio.gather(*(gate.run(lambda: time.sleep(0.05)) for _ in range(3)))

    asyncio.run(main())


def test_one_client_takes_only_its_share_and_others_pass_those_of_it_who_wait():
    free = threading.Event()
    began = []

    def work(name):
        began.append(name)
        free.wait(5)

    async def main():
        gate = Gate(Limits(at_once=2, waiting=4, share=0.5), Metrics())
        slow = [asyncio.ensure_future(gate.run(lambda: work("a"), "a")) for _ in range(4)]
        await asyncio.sleep(0.05)
        other = asyncio.ensure_future(gate.run(lambda: work("b"), "b"))
        await asyncio.sleep(0.05)
        assert began == ["a", "b"]
        assert (gate.inside, gate.is_full) == (4, False)
        free.set()
        answers = await gather(*slow, other)
        await asyncio.sleep(0)
        assert gate.inside == 0
        return answers

    # Half of six places.
    answers = asyncio.run(main())
    assert [getattr(answer, "status", None) for answer in answers] == [None] * 3 + [429, None]


def test_what_is_slow_begins_anew_beside_the_others():
    begun = []

    def work():
        begun.append(time.monotonic())
        while time.monotonic() < begun[0] + 0.5:
            time.sleep(0.005)
            check_deadline()
        return "slow"

    async def main():
        gate = Gate(Limits(at_once=1, waiting=5, slow_at_once=1, quick_seconds=0.1), Metrics())
        slow = asyncio.ensure_future(gate.run(work))
        assert await gate.run(lambda: "quick") == "quick"
        assert not slow.done()
        assert await slow == "slow"
        await asyncio.sleep(0)
        assert (gate.inside, len(begun)) == (0, 2)

    asyncio.run(main())


def test_work_keeps_the_deadline_itself_and_what_waited_counts():
    started = time.monotonic()
    ended = []

    def work():
        try:
            while time.monotonic() < started + 10:
                time.sleep(0.005)
                check_deadline()
        finally:
            ended.append(time.monotonic() - started)

    async def main():
        metrics = Metrics()
        gate = Gate(Limits(at_once=1, waiting=1, seconds=0.3), metrics)
        late = await gather(gate.run(work), gate.run(work))
        assert [error.status for error in late] == [503, 503]
        assert b"numcnn_deadlines_total 2.0" in metrics.text()
        for _ in range(100):
            if not gate.inside:
                break
            await asyncio.sleep(0.01)
        assert gate.inside == 0

    asyncio.run(main())
    assert max(ended) < 5


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), "5", True])
def test_a_limit_is_a_number_above_0(value):
    with pytest.raises(ValueError, match=r"at_once is .*; give a number above 0"):
        Limits(at_once=value)


def test_a_share_is_a_part():
    with pytest.raises(ValueError, match=r"share is 1\.5; give a number above 0 and at most 1"):
        Limits(share=1.5)


def test_free_memory_is_given_back_a_while_after_work(monkeypatch):
    given = []
    monkeypatch.setattr(gate_module, "_TRIM", 0.5)
    monkeypatch.setattr(gate_module, "trim", lambda: given.append(1))

    async def main():
        gate = Gate(Limits(), Metrics())
        for _ in range(3):
            await gate.run(lambda: None)
        await asyncio.sleep(1)
        assert len(given) == 1
        await gate.run(lambda: None)
        gate.close()
        await asyncio.sleep(1)
        assert len(given) == 1

    asyncio.run(main())
