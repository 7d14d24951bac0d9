"""A plan: a network's ops bound to memory for one batch size, ready to run.

A batch is cut into *shards*, which threads can run side by side, and a shard into *micro-batches*
that fit a core's cache. A shard takes each of its micro-batches through a whole segment of the
network before the next one, so that what one op leaves is still in the cache when the next one
wants it.

Each shard sums up its own gradient, micro-batch after micro-batch, and the shards' sums are added
as a balanced binary tree. How a batch is cut depends on the network, the batch and the number of
shards, and on nothing of the machine. So the same numbers come out, to the last bit, whatever the
number of cores or threads and whatever the cache.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.engine import hardware
from numcnn.engine.lowering import Lowering
from numcnn.engine.op import BarrierOp, Binding, BoundOp, MicroBatch, Op
from numcnn.engine.shards import (
    SHARDS,
    Factors,
    Peers,
    ShardTree,
    adding,
    shards_worth_using,
)
from numcnn.engine.threads import Phase, Task, Threads
from numcnn.engine.workspace import Workspace, aligned
from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.layers import Layer
from numcnn.nn.layers.chain import Link

_LEAST_ADDITIONS = 4
"""Chunks of the gradient for each thread below which the threads are not called together."""

_CACHE_SHARE = 5.1
"""How many quarters of the core's cache a micro-batch's scratch memory may fill."""

_TRAFFIC_SHARE = 0.5
"""A layer whose weights do not stay in the cache reads them again for each micro-batch. That is put
up with if it is at most this share of the traffic that the micro-batch's images cause."""


_NO_BATCH = np.empty(0, np.float32)


@final
@dataclass
class _Pass:
    """The context of the pass that is running."""

    ctx: Context


@final
@dataclass
class Segment:
    """Ops that micro-batches of one size go through together.

    Attributes:
        ops: In the order of the forward pass.
        micro_batches: Of all shards.
        barrier: The op at the end that needs all micro-batches at once, if there is one.
        bound: For each micro-batch, each op's bound op.
    """

    ops: list[Op]
    micro_batches: list[MicroBatch]
    barrier: BarrierOp | None
    bound: list[list[BoundOp]]


@final
class Plan:
    """The passes of one network for batches of one size.

    One thread uses a plan at a time. What it returns are its own arrays, overwritten by the next
    pass.

    Attributes:
        batch_size: The size.
        input_shape: Of one example.
        output_shape: Of what comes out for it.
        training: Whether there is a backward pass.
        cut: The batch's shards.
        shards: How many.
        segments: Of the network, in the order of the forward pass.
    """

    def __init__(
        self,
        links: Sequence[Link],
        input_shape: Shape,
        batch_size: int,
        *,
        training: bool,
        shards: int | None = None,
        threads: int | None = None,
        peers: Peers | None = None,
    ) -> None:
        self.batch_size = batch_size
        self.input_shape = input_shape
        self.output_shape = links[-1].output_shape
        self.training = training
        self._program = Lowering(links, input_shape, training, batch_size)
        self._layers = [layer for link in links for _, layer in link.layer.walk()]
        size = sum(array.size for layer in self._layers for array in layer.params.values())
        work = batch_size * sum(
            link.layer.macs(before, link.output_shape)
            for before, link in zip(_shapes_before(input_shape, links), links, strict=True)
        )
        most = SHARDS if shards is None else shards
        self.cut = ShardTree(batch_size, shards_worth_using(most, work, size))
        self.shards = len(self.cut.bounds) - 1
        self._own = range(self.shards) if peers is None else peers.own(self.cut)
        self._peers = peers
        self.threads = min(self.shards, threads or self.shards)
        self._workspaces = [Workspace() for _ in range(self.threads)]
        self._pass = _Pass(Context())
        self.nbytes = 0
        self.segments = self._segments()
        self._allocate()
        self._gradients = [aligned(size if training else 0) for _ in self._own]
        self.nbytes += sum(gradient.nbytes for gradient in self._gradients)
        views = [_views(self._layers, each) if training else {} for each in self._gradients]
        self._bind(dict(zip(self._own, views, strict=True)))
        self.nbytes += sum(workspace.nbytes for workspace in self._workspaces)
        self._additions: list[Task] = []
        stretches = self._stretches()
        self._prepare = self._preparation(stretches[0])
        self._forward = list(self._forward_phases(stretches))
        self._backward = list(self._backward_phases()) if training else []

    def forward(self, x: NDArray[Any], ctx: Context, threads: Threads) -> Array:
        """Compute the outputs of a batch of `batch_size` examples."""
        self._pass.ctx = ctx
        self.hold(x)
        try:
            self._prepare()
            threads.run(self._forward)
        finally:
            # A plan is kept; what it was given, perhaps a part of something large, is not.
            self.hold(_NO_BATCH)
        return self._program.exit.whole()

    def hold(self, x: NDArray[Any]) -> None:
        """Have the first op's bound ops read from ``x``, if they are run one by one."""
        self._program.entrance.batch = x

    def backward(self, dy: Array, threads: Threads) -> Array:
        """Compute the gradient of all parameters, as one vector, from that of the outputs."""
        np.copyto(self._program.exit.whole_gradient(), dy)
        threads.run(self._backward)
        for task in self._additions:
            task()
        self._pass.ctx = Context()
        return self._gradients[0]

    def _segments(self) -> list[Segment]:
        """Cut the ops into segments, and the batch into micro-batches for each."""
        ops = self._program.ops
        image_micro_batch = self._micro_batch_size([op for op in ops if op.works_on_images])
        groups: list[tuple[list[Op], BarrierOp | None]] = [([], None)]
        for op in ops:
            group = groups[-1][0]
            if group and op.works_on_images != group[-1].works_on_images:
                groups.append(([], None))
            groups[-1][0].append(op)
            if isinstance(op, BarrierOp):
                groups[-1] = (groups[-1][0], op)
                groups.append(([], None))
        return [
            Segment(
                group,
                self._micro_batches(
                    image_micro_batch if group[0].works_on_images else self.batch_size
                ),
                barrier,
                [],
            )
            for group, barrier in groups
            if group
        ]

    def _micro_batch_size(self, ops: Sequence[Op]) -> int:
        """The largest power of two whose scratch memory fits the cache, and at least 1.

        No larger than it takes for a whole shard, which is one micro-batch then, whatever its size.

        Larger where weights are so many that they do not stay in the cache either: they are read
        anew for every micro-batch, and then fewer micro-batches are worth more than small ones.
        """
        cache = hardware.CORE_CACHE // 4
        budget = cache * _CACHE_SHARE
        traffic = _TRAFFIC_SHARE * sum(op.scratch(1) for op in ops)
        weights = sum(count for op in ops if (count := op.weights()) > cache)
        size, longest = 1, max(stop - start for start, stop in pairwise(self.cut.bounds))
        while size < longest and (
            weights > size * traffic or all(op.scratch(2 * size) <= budget for op in ops)
        ):
            size *= 2
        return size

    def _micro_batches(self, size: int) -> list[MicroBatch]:
        return [
            MicroBatch(start, min(start + size, stop), shard, start == begin, shard % self.threads)
            for shard, (begin, stop) in enumerate(pairwise(self.cut.bounds))
            for start in range(begin, stop, size)
        ]

    def _allocate(self) -> None:
        """Find room for all values: for the whole batch where another segment needs them."""
        home = {
            id(value): segment
            for segment in reversed(self.segments)
            for op in reversed(segment.ops)
            for value in [op.target]
        }
        crossing = {id(self._program.exit)}
        for segment in self.segments:
            for op in segment.ops:
                values = (*op.sources, op.target)
                crossing |= {id(value) for value in values if home[id(value)] is not segment}
                crossing |= {id(value) for value in op.needs_whole}
        done: set[int] = set()
        for segment in self.segments:
            for op in segment.ops:
                value = op.target
                if id(value) in done:
                    continue
                done.add(id(value))
                keep = id(value) in crossing
                self.nbytes += value.allocate(segment.micro_batches, keep=keep or self.training)
                if self.training and (value.wants_gradient or value is self._program.exit):
                    self.nbytes += value.allocate(segment.micro_batches, keep=keep, gradient=True)

    def _bind(self, gradients: dict[int, dict[Layer, dict[str, Array]]]) -> None:
        for segment in self.segments:
            for micro_batch in segment.micro_batches:
                if micro_batch.shard not in self._own:
                    segment.bound.append([BoundOp()] * len(segment.ops))
                    continue
                binding = Binding(
                    micro_batch,
                    self._workspaces[micro_batch.thread],
                    self.training,
                    gradients[micro_batch.shard],
                    self.batch_size,
                    self.cut.sums,
                    self._peers,
                )
                # What nothing before can learn from is not differentiated either.
                forward_only = replace(binding, training=False)
                segment.bound.append(
                    [
                        op.bind(binding if self._goes_back(op) else forward_only)
                        for op in segment.ops
                    ]
                )

    def _goes_back(self, op: Op) -> bool:
        return self.training and op.target.wants_gradient

    def _stretches(self) -> list[list[Segment]]:
        """The segments from one barrier to the next."""
        stretches: list[list[Segment]] = [[]]
        for segment in self.segments:
            stretches[-1].append(segment)
            if segment.barrier is not None:
                stretches.append([])
        return stretches

    def _preparation(self, stretch: Sequence[Segment]) -> Task:
        # Not self: a plan that holds tasks that hold the plan keeps its memory until Python
        # looks for such rings, which it does by their number and not by their size.
        now, count = self._pass, self.batch_size
        ops = [op for segment in stretch for op in segment.ops]
        ops = [op for op in ops if type(op).prepare is not Op.prepare]

        def prepare() -> None:
            for op in ops:
                op.prepare(now.ctx, count)

        return prepare

    def _forward_phases(self, stretches: Sequence[Sequence[Segment]]) -> Iterator[Phase]:
        now = self._pass

        def at(barrier: BarrierOp, prepare: Task) -> Task:
            def cross() -> None:
                barrier.barrier_forward(now.ctx)
                prepare()

            return cross

        for stretch, following in pairwise([*stretches, None]):
            assert stretch is not None
            tasks: list[list[Task]] = [[] for _ in range(self.shards)]
            for segment in stretch:
                for micro_batch, bound in zip(segment.micro_batches, segment.bound, strict=True):
                    tasks[micro_batch.shard] += [bound_op.forward for bound_op in bound]
            barrier = stretch[-1].barrier if stretch else None
            if barrier is None:
                yield Phase(tasks)
            else:
                yield Phase(tasks, at(barrier, self._preparation(following or [])))

    def _backward_phases(self) -> Iterator[Phase]:
        shards: list[list[Task]] = [[] for _ in range(self.shards)]
        for segment in reversed(self.segments):
            if segment.barrier is not None and self._goes_back(segment.barrier):
                yield Phase(shards, self._going_back(segment.barrier))
                shards = [[] for _ in range(self.shards)]
            for micro_batch, bound in zip(segment.micro_batches, segment.bound, strict=True):
                shards[micro_batch.shard] += [
                    bound_op.backward
                    for op, bound_op in zip(reversed(segment.ops), reversed(bound), strict=True)
                    if self._goes_back(op)
                ]
        yield Phase(shards)
        # The one place where gradients of different origin meet.
        own, first = self._own, self._own.start
        sums = [(a - first, b - first) for a, b in self.cut.sums if a in own and b in own]
        tasks = adding(self._gradients, self._products(), sums, self.threads)
        if sum(map(len, tasks)) >= _LEAST_ADDITIONS * self.threads:
            yield Phase(tasks)
        else:
            self._additions = [task for each in tasks for task in each]

    def _products(self) -> dict[int, list[Factors]]:
        """The large gradients that are left to the end, by where they begin in the vector."""
        deferred = {
            parameter: factors
            for segment in self.segments
            for op in segment.ops
            for parameter, factors in op.deferred.items()
        }
        found: dict[int, list[Factors]] = {}
        start = 0
        for layer in self._layers:
            for name, array in layer.params.items():
                if (layer, name) in deferred:
                    found[start] = deferred[layer, name]
                start += array.size
        return found

    def _going_back(self, barrier: BarrierOp) -> Task:
        now = self._pass
        return lambda: barrier.barrier_backward(now.ctx)


def _shapes_before(input_shape: Shape, links: Sequence[Link]) -> list[Shape]:
    return [input_shape, *(link.output_shape for link in links)][: len(links)]


def _views(layers: Sequence[Layer], gradient: Array) -> dict[Layer, dict[str, Array]]:
    """Cut a gradient vector as the model's parameters lie."""
    views: dict[Layer, dict[str, Array]] = {}
    start = 0
    for layer in layers:
        views[layer] = {}
        for name, array in layer.params.items():
            views[layer][name] = gradient[start : start + array.size].reshape(array.shape)
            start += array.size
    return views
