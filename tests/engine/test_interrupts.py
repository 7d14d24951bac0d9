"""An exception at any instant leaves no thread, no tie to a core, and no hold on BLAS."""

import gc
import random
import signal
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from numcnn.data import Dataset
from numcnn.engine import blas
from numcnn.nn import BatchNorm, Context, Conv2D, Dense, Flatten, ReLU, Sequential
from numcnn.training import fit
from tests.engine.agreement import fake_hardware
from tests.engine.test_executor import machine_state

TIMES = 200


class Stop(BaseException):
    """What comes from outside, as Ctrl-C does, but that nobody handles."""


def network() -> Sequential:
    model = Sequential([Conv2D(4, 3), BatchNorm(), ReLU(), Flatten(), Dense(400), Dense(3)])
    model.build((8, 8, 1))
    return model


IMAGES = np.random.default_rng(0).normal(size=(24, 8, 8, 1)).astype(np.float32)


def train(model: Sequential) -> None:
    ctx = Context(training=True)
    with model.training_engine(threads=3) as engine:
        for _ in range(2):
            engine.backward(np.ones_like(engine.forward(IMAGES, ctx)), ctx)


def predict(model: Sequential) -> None:
    model.outputs(IMAGES)


def serve(model: Sequential) -> None:
    with model.predictor(24) as predictor:
        predictor(IMAGES)


def fit_it(model: Sequential) -> None:
    pixels = (IMAGES * 50 + 100).astype(np.uint8)
    data = Dataset(pixels, np.arange(24) % 3, ("a", "b", "c"), "few")
    fit(model, data, data, epochs=1, batch_size=12, progress="none", threads=3)


def interrupted(work, model: Sequential, delay: float) -> bool:
    """Do the work, and raise `Stop` in this thread after so many seconds; say whether it came.

    By a signal, as Ctrl-C does. (PyThreadState_SetAsyncExc can hit a thread that this one is just
    starting instead: until that runs, CPython has it under this one's number.)
    """
    over = threading.Event()

    def stop() -> None:
        if not over.wait(delay):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    stopper = threading.Thread(target=stop)
    try:
        stopper.start()
        work(model)
        over.set()
        stopper.join()
        # What is on its way arrives here.
        time.sleep(0)
    except Stop:
        over.set()
        stopper.join()
        return True
    return False


@pytest.fixture(autouse=True)
def _signals():
    def raise_it(number, frame):
        raise Stop

    before = signal.signal(signal.SIGUSR1, raise_it)
    yield
    signal.signal(signal.SIGUSR1, before)


def is_more(state, before) -> bool:
    """Whether threads are left, or cores or BLAS's threads are others than before."""
    # A thread of an earlier test may end meanwhile.
    return state[0] > before[0] or state[1:] != before[1:]


def seconds(work, model: Sequential) -> float:
    start = time.perf_counter()
    work(model)
    return time.perf_counter() - start


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="the system has no such signals")
# What comes within a __del__ is told and ignored by Python itself.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("work", [train, predict, serve, fit_it])
def test_nothing_is_left(work):
    rng = random.Random(work.__name__)
    with fake_hardware(shards=4), threadpool_limits(2, user_api="blas"):
        model = network()
        before = machine_state()
        usual = min(seconds(work, model) for _ in range(5))
        came = 0
        for number in range(TIMES):
            came += interrupted(work, model, rng.uniform(0, usual))
            end = time.monotonic() + 20
            while is_more(machine_state(), before) and time.monotonic() < end:
                # A thread that was told to end ends soon; and Python may have to find a ring.
                gc.collect()
                time.sleep(0.001)
            assert not is_more(machine_state(), before), f"after {number + 1}"
            assert blas._holders == {}
        work(model)
        assert not is_more(machine_state(), before)
    assert came > TIMES // 10
