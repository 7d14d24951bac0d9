"""The engine of a model: who may call it how, what it keeps, and what it gives back."""

import gc
import os
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from numcnn.data import Dataset
from numcnn.engine import executor as module
from numcnn.nn import (
    SGD,
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    Normalization,
    ReLU,
    Residual,
    Sequential,
)
from numcnn.training import fit
from tests.engine.agreement import fake_hardware
from tests.engine.networks import smooth
from tests.engine.own_layers import Fault
from tests.engine.test_blas import blas_threads

SHAPE = (8, 8, 1)


def network(*more, shape=SHAPE) -> Sequential:
    model = Sequential(
        [
            Normalization(),
            Conv2D(6, 3, padding="same"),
            BatchNorm(),
            ReLU(),
            MaxPool2D(),
            Residual([Conv2D(6, 3, padding="same"), BatchNorm(), ReLU()]),
            *more,
            Flatten(),
            Dropout(0.2),
            Dense(5),
            BatchNorm(),
            Dense(3),
        ]
    )
    model.build(shape, seed=1)
    return model


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, *SHAPE)).astype(np.float32)


def by_layers(model: Sequential, x: np.ndarray) -> np.ndarray:
    return model.outputs(x, engine="layers")


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def machine_state() -> tuple:
    """What a pass may change for a while."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    return threading.active_count(), cores, blas_threads()


@pytest.fixture(autouse=True)
def everything_is_given_back():
    with threadpool_limits(2, user_api="blas"):
        before = machine_state()
        yield
        assert machine_state() == before


# Inference.


@pytest.mark.parametrize("count", [0, 1, 2, 7, 64, 65])
@pytest.mark.parametrize("batch_size", [1, 3, 64, 10**9])
def test_any_number_of_images_in_batches_of_any_size(count, batch_size):
    model, x = network(), images(count)
    found = model.outputs(x, batch_size)
    assert found.shape == (count, 3)
    assert found.dtype == np.float32
    assert_close(found, by_layers(model, x))


def test_many_threads_at_once_get_their_own_answers():
    model = network()
    inputs = [images(count, seed) for seed, count in enumerate([1, 5, 16, 33, 40, 8] * 4)]
    expected = [by_layers(model, x) for x in inputs]
    with fake_hardware(shards=2), ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            for found, right in zip(pool.map(model.outputs, inputs), expected, strict=True):
                assert_close(found, right)


def test_the_same_bits_from_many_threads_at_once():
    model, x = network(), images(33)
    alone = model.outputs(x)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(model.outputs, [x] * 40):
            np.testing.assert_array_equal(found, alone)


CHANGES = {
    "parameters": lambda model: model.parameters.__imul__(1.5),
    "one weight": lambda model: model.layers[1].params["weight"].__setitem__((0, 0, 0, 0), 9),
    "a folded scale": lambda model: model.layers[2].params["gamma"].__imul__(-2),
    "statistics": lambda model: model.statistics.__iadd__(0.5),
    "adapt": lambda model: model.layers[0].adapt(images(9, seed=9) * 3 + 1),
    "load": lambda model: model.load_state_dict(
        {name: array + 0.25 for name, array in model.state_dict().items()}
    ),
    "fit": lambda model: fit(
        model,
        data(12),
        epochs=1,
        progress="none",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_weights_are_seen(change):
    model, x = network(), images(6)
    with model.predictor(6) as predict:
        before = model.outputs(x)
        assert_close(predict(x), before)
        CHANGES[change](model)
        expected = by_layers(model, x)
        assert not np.allclose(expected, before, rtol=1e-3)
        assert_close(model.outputs(x), expected)
        assert_close(predict(x), expected)


def test_a_model_that_is_built_anew():
    model, x = network(), images(6)
    before = model.outputs(x)
    model.build(SHAPE, seed=2)
    assert not np.allclose(model.outputs(x), before, rtol=1e-3)
    assert_close(model.outputs(x), by_layers(model, x))
    model.build((12, 10, 1), seed=2)
    x = np.ones((3, 12, 10, 1))
    assert_close(model.outputs(x), by_layers(model, x))


def test_a_copy_has_an_engine_of_its_own():
    model, x = network(), images(6)
    before = model.outputs(x)
    copy = model.astype(np.float32)
    np.testing.assert_array_equal(copy.outputs(x), before)
    copy.parameters[:] = 0
    assert not copy.outputs(x).any()
    np.testing.assert_array_equal(model.outputs(x), before)


@pytest.mark.parametrize("shape", [(3, 8, 9), (3, 8, 9, 1), (3, 64), (8, 8, 1), ()])
def test_inputs_of_another_shape(shape):
    model, x = network(), np.zeros(shape, np.float32)
    with pytest.raises(ValueError, match="shape") as theirs:
        by_layers(model, x)
    with model.predictor(3) as predict, model.training_engine() as engine:
        for call in (model.outputs, lambda x: engine.forward(x, Context(training=True))):
            with pytest.raises(ValueError, match="shape") as ours:
                call(x)
            assert str(ours.value) == str(theirs.value)
        with pytest.raises(ValueError, match=r"takes \(3, 8, 8, 1\)"):
            predict(x)


def test_a_predictor_takes_its_batch_size_only():
    model = network()
    with model.predictor(3) as predict:
        for count in (0, 2, 4):
            with pytest.raises(ValueError, match="make one for each batch size"):
                predict(images(count))
        assert_close(predict(images(3)), by_layers(model, images(3)))


def test_a_predictor_answers_into_the_same_array():
    model = network()
    with model.predictor() as predict:
        first = predict(images(1))
        kept = first.copy()
        second = predict(images(1, seed=1))
        assert np.shares_memory(first, second)
        assert not np.array_equal(kept, second)


def test_inference_keeps_a_few_plans_only():
    model, x = network(), images(200)
    for batch_size in range(1, 60):
        model.outputs(x[: batch_size + 1], batch_size)
    assert sum(map(len, model.executor()._free.values())) <= module._MOST_PLANS
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda size: model.outputs(x[:size]), range(1, 60)))
    kept = model.executor()._free
    assert sum(map(len, kept.values())) <= module._MOST_PLANS
    # Of large ones few, of small ones more.
    assert all(plan.batch_size == size for size, plans in kept.items() for plan in plans)


def test_what_was_predicted_is_not_kept():
    model, x = network(), images(40)
    alive = weakref.ref(x)
    model.outputs(x)
    with model.predictor(40) as predict, model.training_engine() as engine:
        predict(x)
        engine.forward(x, Context(training=True, rng=np.random.default_rng(0)))
        del x
        assert alive() is None


def test_an_error_inside_leaves_the_model_usable():
    fault = Fault()
    model, x = network(fault), images(6)
    expected = model.outputs(x)
    for shards in (1, 2):
        with fake_hardware(shards=shards):
            model.build(SHAPE, seed=1)
            fault.forward_error = LookupError("in the middle")
            with pytest.raises(LookupError, match=r"^in the middle$"):
                model.outputs(x)
            fault.forward_error = None
            assert_close(model.outputs(x), expected)


def test_settings_for_numpy_hold_in_worker_threads():
    model = network()
    x = np.full((40, *SHAPE), np.finfo(np.float32).max, np.float32)
    with fake_hardware(shards=2):
        with pytest.raises(RuntimeWarning):
            model.outputs(x)
        with np.errstate(all="ignore"):
            assert not np.isfinite(model.outputs(x)).all()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_fork_predicts_too():
    program = """
import os, warnings, numpy
from numcnn.nn import Conv2D, Dense, Flatten, Sequential
model = Sequential([Conv2D(8, 3), Flatten(), Dense(10)])
model.build((28, 28, 1))
x = numpy.ones((256, 28, 28, 1))
before = model.outputs(x)
child = os.fork()
if not child:
    os._exit(7 if (model.outputs(x) == before).all() else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    subprocess.run(command, check=True, timeout=60)


# Training.


def step(engine, model, x, seed=0) -> tuple[np.ndarray, np.ndarray]:
    ctx = Context(training=True, rng=np.random.default_rng(seed))
    outputs = engine.forward(x, ctx)
    return outputs, engine.backward(np.ones_like(outputs), ctx).copy()


def test_batches_of_many_sizes_in_one_engine():
    model = network()
    with model.training_engine() as engine:
        first = step(engine, model, images(9))
        for count in (*range(2, 20), 9):
            outputs, gradient = step(engine, model, images(count))
            assert outputs.shape == (count, 3)
            assert gradient.shape == model.parameters.shape
        np.testing.assert_array_equal(outputs, first[0])
        np.testing.assert_array_equal(gradient, first[1])
        assert len(engine._plans) <= module._MOST_TRAINING_PLANS


def test_outputs_are_the_callers():
    model = network()
    with model.training_engine() as engine:
        outputs, _ = step(engine, model, images(9))
        kept = outputs.copy()
        step(engine, model, images(9, seed=1))
        np.testing.assert_array_equal(outputs, kept)


def test_an_engine_works_outside_its_block_too():
    model, x = network(), images(9)
    engine = model.training_engine()
    before = step(engine, model, x)
    with engine:
        inside = step(engine, model, x)
    after = step(engine, model, x)
    for found in (inside, after):
        np.testing.assert_array_equal(found[1], before[1])


def test_no_examples():
    model = network()
    with model.training_engine() as engine, pytest.raises(ValueError, match="x has no examples"):
        engine.forward(images(0), Context(training=True))


def test_backward_needs_the_forward_before_it():
    model, x = network(), images(5)
    dy = np.ones((5, 3), np.float32)

    def ctx():
        return Context(training=True, rng=np.random.default_rng(0))

    with model.training_engine() as engine:
        with pytest.raises(ValueError, match="run forward first"):
            engine.backward(dy, ctx())
        one, other = ctx(), ctx()
        engine.forward(x, one)
        engine.forward(x, other)
        with pytest.raises(ValueError, match="with the same Context"):
            engine.backward(dy, one)
        for wrong in (dy[:4], dy[0], dy[:, :1]):
            with pytest.raises(ValueError, match=r"the outputs have \(5, 3\)"):
                engine.backward(wrong, other)
        engine.backward(dy, other)
        with pytest.raises(ValueError, match="backward once"):
            engine.backward(dy, other)


def test_a_context_for_inference():
    with network().training_engine() as engine, pytest.raises(ValueError, match="for inference"):
        engine.forward(images(3), Context())


def test_dropout_without_random_numbers():
    with network().training_engine() as engine, pytest.raises(ValueError, match="no generator"):
        engine.forward(images(3), Context(training=True))


@pytest.mark.parametrize("threads", [0, -1])
def test_less_than_one_worker(threads):
    with pytest.raises(ValueError, match=f"threads is {threads}; give an integer of at least 1"):
        network().training_engine(threads)


def test_only_a_model_that_is_built_and_float32():
    unbuilt, double = Sequential([Dense(2)]), network().astype(np.float64)
    for name in ("training_engine", "predictor", "plan"):
        with pytest.raises(ValueError, match="call build"):
            getattr(unbuilt, name)()
        with pytest.raises(ValueError, match="float64, and the engine computes in float32"):
            getattr(double, name)()
    x = images(3)
    assert double.outputs(x).dtype == np.float64
    np.testing.assert_array_equal(double.outputs(x), by_layers(double, x))


@pytest.mark.parametrize("shards", [1, 2, 3])
@pytest.mark.parametrize("where", ["forward_error", "backward_error"])
@pytest.mark.parametrize("kind", [LookupError, KeyboardInterrupt])
def test_what_a_layer_raises_reaches_the_caller(shards, where, kind):
    fault = Fault()
    model, x = network(fault), images(9)
    with fake_hardware(shards=shards), model.training_engine() as engine:
        expected = step(engine, model, x)
        setattr(fault, where, kind("in the middle"))
        with pytest.raises(kind, match=r"^in the middle$"):
            step(engine, model, x)
        setattr(fault, where, None)
        for found, right in zip(step(engine, model, x), expected, strict=True):
            np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("shards", [1, 2])
def test_what_is_raised_through_the_block_leaves_nothing_behind(shards):
    # The fixture looks.
    fault = Fault()
    fault.forward_error = LookupError("through")
    model = network(fault)
    with fake_hardware(shards=shards):
        with pytest.raises(LookupError), model.training_engine() as engine:
            step(engine, model, images(9))
        with pytest.raises(LookupError), model.predictor(9) as predict:
            predict(images(9))


def test_an_engine_that_is_let_go_frees_its_memory_at_once():
    model = network()
    gc.collect()
    gc.disable()
    try:
        with fake_hardware(shards=2), model.training_engine() as engine:
            step(engine, model, images(9))
            alive = weakref.ref(engine.plan(9))
        del engine
        assert alive() is None
    finally:
        gc.enable()


def test_tasks_are_spread_over_the_threads():
    model, names = network(), set()
    order: list[int] = []

    def task(number):
        def run():
            order.append(number)
            names.add(threading.current_thread().name)

        return run

    with fake_hardware(shards=2), model.training_engine(threads=2) as engine:
        few = 2 * module._LEAST_TASKS - 1
        engine.spread([task(number) for number in range(few)])
        assert order == list(range(few))
        assert len(names) == 1
        order.clear()
        engine.spread([task(number) for number in range(100)])
        assert sorted(order) == list(range(100))
        assert len(names) == 2


# The loop around it.


def data(count: int = 50) -> Dataset:
    pixels = np.random.default_rng(0).integers(0, 256, (count, *SHAPE)).astype(np.uint8)
    return Dataset(pixels, np.arange(count) % 3, ("a", "b", "c"), "few")


def trained(model: Sequential | None = None, **settings) -> Sequential:
    model = model or network()
    fit(model, data(), data(20), epochs=2, batch_size=16, seed=3, progress="none", **settings)
    return model


@pytest.mark.parametrize("shards", [2, 3])
def test_training_gives_the_same_bits_however_many_threads_there_are(shards):
    with fake_hardware(shards=shards):
        expected = trained(threads=1)
        for threads in (2, 3, None, None):
            found = trained(threads=threads)
            np.testing.assert_array_equal(found.parameters, expected.parameters)
            np.testing.assert_array_equal(found.statistics, expected.statistics)


def test_training_by_the_engine_is_training_by_the_layers():
    # No kinks, where rounding may decide which way a gradient goes; and no optimizer that divides
    # gradients by their size, for some of these are nothing but rounding.
    engine, layers = (
        trained(smooth(network()), optimizer=SGD(learning_rate=0.05, momentum=0.9), engine=engine)
        for engine in ("auto", "layers")
    )
    size = np.linalg.norm(layers.parameters)
    assert 0 < np.linalg.norm(engine.parameters - layers.parameters) < 1e-5 * size


def test_a_training_that_fails_gives_everything_back():
    fault = Fault()
    model = network(fault)
    fault.backward_error = LookupError("in the middle")
    with fake_hardware(shards=2):
        for _ in range(3):
            with pytest.raises(LookupError, match="in the middle"):
                fit(model, data(), epochs=1, progress="none")
        fault.backward_error = None
        fit(model, data(), epochs=1, progress="none")


def test_training_and_predicting_again_and_again_leaves_no_threads():
    model, before = network(), threading.active_count()
    with fake_hardware(shards=3):
        for _ in range(5):
            fit(model, data(), data(20), epochs=1, progress="none")
            model.predict(images(40))
            with model.predictor(4) as predict:
                predict(images(4))
            assert threading.active_count() == before


def test_two_trainings_at_once():
    with fake_hardware(shards=2):
        expected = trained()
        with ThreadPoolExecutor(2) as pool:
            found = [future.result() for future in [pool.submit(trained) for _ in range(4)]]
    for model in found:
        np.testing.assert_array_equal(model.parameters, expected.parameters)
