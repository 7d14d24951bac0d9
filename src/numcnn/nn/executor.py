"""How a model is computed: by its layers' own code, or by an engine that knows the machine.

This is the seam between the two. A model asks an `Executor` for outputs and for the passes of a
training. The layers' own one is here. The package around this room wires in others with a function
``executor`` (see ``numcnn/__init__.py``); all give the same numbers up to rounding.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Protocol, Self, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from numcnn.nn.arrays import Array
from numcnn.nn.context import Context
from numcnn.nn.layers.chain import Chain

Predict = Callable[[NDArray[Any]], Array]
"""From exactly one batch to its outputs."""


class TrainingPasses(Protocol):
    """Forward and backward; what is set up for them lives as long as the ``with`` block.

    Attributes:
        shards: Into how many parts a batch is cut at most, whose gradients are added; None if it
            is not cut.
    """

    @property
    def shards(self) -> int | None:
        """See above."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def forward(self, x: NDArray[Any], ctx: Context) -> Array:
        """Compute the outputs of a batch, in any real dtype; see `numcnn.nn.Sequential.forward`."""

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Compute the gradient of all parameters, one vector, from that of the outputs."""

    def spread(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run tasks that do not depend on each other."""


class PlanReport(Protocol):
    """What an engine chose for each layer; ``str()`` of it is for reading."""

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""


class Executor(Protocol):
    """What computes a model that is built; any number of threads may use it at once."""

    def outputs(self, x: NDArray[Any], batch_size: int) -> Array:
        """Compute the outputs of any number of examples in inference mode, a batch at a time."""

    def training_passes(self, threads: int | None, shards: int | None) -> TrainingPasses:
        """Make the passes of a training; see `numcnn.nn.Sequential.training_engine`."""

    def predictor(self, batch_size: int) -> AbstractContextManager[Predict]:
        """Make ready for batches of one size; see `numcnn.nn.Sequential.predictor`."""

    def plan(self, batch_size: int, *, training: bool, measure: bool) -> PlanReport:
        """Say what was chosen for each layer; see `numcnn.nn.Sequential.plan`."""


@final
class LayerExecutor:
    """The layers' own code, in any dtype."""

    def __init__(self, chain: Chain, dtype: DTypeLike) -> None:
        self._chain = chain
        self._dtype = dtype

    def outputs(self, x: NDArray[Any], batch_size: int) -> Array:
        """Compute the outputs."""
        # One empty batch if there are no examples, so that the shape is as always.
        starts = range(0, max(len(x), 1), batch_size)
        batches = (np.asarray(x[start : start + batch_size], self._dtype) for start in starts)
        return np.concatenate([self._chain.forward(batch, Context()) for batch in batches])

    def training_passes(self, threads: int | None = None, shards: int | None = None) -> LayerPasses:
        """Make the passes; they run on one thread, whatever is asked for."""
        return LayerPasses(self._chain, self._dtype)

    def predictor(self, batch_size: int) -> AbstractContextManager[Predict]:
        """Nothing is made ready."""
        return nullcontext(lambda x: self.outputs(x, batch_size))

    def plan(self, batch_size: int, *, training: bool, measure: bool) -> PlanReport:
        """There is nothing to choose.

        Raises:
            ValueError: Always.
        """
        raise ValueError("no engine is wired in, so there is no plan; see numcnn.nn.executor")


@final
class LayerPasses:
    """The passes of a training by the layers' own code."""

    shards = None

    def __init__(self, chain: Chain, dtype: DTypeLike) -> None:
        self._chain = chain
        self._dtype = dtype

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def forward(self, x: NDArray[Any], ctx: Context) -> Array:
        """Compute the outputs."""
        return self._chain.forward(np.asarray(x, self._dtype), ctx)

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Compute the gradient."""
        self._chain.backward(dy, ctx)
        return self._chain.gradient(ctx, self._dtype)

    def spread(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run them one after another."""
        for task in tasks:
            task()


def engine_executor(chain: Chain, engine: str = "auto") -> Executor:
    """The engine that the package around this room has wired in; the layers' own code if none."""
    package = sys.modules[__name__.partition(".")[0]]
    make: Callable[[Chain, str], Executor] | None = getattr(package, "executor", None)
    return LayerExecutor(chain, np.float32) if make is None else make(chain, engine)
