"""Passes through a network whose products and sums are exact: the layers' own code."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from numcnn.exact import functions
from numcnn.exact.array import EXAMPLES, ExactArray, ExactOutputs, exact, plain
from numcnn.exact.environment import require_ieee
from numcnn.exact.generator import ExactGenerator
from numcnn.exact.sums import SPREAD, Spread
from numcnn.nn import Array, Context, Layer
from numcnn.nn.executor import PlanReport, Predict
from numcnn.nn.layers.chain import Chain
from numcnn.nn.schedules import FUNCTIONS


@final
class ExactExecutor:
    """The layers' own code, with exact sums, in float32."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def outputs(self, x: NDArray[Any], batch_size: int) -> Array:
        """Compute the outputs; those of an example do not depend on what else is computed."""
        require_ieee()
        starts = range(0, max(len(x), 1), batch_size)
        with _pool(None) as spread, _use(spread, 1):
            batches = [
                _forward(self._chain, np.asarray(x[start : start + batch_size]), Context())
                for start in starts
            ]
        return np.concatenate([plain(batch) for batch in batches]).view(ExactOutputs)

    def training_passes(
        self, threads: int | None = None, shards: int | None = None
    ) -> ExactPasses:
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
class ExactPasses:
    """The passes of a training, with exact sums.

    As long as the ``with`` block lasts, `numcnn.exact.functions` also gives schedules and
    optimizers the cosine and the powers that they need.
    """

    shards = None

    def __init__(self, chain: Chain, threads: int | None) -> None:
        self._chain = chain
        self._threads = threads
        self._spread: Spread | None = None
        self._pool = _pool(threads)
        self._before: Any = None

    def __enter__(self) -> Self:
        require_ieee()
        self._pool = _pool(self._threads)
        self._spread = self._pool.__enter__()
        # Put back by hand: a token could not be used from another thread.
        self._before = FUNCTIONS.get()
        FUNCTIONS.set(functions)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        FUNCTIONS.set(self._before)
        self._spread = None
        self._pool.__exit__(kind, error, trace)

    def forward(self, x: NDArray[Any], ctx: Context) -> Array:
        """Compute the outputs."""
        assert self._spread is not None
        with _use(self._spread, len(x)):
            return _forward(self._chain, x, _with_exact_generator(ctx))

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Compute the gradient.

        Raises:
            ValueError: The loss has computed with plain arrays, so nobody knows how it summed.
        """
        assert self._spread is not None
        if not isinstance(dy, ExactArray):
            raise _dropped("the loss")
        with _use(self._spread, len(dy)):
            for name, layer in reversed(list(self._chain)):
                dy = layer.backward(dy, ctx)
                _require_exact(f"{name}'s backward", dy)
                for inner_name, inner in layer.walk(name):
                    for parameter in inner.params:
                        _require_exact(f"{inner_name}'s backward", ctx.grads[inner][parameter])
            return exact(self._chain.gradient(ctx, np.float32))

    def spread(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run them one after another."""
        for task in tasks:
            task()


def _forward(chain: Chain, x: NDArray[Any], ctx: Context) -> Array:
    y: Array = exact(x, np.float32)
    with _examples(len(x)):
        for name, layer in chain:
            y = layer.forward(y, ctx)
            _require_exact(f"{name}'s forward", y)
    return y


def _require_exact(where: str, value: Array) -> None:
    if not isinstance(value, ExactArray):
        raise _dropped(where)


def _dropped(where: str) -> ValueError:
    return ValueError(
        f'{where} made a plain array of an exact one, so that engine="exact" cannot see how it is '
        "summed; make new arrays with numpy.zeros_like or empty_like, and leave numpy.asarray out"
    )


def _with_exact_generator(ctx: Context) -> Context:
    """The same context, whose layers draw exactly."""
    if ctx._rng is not None and not isinstance(ctx._rng, ExactGenerator):
        ctx._rng = ExactGenerator(ctx._rng.bit_generator)
    return ctx


@contextmanager
def _pool(threads: int | None) -> Iterator[Spread]:
    """Threads, and what spreads tasks over them."""
    count = threads or os.cpu_count() or 1
    if count == 1:
        yield SPREAD.get()
        return
    with ThreadPoolExecutor(count, "numcnn-exact") as pool:

        def spread(tasks: list[Callable[[], None]]) -> None:
            for _ in pool.map(lambda task: task(), tasks):
                pass

        yield spread


@contextmanager
def _examples(count: int) -> Iterator[None]:
    before = EXAMPLES.get()
    EXAMPLES.set(max(count, 1))
    try:
        yield
    finally:
        EXAMPLES.set(before)


@contextmanager
def _use(spread: Spread, count: int) -> Iterator[None]:
    before = SPREAD.get()
    SPREAD.set(spread)
    try:
        with _examples(count):
            yield
    finally:
        SPREAD.set(before)
