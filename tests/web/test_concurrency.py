import asyncio
import gc
import threading
import time
import weakref
from functools import partial

import numpy as np
import pytest

from numcnn.handwriting.vision import check_deadline
from numcnn.web import concurrency
from numcnn.web.concurrency import ConcurrencyLimiter
from numcnn.web.errors import ProblemError
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
        limiter = ConcurrencyLimiter(Limits(max_concurrency=2, max_queued=3), Metrics())
        tasks = [asyncio.ensure_future(limiter.run(work)) for _ in range(9)]
        await asyncio.sleep(0.05)
        assert (limiter.in_progress, len(working)) == (5, 2)
        free.set()
        answers = await gather(*tasks)
        await asyncio.sleep(0)
        assert limiter.in_progress == 0
        return answers

    answers = asyncio.run(main())
    assert all(isinstance(answer, int) for answer in answers[:5])
    assert [answer.status for answer in answers[5:]] == [429] * 4
    assert answers[5].headers == {"Retry-After": "1"}


def test_what_takes_too_long_is_told_but_keeps_its_place():
    free = threading.Event()

    async def main():
        limiter = ConcurrencyLimiter(
            Limits(max_concurrency=1, max_queued=1, request_timeout=0.05), Metrics()
        )
        late = await gather(limiter.run(lambda: free.wait(5)), limiter.run(lambda: 1))
        assert [error.status for error in late] == [503, 503]
        await asyncio.sleep(0)
        # The second never began and has left the line; the first is still at it.
        assert limiter.in_progress == 1
        free.set()
        for _ in range(100):
            if not limiter.in_progress:
                break
            await asyncio.sleep(0.01)
        assert await limiter.run(lambda: 2) == 2

    asyncio.run(main())


def test_an_error_holds_nothing_of_the_work():
    held = []

    def work(body):
        picture = np.zeros(10)
        held.extend((weakref.ref(body), weakref.ref(picture)))
        try:
            picture.reshape(3)
        except ValueError as error:
            raise ProblemError(422, "damaged") from error

    async def main():
        limiter = ConcurrencyLimiter(Limits(max_concurrency=1, max_queued=1), Metrics())
        try:
            await limiter.run(partial(work, np.zeros(10)))
        except ProblemError as error:
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
        limiter = ConcurrencyLimiter(Limits(max_concurrency=1, max_queued=1), Metrics())
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await limiter.run(lambda: 1 // 0)
            await asyncio.sleep(0.01)
        with pytest.raises(ProblemError):
            await gather_raising(limiter)

    async def gather_raising(limiter):
        await asyncio.gather(*(limiter.run(lambda: time.sleep(0.05)) for _ in range(3)))

    asyncio.run(main())


def test_one_client_takes_only_its_share_and_others_pass_those_of_it_who_wait():
    free = threading.Event()
    began = []

    def work(name):
        began.append(name)
        free.wait(5)

    async def main():
        limiter = ConcurrencyLimiter(
            Limits(max_concurrency=2, max_queued=4, max_client_share=0.5), Metrics()
        )
        slow = [asyncio.ensure_future(limiter.run(lambda: work("a"), "a")) for _ in range(4)]
        await asyncio.sleep(0.05)
        other = asyncio.ensure_future(limiter.run(lambda: work("b"), "b"))
        await asyncio.sleep(0.05)
        assert began == ["a", "b"]
        assert (limiter.in_progress, limiter.is_full) == (4, False)
        free.set()
        answers = await gather(*slow, other)
        await asyncio.sleep(0)
        assert limiter.in_progress == 0
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
        limiter = ConcurrencyLimiter(
            Limits(max_concurrency=1, max_queued=5, max_slow_concurrency=1, fast_timeout=0.1),
            Metrics(),
        )
        slow = asyncio.ensure_future(limiter.run(work))
        assert await limiter.run(lambda: "quick") == "quick"
        assert not slow.done()
        assert await slow == "slow"
        await asyncio.sleep(0)
        assert (limiter.in_progress, len(begun)) == (0, 2)

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
        limiter = ConcurrencyLimiter(
            Limits(max_concurrency=1, max_queued=1, request_timeout=0.3), metrics
        )
        late = await gather(limiter.run(work), limiter.run(work))
        assert [error.status for error in late] == [503, 503]
        assert b"numcnn_deadlines_total 2.0" in metrics.exposition()
        for _ in range(100):
            if not limiter.in_progress:
                break
            await asyncio.sleep(0.01)
        assert limiter.in_progress == 0

    asyncio.run(main())
    assert max(ended) < 5


def test_free_memory_is_given_back_a_while_after_work(monkeypatch):
    delay, trimmed, given_back = 0.5, [], threading.Event()
    monkeypatch.setattr(concurrency, "_TRIM_DELAY", delay)
    monkeypatch.setattr(concurrency, "trim", given_back.set)

    async def main():
        limiter = ConcurrencyLimiter(Limits(), Metrics())
        # This one's alone: the server of other tests has a limiter, too.
        trim = limiter._trim
        limiter._trim = lambda: trim() or trimmed.append(time.monotonic())
        began = time.monotonic()
        for _ in range(3):
            await limiter.run(lambda: None)
        took = time.monotonic() - began
        await asyncio.sleep(2 * delay)
        # Once, unless a busy machine took whole delays for the three of them.
        assert 1 <= len(trimmed) <= 1 + took // delay
        assert trimmed[0] - began >= delay
        assert given_back.is_set()
        await limiter.run(lambda: None)
        count = len(trimmed)
        limiter.close()
        await asyncio.sleep(2 * delay)
        assert len(trimmed) == count

    asyncio.run(main())
