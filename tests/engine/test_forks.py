"""A process that is forked off while threads compute can compute itself."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")

PROGRAM = """
import faulthandler, os, sys, threading, time
import numpy as np
from threadpoolctl import threadpool_info
from numcnn import nn
from numcnn.engine import blas as hold_of_blas

def blas():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]

model = nn.Sequential([nn.Conv2D(16, 3), nn.BatchNorm(), nn.ReLU(), nn.Flatten(), nn.Dense(10)])
model.build((28, 28, 1))
x = np.random.default_rng(0).normal(size=(128, 28, 28, 1)).astype(np.float32)
right, threads, cores = model.outputs(x), blas(), os.sched_getaffinity(0)

def step(engine):
    ctx = nn.Context(training=True)
    return engine.backward(np.ones_like(engine.forward(x, ctx)), ctx).copy()

def predict():
    model.outputs(x)

def train():
    other = nn.Sequential.from_config(model.config())
    other.build((28, 28, 1))
    with other.training_engine() as engine:
        while not over:
            step(engine)

def answer():
    assert blas() == threads, blas()
    assert (model.outputs(x) == right).all()
    assert blas() == threads, blas()
    assert os.sched_getaffinity(0) == cores

def forked(work):
    child = os.fork()
    if not child:
        faulthandler.dump_traceback_later(60, exit=True)
        try:
            work()
        except BaseException as error:
            print(type(error).__name__, error, file=sys.stderr)
            os._exit(1)
        os._exit(7)
    return child

def in_order(children):
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [
        7 for _ in children
    ]

over = []
"""

WHILE_THREADS_WORK = """
def predict_on():
    while not over:
        predict()

workers = [threading.Thread(target=work) for work in (predict_on, predict_on, train)]
[worker.start() for worker in workers]
try:
    for _ in range(10):
        children = []
        for _ in range(3):
            time.sleep(0.003)
            children.append(forked(answer))
        in_order(children)
finally:
    over.append(True)
    [worker.join() for worker in workers]
assert blas() == threads
"""

WHILE_A_LOCK_IS_HELD = """
from numcnn.engine import executor
for lock in (hold_of_blas._lock, executor._lock):
    held, release = threading.Event(), threading.Event()
    def hold():
        with lock:
            held.set()
            release.wait()
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    in_order([forked(answer)])
    release.set()
    holder.join()
"""

INSIDE_A_TRAINING = """
with model.training_engine() as engine:
    expected = step(engine)
    def go_on():
        assert (step(engine) == expected).all()
        engine.__exit__(None, None, None)
        assert blas() == threads, blas()
        assert (model.outputs(x) == right).all()
        assert os.sched_getaffinity(0) == cores
    in_order([forked(go_on) for _ in range(3)])
    assert (step(engine) == expected).all()
assert blas() == threads
"""


@pytest.mark.slow
@pytest.mark.parametrize("case", [WHILE_THREADS_WORK, WHILE_A_LOCK_IS_HELD, INSIDE_A_TRAINING])
def test_a_child_answers(case):
    # Python from 3.12 on warns of forks beside threads.
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM + case]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
