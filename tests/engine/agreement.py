"""Whether the engine computes the same numbers as the layers, up to rounding.

Float32 has 24 bits, and two orders of the same sums differ in the last ones. How much of that shows
in a gradient depends on the network: behind a batch normalization of two examples, all of it. So
nothing here is compared with a fixed tolerance. The layers in float64 are taken for the truth, and
the error that is allowed is a small multiple of those that the layers make themselves: in float32,
and in float64 from inputs and weights that are moved by half a last bit.

At a kink, rounding may decide which way a gradient goes (see `tests.nn.kinks`). So each of these is
compared with float64 layers that are told its decisions, and the engine's decisions are held to
what float64 finds there: one that differs has to be a near-tie, and there may be few of them.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from types import MappingProxyType
from unittest import mock

import numpy as np

from numcnn.engine import executor, hardware, plan
from numcnn.engine import shards as shard_rules
from numcnn.engine.executor import EngineExecutor, TrainingEngine
from numcnn.nn import Array, BatchNorm, Context, Layer, Sequential
from tests.engine.decisions import decided_by
from tests.nn.kinks import Decisions, Kink, decided, tell

Numbers = dict[str, Array]

LIMIT = 64
"""How many times the layers' own error. In 4,000 random networks the largest was 6, in small ones
with Winograd's convolution 16, and one number that is wrong in its third digit makes thousands."""

RECIPE_LIMIT = 8
"""The same for a recipe's network, where the errors of many units come together: in 30 batches of
each the largest was 3.4."""

FEW, ONE_OF = 3, 10_000
"""So many decisions of a layer may differ, and one of so many."""

CONSTANT = 3e-5
"""A feature that varies less in a batch, relative to its size, is the same in all of it."""

SAME = 2.0**-44
"""What differs by less, relative to the largest number, is equal in exact arithmetic."""


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
def fake_hardware(*, shards: int = 1, cache: int = 1 << 20, least_work: int = 0) -> Iterator[None]:
    """Pretend to run on other hardware, and with another number of shards."""
    with (
        mock.patch.object(plan, "SHARDS", shards),
        mock.patch.object(executor, "SHARDS", shards),
        mock.patch.object(hardware, "CORE_CACHE", cache),
        mock.patch.object(shard_rules, "_LEAST_WORK", least_work),
    ):
        yield


def disagreements(model: Sequential, x: Array, dy: Array, limit: float) -> dict[str, float]:
    """Compare the engine with the layers, in training and in inference.

    Args:
        model: The network.
        x: Inputs.
        dy: The gradients of the outputs.
        limit: How many times the layers' own error is allowed.

    Returns:
        What is wrong, by name: empty if they agree. For outputs ("outputs", "inference"), gradients
        (``d dense_1.weight``), statistics, and decisions that are not nearly ties (``relu_1 tie``),
        the error as a multiple of the layers' own; for decisions that differ too often
        (``relu_1 flips``), how many differ.
    """
    with model.training_engine(1) as engine:
        found = by_engine(engine, model, x, dy, seed=0)
        decisions = decided_by(engine.plan(len(x)), model)
    layers, layers_kinks = _told_pass(model.astype(np.float32), x, dy, None)
    double = model.astype(np.float64)
    exact, kinks = exact_layers, exact_layers_kinks = _told_pass(double, x, dy, decisions)
    if not _same(decided(layers_kinks), decided(kinks)):
        exact_layers, exact_layers_kinks = _told_pass(double, x, dy, decided(layers_kinks))
    moved, moved_kinks = _told_pass(*_moved(double, x, dy), decisions)
    reaching = _reaching(double, x, dy)
    errors = _errors(found, exact, (layers, exact_layers), (moved, exact), reaching=reaching)
    flips = {}
    for name, kink in kinks.items():
        size = reaching[name]
        differs = kink.shortfall > SAME * size
        if differs.sum() > FEW + differs.size / ONE_OF:
            flips[f"{name} flips"] = int(differs.sum())
        own = max(
            np.abs(layers_kinks[name].x - exact_layers_kinks[name].x).max(),
            np.abs(moved_kinks[name].x - kink.x).max(),
            2.0**-24 * size,
        )
        errors[f"{name} tie"] = kink.shortfall.max() / own if differs.any() else 0.0
    errors |= _inference_errors(model, x)
    return {name: error for name, error in errors.items() if not error <= limit} | flips


def _inference_errors(model: Sequential, x: Array) -> dict[str, float]:
    """The error of the outputs of inference. There, a kink does no harm: it is continuous."""
    engine = EngineExecutor(model._chain)
    found = engine.outputs(x, len(x))
    double = model.astype(np.float64)
    layers, exact, moved = (
        {"inference": one.forward(batch, Context())}
        for one, batch in ((model, x), (double, x), _moved(double, x))
    )
    return _errors({"inference": found}, exact, (layers, exact), (moved, exact))


def _told_pass(
    model: Sequential, x: Array, dy: Array, decisions: Decisions | None
) -> tuple[Numbers, dict[str, Kink]]:
    kinks = tell(model, decisions)
    return by_layers(model, x, dy, seed=0), kinks


def _reaching(model: Sequential, x: Array, dy: Array) -> dict[str, float]:
    """How large what reaches each layer is, by the layer's name.

    The gradient, in Euclidean norm, under ``d dense_1``; under ``dense_1``, the largest number in
    its input and in those of all layers before, whose rounding may be all that is left of it.
    """
    found: dict[str, float] = {}
    largest = [0.0]

    def watched_backward(name: str, layer: Layer) -> Callable[[Array, Context], Array]:
        backward = layer.backward

        def watch(dy: Array, ctx: Context) -> Array:
            found[f"d {name}"] = float(np.linalg.norm(dy))
            return backward(dy, ctx)

        return watch

    def watched_forward(name: str, layer: Layer) -> Callable[[Array, Context], Array]:
        forward = layer.forward

        def watch(x: Array, ctx: Context) -> Array:
            found[name] = largest[0] = max(largest[0], float(np.abs(x).max()))
            return forward(x, ctx)

        return watch

    with ExitStack() as stack:
        for name, layer in model.named_layers():
            for method, watch in (("backward", watched_backward), ("forward", watched_forward)):
                stack.enter_context(mock.patch.object(layer, method, watch(name, layer)))
        by_layers(model, x, dy, seed=0)
    return found


def _same(one: Decisions, other: Decisions) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def _moved(model: Sequential, *arrays: Array) -> tuple[Sequential, ...]:
    """A copy of a model, and arrays, with all numbers moved by half a last bit of float32."""
    rng = np.random.default_rng(0)
    copy = model.astype(np.float64)

    def moved(array: Array) -> Array:
        return array * (1 + 2.0**-24 * rng.choice([-1, 1], array.shape))

    copy.parameters[:] = moved(copy.parameters)
    copy.statistics[:] = moved(copy.statistics)
    return copy, *(moved(array.astype(np.float64)) for array in arrays)


def _errors(
    found: Numbers,
    exact: Numbers,
    *yardsticks: tuple[Numbers, Numbers],
    reaching: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, float]:
    """Errors as multiples of the largest of the yardsticks', array by array, in Euclidean norm.

    A number may be nothing but the rest of a cancellation: the gradient of a bias before a batch
    normalization is 0, and so is the mean of what is centered. So one last bit of the whole
    gradient, and of what reaches the layer, counts as an error that anybody has.

    Args:
        found: By the engine.
        exact: What it should be.
        yardsticks: The numbers of others, each with what they should be.
        reaching: How large what reaches each layer is; see `_reaching`.
    """
    assert found.keys() == exact.keys()
    gradients = [np.linalg.norm(truth) for name, truth in exact.items() if name.startswith("d ")]
    whole = float(np.linalg.norm(gradients))
    errors = {}
    for name, truth in exact.items():
        assert found[name].shape == truth.shape, name
        terms = reaching.get(name.rpartition(".")[0], 0.0)
        if name.startswith("d "):
            terms = max(whole, terms)
        least = 2.0**-24 * max(np.linalg.norm(truth), terms)
        own = max(
            least, *(np.linalg.norm(other[name] - right[name]) for other, right in yardsticks)
        )
        error = float(np.linalg.norm(found[name] - truth))
        errors[name] = error / own if own else (np.inf if error else 0.0)
    return errors


def constant_feature(model: Sequential, x: Array) -> bool:
    """Whether a batch normalization meets a feature that is nearly the same in all of the batch.

    What comes out of it is nothing but rounding. And of a feature that has two values only their
    order is left, so its gradient is rounding.
    """
    found = []
    forward = BatchNorm.forward

    def watched(self: BatchNorm, x: Array, ctx: Context) -> Array:
        rows = x.reshape(-1, x.shape[-1])
        size = np.abs(rows).max() + 1
        found.append(len(rows) <= 2 or rows.std(axis=0).min() < CONSTANT * size)
        return forward(self, x, ctx)

    with mock.patch.object(BatchNorm, "forward", watched):
        ctx = Context(training=True, rng=np.random.default_rng(0))
        # What has a single value is refused, and counts as nearly the same.
        with suppress(ValueError):
            model.astype(np.float64).forward(x, ctx)
    return any(found)


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
