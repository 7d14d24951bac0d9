"""The engine's `numcnn.nn.Executor`: plans made when they are needed, and kept for next time."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.engine.blas import one_blas_thread
from numcnn.engine.block import Block
from numcnn.engine.plan import Plan
from numcnn.engine.shards import MOST_SHARDS, SHARDS, Peers, is_shards
from numcnn.engine.summary import PlanSummary, summarize
from numcnn.engine.threads import Phase, Task, Threads, free_cores
from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.inputs import as_batch
from numcnn.nn.layers.chain import Chain, Link
from numcnn.nn.validation import whole

_LEAST_TASKS = 8
"""Tasks for each thread below which waking the threads costs more than they save."""

_MOST_PLANS = 12
"""Plans of an inference engine that are kept; each has memory of its own."""

_MOST_TRAINING_PLANS = 4
"""The same of a training engine: they are larger, and an epoch has two sizes of batches."""


class _Running(Block):
    """What lasts as long as a ``with`` block: worker threads, and BLAS held to one thread."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._blas = one_blas_thread()

    def _start(self) -> None:
        self._blas.__enter__()
        self._threads.__enter__()

    def _end(self) -> None:
        self._threads.close()
        self._blas.close()


@final
class TrainingEngine(_Running):
    """Forward and backward passes of a model, while the ``with`` block lasts.

    Inside it the worker threads live, and BLAS is held to one thread.
    """

    def __init__(
        self,
        links: Sequence[Link],
        input_shape: Shape,
        threads: int | None = None,
        shards: int | None = None,
        peers: Peers | None = None,
    ) -> None:
        """Store what to plan; see `numcnn.nn.Sequential.training_engine`.

        ``peers`` compute some of the shards, if this process does not compute all.

        Raises:
            ValueError: There are less than 1 threads, or the shards are no power of two.
        """
        if threads is not None:
            whole("threads", threads)
        if shards is not None and not is_shards(shards):
            raise ValueError(f"shards is {shards!r}; give a power of two from 1 to {MOST_SHARDS}")
        self.shards = SHARDS if shards is None else shards
        super().__init__(Threads(min(threads or free_cores(), self.shards)))
        self._links = links
        self._input_shape = input_shape
        self._peers = peers
        self._layers = [layer for link in links for _, layer in link.layer.walk()]
        self._plans: dict[tuple[int, tuple[bool, ...]], Plan] = {}
        self._pending: tuple[Plan, Context] | None = None
        self._alone = Threads(1)

    def plan(self, batch_size: int) -> Plan:
        """The plan for batches of one size, with the layers frozen that are frozen now."""
        key = batch_size, tuple(layer.is_frozen for layer in self._layers)
        plan = self._plans.pop(key, None)
        if plan is None:
            if len(self._plans) >= _MOST_TRAINING_PLANS:
                # The one that was not used for the longest time.
                del self._plans[next(iter(self._plans))]
            plan = Plan(
                self._links,
                self._input_shape,
                batch_size,
                training=True,
                shards=self.shards,
                threads=self._threads.count,
                peers=self._peers,
            )
        self._plans[key] = plan
        return plan

    def forward(self, x: NDArray[Any], ctx: Context) -> Array:
        """Compute the outputs of a batch; see `numcnn.nn.Sequential.forward`.

        Raises:
            ValueError: ``x`` has another shape than the model takes, or no examples, or ``ctx`` is
                not for training.
        """
        x = as_batch("x", x, self._input_shape)
        if not len(x):
            raise ValueError("x has no examples; give at least one")
        if not ctx.training:
            raise ValueError(
                "ctx is for inference; give Context(training=True), or use Sequential.outputs"
            )
        self._blas.renew()
        plan = self.plan(len(x))
        self._pending = None
        outputs = plan.forward(x, ctx, self._threads_for(plan)).copy()
        self._pending = plan, ctx
        return outputs

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Compute the gradient of all parameters as one vector.

        Args:
            dy: d loss / d outputs of the batch that `forward` saw last.
            ctx: The one that `forward` was given.

        Returns:
            The engine's own vector: the next pass overwrites it.

        Raises:
            ValueError: `forward` was not run last with this ``ctx``, or ``dy`` has another shape
                than its outputs.
        """
        plan, expected = self._pending or (None, None)
        if plan is None or expected is not ctx:
            raise ValueError(
                "backward found nothing from forward; run forward first with the same Context, "
                "and backward once"
            )
        if dy.shape != (plan.batch_size, *plan.output_shape):
            raise ValueError(
                f"dy has the shape {dy.shape}, but the outputs have "
                f"{(plan.batch_size, *plan.output_shape)}; both must be the same"
            )
        self._pending = None
        return plan.backward(dy, self._threads_for(plan))

    def spread(self, tasks: Sequence[Task]) -> None:
        """Run tasks that do not depend on each other; see `numcnn.nn.Optimizer.step`."""
        count = self._threads.count
        if len(tasks) < _LEAST_TASKS * count:
            count = 1
        threads = self._threads if count > 1 else self._alone
        # Neighbors together: two cores that write into one cache line wait for each other.
        bounds = [number * len(tasks) // count for number in range(count + 1)]
        threads.run([Phase([tasks[start:stop] for start, stop in pairwise(bounds)])])

    def _threads_for(self, plan: Plan) -> Threads:
        return self._threads if plan.shards > 1 else self._alone


@final
class EngineExecutor:
    """Computes a model by plans; each thread that calls at the same time gets plans of its own."""

    def __init__(self, chain: Chain) -> None:
        self._links = chain.links()
        self._input_shape, self._output_shape = chain.shapes[0], chain.shapes[-1]
        self._threads = min(free_cores(), SHARDS)
        self._free: dict[int, list[Plan]] = {}

    def training_passes(self, threads: int | None, shards: int | None) -> TrainingEngine:
        """Make the passes of a training."""
        return TrainingEngine(self._links, self._input_shape, threads, shards)

    def predictor(self, batch_size: int) -> Predictor:
        """Make ready for batches of one size."""
        return Predictor(self._links, self._input_shape, batch_size)

    def plan(self, batch_size: int, *, training: bool, measure: bool) -> PlanSummary:
        """Say what was chosen for each layer."""
        plan = Plan(self._links, self._input_shape, batch_size, training=training)
        return summarize(plan, measure=measure)

    def outputs(self, x: NDArray[Any], batch_size: int) -> Array:
        """Compute the outputs of any number of examples.

        Args:
            x: ``(count, *input_shape)``.
            batch_size: At most so many go through at once.

        Returns:
            ``(count, *output_shape)``.
        """
        outputs = np.empty((len(x), *self._output_shape), np.float32)
        sizes = list(_sizes(len(x), batch_size))
        with ExitStack() as stack:
            blas = stack.enter_context(one_blas_thread())
            shared: Threads | None = None
            start = 0
            for size in sizes:
                blas.renew()
                plan = self._take(size)
                if plan.shards > 1 and shared is None:
                    shared = stack.enter_context(Threads(self._threads, pinned=False))
                threads = shared if plan.shards > 1 and shared else _ALONE
                part = x[start : start + size]
                outputs[start : start + size] = plan.forward(part, Context(), threads)
                # Not given back after an error: nobody knows what state it is in.
                self._give_back(plan)
                start += size
        return outputs

    def _take(self, size: int) -> Plan:
        with _lock:
            free = self._free.get(size)
            if free:
                return free.pop()
        return Plan(self._links, self._input_shape, size, training=False, threads=self._threads)

    def _give_back(self, plan: Plan) -> None:
        with _lock:
            if sum(map(len, self._free.values())) >= _MOST_PLANS:
                # The largest one; it holds the most memory.
                largest = max(size for size, plans in self._free.items() if plans)
                self._free[largest].pop()
            self._free.setdefault(plan.batch_size, []).append(plan)


@final
class Predictor(_Running):
    """Outputs for batches of one size, with everything ready: what serves the same call over again.

    Inside the ``with`` block the worker threads live and BLAS is held to one thread. One thread
    calls it at a time.
    """

    def __init__(self, links: Sequence[Link], input_shape: Shape, batch_size: int) -> None:
        threads = free_cores()
        self._plan = Plan(links, input_shape, batch_size, training=False, threads=threads)
        super().__init__(Threads(self._plan.threads))
        self._ctx = Context()

    def __call__(self, x: NDArray[Any]) -> Array:
        """Compute the outputs of exactly one batch, in inference mode.

        Args:
            x: ``(batch_size, *input_shape)``, of any real dtype.

        Returns:
            ``(batch_size, *output_shape)``, the predictor's own array: the next call overwrites it.

        Raises:
            ValueError: ``x`` has another shape.
        """
        plan = self._plan
        if x.shape != (plan.batch_size, *plan.input_shape):
            raise ValueError(
                f"x has the shape {x.shape}, but this predictor takes "
                f"{(plan.batch_size, *plan.input_shape)}; make one for each batch size, or use "
                "Sequential.outputs"
            )
        return plan.forward(x, self._ctx, self._threads)


_ALONE = Threads(1)

_lock = threading.Lock()
"""Of what free plans there are; held for a moment at a time, so that one is enough for all."""


def _after_fork() -> None:
    """A thread that held the lock is not there in a child."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _sizes(count: int, batch_size: int) -> list[int]:
    """Cut a count into batches: whole ones, then powers of two, so that few sizes ever occur."""
    sizes = [batch_size] * (count // batch_size)
    rest = count % batch_size
    while rest:
        size = 1 << (rest.bit_length() - 1)
        sizes.append(size)
        rest -= size
    return sizes
