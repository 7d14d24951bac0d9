"""Passes through a network whose products and sums are exact: the layers' own code.

Layers that take each example by itself are given a few examples at a time, so that what they leave
in between fits a core's cache, and several threads share the pieces. A sum over the batch, such as
a weight's gradient, waits until all its pieces are there. The sums being exact, it does not matter
how the batch was cut.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from numcnn.engine import one_blas_thread
from numcnn.exact import functions
from numcnn.exact.array import (
    AT,
    EXAMPLES,
    HAS_NO_USE,
    PENDING,
    WATCH,
    ExactArray,
    ExactOutputs,
    Pending,
    exact,
    plain,
)
from numcnn.exact.environment import require_ieee
from numcnn.exact.generator import ExactGenerator
from numcnn.exact.sums import SPREAD, Spread, one_by_one
from numcnn.nn import Array, Context, Conv2D, Dense
from numcnn.nn.executor import PlanReport, Predict
from numcnn.nn.layers import LAYERS
from numcnn.nn.layers.chain import Chain, Link
from numcnn.nn.schedules import FUNCTIONS

_PIECE = 400_000
"""Numbers that a layer handles at a time: as float32, a megabyte and a half."""


@final
class ExactExecutor:
    """The layers' own code, with exact sums, in float32."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def outputs(self, x: NDArray[Any], batch_size: int) -> Array:
        """Compute the outputs; those of an example do not depend on what else is computed."""
        starts = range(0, max(len(x), 1), batch_size)
        with ExactPasses(self._chain, None) as passes:
            batches = [passes.infer(x[i : i + batch_size]) for i in starts]
        return np.concatenate([plain(batch) for batch in batches]).view(ExactOutputs)

    def training_passes(self, threads: int | None = None, shards: int | None = None) -> ExactPasses:
        """Make the passes of a training; threads change no bit, and there are no shards."""
        return ExactPasses(self._chain, threads)

    def predictor(self, batch_size: int) -> AbstractContextManager[Predict]:
        """Nothing is made ready."""
        return nullcontext(lambda x: self.outputs(x, batch_size))

    def plan(self, batch_size: int, *, training: bool, measure: bool) -> PlanReport:
        """There is nothing to choose.

        Raises:
            ValueError: Always.
        """
        raise ValueError('engine="exact" has no plan: it runs the layers\' own code')


@final
@dataclass(frozen=True, eq=False)
class _Run:
    """Some layers in a row that are computed together.

    Attributes:
        links: The layers.
        examples: How many examples at a time; None for layers that need the whole batch.
        first: The network's first layer with parameters, if it is one of these; the gradient of
            its input is not needed.
    """

    links: list[Link]
    examples: int | None
    first: Link | None = None


@final
@dataclass(eq=False)
class _Pass:
    """What a forward pass leaves for the backward pass.

    Attributes:
        ctx: Of the layers that need the whole batch.
        pieces: For each run, the contexts of its pieces and how many examples each has.
    """

    ctx: Context
    pieces: list[list[tuple[Context, int]]]


@final
class ExactPasses:
    """The passes of a training, with exact sums.

    As long as the ``with`` block lasts, BLAS has one thread, since these passes have threads of
    their own, and `numcnn.exact.functions` also gives schedules and optimizers the cosine and the
    powers that they need.
    """

    shards = None

    def __init__(self, chain: Chain, threads: int | None) -> None:
        self._chain = chain
        self._runs = _runs(chain)
        self._threads = threads or os.cpu_count() or 1
        self._spread: Spread = one_by_one
        self._held = ExitStack()

    def __enter__(self) -> Self:
        require_ieee()
        with ExitStack() as stack:
            stack.enter_context(one_blas_thread())
            stack.enter_context(_set(FUNCTIONS, functions))
            self._spread = stack.enter_context(_threads(self._threads))
            self._held = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._spread = one_by_one
        self._held.__exit__(kind, error, trace)

    def forward(self, x: NDArray[Any], ctx: Context) -> Array:
        """Compute the outputs.

        Raises:
            ValueError: The context is one for inference, or a layer computes with something that
                is not exact.
        """
        if not ctx.training:
            raise ValueError(
                "ctx is for inference; give Context(training=True), or use Sequential.outputs"
            )
        done = _Pass(Context(training=True, rng=_exact_generator(ctx)), [])
        outputs = self._forward(x, done)
        ctx.new_state |= done.ctx.new_state
        ctx.save(self, done)
        AT.set("loss")
        return outputs

    def infer(self, x: NDArray[Any]) -> Array:
        """Compute the outputs in inference mode."""
        return self._forward(x, _Pass(Context(), []))

    def _forward(self, x: NDArray[Any], done: _Pass) -> Array:
        parts: list[Array] = [x]
        for run in self._runs:
            if run.examples is None or WATCH.get() is not None:
                done.pieces.append([(done.ctx, len(x))])
                with _set(SPREAD, self._spread):
                    parts = [_forward(run, _joined(parts), done.ctx)]
            else:
                parts = self._forward_in_pieces(run, run.examples, parts, done)
        return exact(_joined(parts))

    def _forward_in_pieces(
        self, run: _Run, most: int, parts: list[Array], done: _Pass
    ) -> list[Array]:
        count = sum(map(len, parts))
        size = max(min(most, -(-count // self._threads)), 1)
        sizes = [min(size, count - start) for start in range(0, count, size)] or [0]
        parts = _cut(parts, sizes)
        contexts = [Context(training=done.ctx.training) for _ in sizes]
        done.pieces.append(list(zip(contexts, sizes, strict=True)))
        outputs = [*parts]

        def compute(place: int) -> None:
            outputs[place] = _forward(run, parts[place], contexts[place])

        self._spread(compute, len(parts))
        return outputs

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Compute the gradient.

        Raises:
            ValueError: The loss or a layer computes with something that is not exact, or no
                forward pass with this context came before.
        """
        (done,) = ctx.take(self)
        if not isinstance(dy, ExactArray):
            raise _dropped("the loss")
        parts: list[Array] = [dy]
        for run, pieces in zip(reversed(self._runs), reversed(done.pieces), strict=True):
            if pieces[0][0] is done.ctx:
                with _set(SPREAD, self._spread):
                    parts = [_backward(run, _joined(parts), done.ctx)]
            else:
                parts = self._backward_in_pieces(run, pieces, parts, done)
            if run.first is not None:
                break
        ctx.grads |= done.ctx.grads
        AT.set("")
        return exact(self._chain.gradient(ctx, np.float32))

    def _backward_in_pieces(
        self, run: _Run, pieces: list[tuple[Context, int]], parts: list[Array], done: _Pass
    ) -> list[Array]:
        parts = _cut(parts, [size for _, size in pieces])
        waiting: list[list[Pending]] = [[] for _ in parts]
        gradients = [*parts]

        def compute(place: int) -> None:
            with _set(PENDING, waiting[place]):
                gradients[place] = _backward(run, parts[place], pieces[place][0])

        self._spread(compute, len(parts))
        with _set(SPREAD, self._spread):
            for sums in zip(*waiting, strict=True):
                sums[0].result[...] = sums[0].total([each.piece for each in sums])
        done.ctx.grads |= pieces[0][0].grads
        return gradients

    def spread(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run tasks that do not depend on each other."""
        self._spread(lambda place: tasks[place](), len(tasks))


def _runs(chain: Chain) -> list[_Run]:
    """Put layers together that can be computed a few examples at a time."""
    links = chain.links()
    inputs = [*chain.shapes[:-1]]
    runs: list[_Run] = []
    for link, input_shape in zip(links, inputs, strict=True):
        layer = link.layer
        # A layer of one's own may sum over the batch in a way that pieces do not know.
        alone = type(layer) in LAYERS.values() and layer.acts_on != "batch"
        factors = layer.macs(input_shape, link.output_shape) // max(link.output_shape[-1], 1)
        numbers = math.prod(input_shape) + math.prod(link.output_shape) + factors
        most = max(_PIECE // numbers, 1) if alone else None
        before = runs[-1].examples if runs else None
        # Weights are rounded once a piece, so a dense layer had better get large ones.
        if most is None or before is None or (layer.params and most > 4 * before):
            runs.append(_Run([link], most))
        else:
            runs.append(_Run([*runs.pop().links, link], min(before, most)))
    learns = [any(inner.params for _, inner in link.layer.walk()) for link in links]
    if any(learns):
        first = links[learns.index(True)]
        if isinstance(first.layer, Conv2D | Dense):
            runs = [replace(run, first=first if first in run.links else None) for run in runs]
    return runs


def _forward(run: _Run, x: Array, ctx: Context) -> Array:
    y: Array = exact(x, np.float32)
    with _set(EXAMPLES, max(len(x), 1)):
        for link in run.links:
            AT.set(f"{link.name} forward")
            y = link.layer.forward(y, ctx)
            _require_exact(f"{link.name}'s forward", y)
    return y


def _backward(run: _Run, dy: Array, ctx: Context) -> Array:
    dy = exact(dy)
    with _set(EXAMPLES, max(len(dy), 1)):
        for link in reversed(run.links):
            AT.set(f"{link.name} backward")
            with _set(HAS_NO_USE, link is run.first):
                dy = link.layer.backward(dy, ctx)
            _require_exact(f"{link.name}'s backward", dy)
            for name, inner in link.layer.walk(link.name):
                for parameter in inner.params:
                    _require_exact(f"{name}'s backward", ctx.grads[inner][parameter])
            if link is run.first:
                break
    return dy


def _cut(parts: list[Array], sizes: list[int]) -> list[Array]:
    """The same examples in pieces of other sizes; views, where they are the same pieces."""
    if [len(part) for part in parts] == sizes:
        return parts
    whole = _joined(parts)
    ends = np.cumsum(sizes)
    return [whole[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _joined(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate([plain(part) for part in parts])


def _require_exact(where: str, value: Array) -> None:
    if not isinstance(value, ExactArray):
        raise _dropped(where)


def _dropped(where: str) -> ValueError:
    return ValueError(
        f'{where} made a plain array of an exact one, so that engine="exact" cannot see how it is '
        "summed; make new arrays with numpy.zeros_like or empty_like, and leave numpy.asarray out"
    )


def _exact_generator(ctx: Context) -> ExactGenerator | None:
    """What layers draw from, so that normal numbers are exact too."""
    try:
        return ExactGenerator(ctx.rng.bit_generator)
    except ValueError:
        return None


@contextmanager
def _threads(count: int) -> Iterator[Spread]:
    """Threads, and what spreads tasks over them."""
    if count == 1:
        yield one_by_one
        return
    with ThreadPoolExecutor(count, "numcnn-exact") as pool:

        def spread(task: Callable[[int], None], places: int) -> None:
            def share(first: int) -> None:
                for place in range(first, places, count):
                    task(place)

            if places == 1:
                task(0)
            else:
                # All are waited for, and the first error is raised.
                list(pool.map(share, range(min(count, places))))

        yield spread


@contextmanager
def _set(variable: ContextVar[Any], value: Any) -> Iterator[None]:
    """Give a variable another value for a while, in this thread.

    Put back by hand: a token could not be used where the block ends on another thread.
    """
    before = variable.get()
    variable.set(value)
    try:
        yield
    finally:
        variable.set(before)
