"""The same numbers from the layers and from the engine, and how far apart they may be.

Float32 has 24 bits, and two orders of the same sums differ in the last ones. How much of that shows
in a gradient depends on the network: behind a batch normalization of two examples, all of it. So
nothing here is compared with a tolerance out of the air. The layers run in float64, which is taken
for the truth, and twice more: in float32, and in float64 from inputs and weights that are moved by
half a last bit. An engine that only rounds has an error of the size of theirs.

Where a ReLU's input, or the difference between the two largest cells of a pooling window, is nearly
zero, rounding decides which way the gradient goes. And a feature that is the same in all of the
batch is, after a batch normalization, nothing but rounding; of one that has two values, only their
order is left, and so its gradient is rounding. `tense` finds such networks.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np

from numcnn.nn import Array, BatchNorm, Context, LeakyReLU, MaxPool2D, ReLU, Sequential
from numcnn.nn.engine import machine, plan
from numcnn.nn.engine.engine import InferenceEngine, TrainingEngine

Numbers = dict[str, Array]

NEAR = 3e-5
"""So near a kink, relative to the usual size, rounding may decide."""


def by_layers(model: Sequential, x: Array, dy: Array, seed: int) -> Numbers:
    """Outputs, gradients and new state of one training pass, by the layers."""
    ctx = Context(training=True, rng=np.random.default_rng(seed))
    y = model.forward(x, ctx)
    model.backward(dy.astype(y.dtype), ctx)
    return _numbers(model, y, model.gradient(ctx), ctx)


def by_engine(engine: TrainingEngine, model: Sequential, x: Array, dy: Array, seed: int) -> Numbers:
    """The same by the engine."""
    ctx = Context(training=True, rng=np.random.default_rng(seed))
    y = engine.forward(x, ctx)
    gradient = engine.backward(dy, ctx)
    return _numbers(model, y, gradient.copy(), ctx)


@contextmanager
def a_machine(*, lanes: int = 1, cache: int = 1 << 20, least_work: int = 0) -> Iterator[None]:
    """Pretend to be on another one."""
    with (
        mock.patch.object(machine, "lanes", return_value=lanes),
        mock.patch.object(machine, "core_cache", return_value=cache),
        mock.patch.object(plan, "_LEAST_WORK", least_work),
    ):
        yield


def exact_and_moved(model: Sequential, x: Array, dy: Array, seed: int) -> tuple[Numbers, Numbers]:
    """By the layers in float64; and again, after all has been moved by half a last bit."""
    exact = model.astype(np.float64)
    first = by_layers(exact, x, dy, seed)
    rng = np.random.default_rng(0)

    def moved(array: Array) -> Array:
        return array * (1 + 2.0**-24 * rng.choice([-1, 1], array.shape))

    exact.parameters[:] = moved(exact.parameters)
    exact.statistics[:] = moved(exact.statistics)
    return first, by_layers(exact, moved(x.astype(np.float64)), moved(dy.astype(np.float64)), seed)


def errors(found: Numbers, exact: Numbers, *yardsticks: Numbers) -> dict[str, float]:
    """How many times the largest error of the yardsticks, array by array, in the Euclidean norm.

    A gradient may be nothing but the rest of a cancellation: that of a bias before a batch
    normalization is 0. So one last bit of the whole gradient counts as an error that anybody has.
    """
    assert found.keys() == exact.keys()
    gradients = [np.linalg.norm(truth) for name, truth in exact.items() if name.startswith("d ")]
    whole = float(np.linalg.norm(gradients))
    ratios = {}
    for name, truth in exact.items():
        assert found[name].shape == truth.shape, name
        least = 2.0**-24 * max(np.linalg.norm(truth), whole * name.startswith("d "))
        allowed = max(least, *(np.linalg.norm(other[name] - truth) for other in yardsticks))
        error = float(np.linalg.norm(found[name] - truth))
        ratios[name] = error / allowed if allowed else (np.inf if error else 0.0)
    return ratios


def inference_errors(model: Sequential, x: Array) -> dict[str, float]:
    """The same for the outputs of inference, with the errors that the layers make there."""
    ctx, exact = Context(), model.astype(np.float64)
    truth = {"inference": exact.forward(x, ctx)}
    layers = {"inference": model.forward(x, ctx)}
    rng = np.random.default_rng(0)
    for array in (exact.parameters, exact.statistics):
        array *= 1 + 2.0**-24 * rng.choice([-1, 1], array.shape)
    moved = {"inference": exact.forward(x * (1 + 2.0**-24 * rng.choice([-1, 1], x.shape)), ctx)}
    links = model._chain.links()
    engine = InferenceEngine(links, model.input_shape, model.output_shape)
    return errors({"inference": engine.outputs(x, len(x))}, truth, layers, moved)


def tense(model: Sequential, x: Array, seed: int) -> bool:
    """Whether rounding may decide which way a gradient goes."""
    nearest = [np.inf]

    def note(distances: Array, size: Array) -> None:
        # What is exactly 0, because it was switched off before, is so in any arithmetic.
        distances = np.abs(distances[distances != 0])
        if distances.size:
            nearest.append(distances.min() / np.sqrt(np.square(size).mean()))

    kinds = ReLU, LeakyReLU, MaxPool2D, BatchNorm
    with ExitStack() as stack:
        for kind in kinds:
            stack.enter_context(_watched(kind, note))
        exact = model.astype(np.float64)
        exact.forward(x, Context(training=True, rng=np.random.default_rng(seed)))
    return min(nearest) < NEAR


@contextmanager
def _watched(kind, note) -> Iterator[None]:
    forward = kind.forward

    def watched(self, x, ctx):
        if kind is MaxPool2D:
            window = self.window
            cells = window.shifts(window.pad(x, -np.inf), window.positions(x.shape[1:]))
            two = np.sort(np.stack([*cells]), axis=0)[-2:]
            if len(two) == 2:
                gaps = two[1] - two[0]
                note(gaps[np.isfinite(gaps)], x)
        elif kind is BatchNorm:
            rows = x.reshape(-1, x.shape[-1])
            spread = rows.std(axis=0) if len(rows) > 2 else np.zeros(1)
            # Never 0, so that it counts.
            note(spread + 1e-30, np.abs(rows).max() + np.ones(1))
        else:
            note(x, x)
        return forward(self, x, ctx)

    with mock.patch.object(kind, "forward", watched):
        yield


def _numbers(model: Sequential, y: Array, gradient: Array, ctx: Context) -> Numbers:
    numbers = {"outputs": y}
    start = 0
    for name, layer in model.named_layers():
        for key, array in layer.params.items():
            part = gradient[start : start + array.size]
            numbers[f"d {name}.{key}"] = part.reshape(array.shape)
            start += array.size
        for key, array in ctx.new_state.get(layer, {}).items():
            numbers[f"{name}.{key}"] = array
    assert start == gradient.size
    return numbers


def named(mapping: Mapping[str, float], above: float) -> dict[str, float]:
    """Those above a limit."""
    return {name: round(value, 1) for name, value in mapping.items() if not value <= above}
