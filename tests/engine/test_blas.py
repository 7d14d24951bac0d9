import sys
import threading
from types import SimpleNamespace

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from numcnn.engine import blas
from numcnn.engine.blas import one_blas_thread
from numcnn.engine.threads import Phase, Threads


def blas_threads() -> list[int]:
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


def set_threads(count: int) -> None:
    """As somebody does who asks nobody."""
    for library in blas._libraries():
        (library._force or library.set)(count)


@pytest.fixture
def two_threads():
    """BLAS may use two threads, and does so again afterwards.

    Not by threadpoolctl, which from 3.8 on would keep other threads off the setting.
    """
    outer = [library.get() for library in blas._libraries()]
    set_threads(2)
    before = blas_threads()
    yield before
    assert blas_threads() == before
    for library, threads in zip(blas._libraries(), outer, strict=True):
        (library._force or library.set)(threads)


def in_another_thread(work) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_the_library_says_what_it_is():
    assert all(name in blas.blas_kernels() for name in ("for", "blas"))


def test_one_thread_for_blas_until_the_last_one_is_out(two_threads):
    with one_blas_thread():
        assert set(blas_threads()) == {1}
        with pytest.raises(ValueError, match="inside"), one_blas_thread():
            raise ValueError("inside")
        assert set(blas_threads()) == {1}


@pytest.mark.parametrize("first_out", ["outer", "inner"])
def test_holders_in_two_threads_may_leave_in_any_order(two_threads, first_out):
    entered, leave = threading.Event(), threading.Event()

    def other():
        with one_blas_thread():
            entered.set()
            leave.wait()

    with one_blas_thread():
        thread = in_another_thread(other)
        entered.wait()
        if first_out == "inner":
            leave.set()
            thread.join()
            assert set(blas_threads()) == {1}
    if first_out == "outer":
        assert set(blas_threads()) == {1}
        leave.set()
        thread.join()


def test_it_is_held_inside_a_limit_of_another_thread(two_threads):
    # threadpoolctl from 3.8 on lets only the thread that came first change the setting.
    seen = []

    def work():
        with one_blas_thread():
            seen.extend(blas_threads())

    with threadpool_limits(2, user_api="blas"):
        in_another_thread(work).join()
    assert set(seen) == {1}


@pytest.mark.parametrize("limit", [1, 3])
def test_a_limit_that_ends_meanwhile_is_not_given_back(two_threads, limit):
    limited, leave = threading.Event(), threading.Event()

    def other():
        with threadpool_limits(limit, user_api="blas"):
            limited.set()
            leave.wait()

    def work():
        thread = in_another_thread(other)
        limited.wait()
        with one_blas_thread() as hold:
            leave.set()
            thread.join()
            hold.renew()
            assert set(blas_threads()) == {1}
        done.append(blas_threads())

    done: list[list[int]] = []
    in_another_thread(work).join()
    assert done == [two_threads]


def test_a_limit_that_is_raised_meanwhile_is_noticed_and_lowered_again(two_threads):
    with one_blas_thread() as hold, one_blas_thread() as other:
        assert not hold.renew()
        set_threads(2)
        assert hold.renew()
        assert set(blas_threads()) == {1}
        assert not hold.renew()
        assert other.renew(), "each is told"
    assert not hold.renew(), "it is over"
    assert blas_threads() == two_threads


def test_what_somebody_sets_meanwhile_stays(two_threads):
    with one_blas_thread():
        set_threads(3)
    assert set(blas_threads()) == {3}
    set_threads(2)


def test_a_library_that_is_loaded_meanwhile_is_held_too(monkeypatch):
    class Library:
        before: dict
        path = name = "late"
        scope = None
        threads = 7

        def __init__(self):
            self.before = {}

        def get(self):
            return self.threads

        def set(self, threads):
            self.threads = threads

        def let_go(self):
            pass

    libraries = [first := Library()]
    monkeypatch.setattr(blas, "_loaded", libraries)
    monkeypatch.setattr(blas, "_libraries", lambda: libraries)
    with one_blas_thread() as hold:
        libraries.append(late := Library())
        assert not hold.renew(), "nobody let anything loose"
        assert (first.threads, late.threads) == (1, 1)
    assert (first.threads, late.threads) == (7, 7)


def test_libraries_are_looked_for_when_there_are_new_modules(monkeypatch):
    looked = []
    real = blas.ThreadpoolController
    monkeypatch.setattr(blas, "ThreadpoolController", lambda: looked.append(1) or real())
    blas._libraries()
    looked.clear()
    known = blas._libraries()
    assert not looked
    monkeypatch.setitem(sys.modules, "some_new_module", SimpleNamespace())
    assert blas._libraries() == known, "the same objects, with what they are to get back"
    assert looked


def test_each_thread_holds_a_library_that_counts_for_each_thread(monkeypatch):
    settings = threading.local()

    class Own:
        """Like MKL's."""

        filepath = "libmkl_rt.so"

        def info(self):
            return {"internal_api": "mkl", "version": "1"}

        def get_num_threads(self):
            return getattr(settings, "threads", 4)

        def set_num_threads(self, threads):
            settings.threads = threads

    library = blas._Library(Own())
    monkeypatch.setattr(blas, "_loaded", [library])
    monkeypatch.setattr(blas, "_libraries", lambda: [library])
    seen: list[int] = []
    with one_blas_thread(), Threads(2) as threads:
        threads.run([Phase([[], [lambda: seen.append(library.get())]])])
        assert library.get() == 1
    assert seen == [1]
    assert library.get() == 4
    assert library.before == {}
