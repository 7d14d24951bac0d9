"""A network planned for one batch size: stages bound to pieces, ready to run.

A batch is cut into *lanes*, one for each core, and a lane into *pieces* that fit the core's cache.
A lane takes each of its pieces through a whole segment of the network before the next one, so that
what one stage leaves is still in the cache when the next one wants it. Each lane sums up its own
gradient, piece after piece; `Plan.backward` adds the lanes, in order, in one place. So the numbers
do not depend on how many threads there are.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.engine import machine
from numcnn.nn.engine.arena import Arena, aligned
from numcnn.nn.engine.by_layer import WholeBatchStage
from numcnn.nn.engine.normalization import NormalizeStage
from numcnn.nn.engine.planner import Program
from numcnn.nn.engine.simple_stages import DropoutStage
from numcnn.nn.engine.stage import Bench, Job, JointStage, Piece, Stage
from numcnn.nn.engine.workers import Round, Task, Workers
from numcnn.nn.layers import Layer
from numcnn.nn.layers.chain import Link

_LEAST_WORK = 20_000_000
"""Multiply-adds below which a batch is not worth a second thread."""

_CACHE_SHARE = 5.1
"""How many of the core's caches a piece's scratch memory may fill."""


_NO_BATCH = np.empty(0, np.float32)


@final
@dataclass
class _Pass:
    """What is at work."""

    ctx: Context


@final
@dataclass
class Segment:
    """Stages that pieces of one size go through together.

    Attributes:
        stages: In the order of the forward pass.
        pieces: Of all lanes.
        join: The stage at the end that needs all pieces at once, if there is one.
        jobs: For each piece, each stage's job.
    """

    stages: list[Stage]
    pieces: list[Piece]
    join: JointStage | None
    jobs: list[list[Job]]


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
        lanes: Into how many parts the batch is cut.
        segments: Of the network, in the order of the forward pass.
    """

    def __init__(
        self,
        links: Sequence[Link],
        input_shape: Shape,
        batch_size: int,
        *,
        training: bool,
        lanes: int | None = None,
    ) -> None:
        self.batch_size = batch_size
        self.input_shape = input_shape
        self.output_shape = links[-1].output_shape
        self.training = training
        self._program = Program(links, input_shape, training)
        work = batch_size * sum(
            link.layer.multiply_adds(before, link.output_shape)
            for before, link in zip(_shapes_before(input_shape, links), links, strict=True)
        )
        wanted = (machine.lanes() if lanes is None else lanes) if work >= _LEAST_WORK else 1
        self.lanes = min(wanted, batch_size)
        self._arenas = [Arena() for _ in range(self.lanes)]
        self._pass = _Pass(Context())
        self.nbytes = 0
        self.segments = self._cut()
        self._allocate()
        layers = list(_all_layers(link.layer for link in links))
        size = sum(array.size for layer in layers for array in layer.params.values())
        self._gradients = [aligned(size if training else 0) for _ in range(self.lanes)]
        self.nbytes += sum(gradient.nbytes for gradient in self._gradients)
        self._bind([_views(layers, gradient) if training else {} for gradient in self._gradients])
        self.nbytes += sum(arena.nbytes for arena in self._arenas)
        self._prepared = [stage for stage in self._stages() if stage.has_preparation]
        self._forward = list(self._rounds_forward())
        self._backward = list(self._rounds_backward()) if training else []

    def forward(self, x: NDArray[Any], ctx: Context, workers: Workers) -> Array:
        """Compute the outputs of a batch of `batch_size` examples."""
        self._pass.ctx = ctx
        entrance = self._program.entrance
        entrance.batch = x
        try:
            for stage in self._prepared:
                stage.prepare(ctx, self.batch_size)
            workers.run(self._forward)
        finally:
            # A plan is kept; what it was given, perhaps a part of something large, is not.
            entrance.batch = _NO_BATCH
        return self._program.exit.whole()

    def backward(self, dy: Array, workers: Workers) -> Array:
        """Compute the gradient of all parameters, as one vector, from that of the outputs."""
        np.copyto(self._program.exit.whole_gradient(), dy)
        workers.run(self._backward)
        self._pass.ctx = Context()
        total = self._gradients[0]
        # The one place where gradients of different origin meet.
        for gradient in self._gradients[1:]:
            np.add(total, gradient, out=total)
        return total

    def _stages(self) -> Iterator[Stage]:
        for segment in self.segments:
            yield from segment.stages

    def _cut(self) -> list[Segment]:
        """Cut the stages into segments, and the batch into pieces for each."""
        stages = self._program.stages
        image_piece = self._piece_size([stage for stage in stages if _is_image_stage(stage)])
        groups: list[tuple[list[Stage], JointStage | None]] = [([], None)]
        for stage in stages:
            group = groups[-1][0]
            if group and _is_image_stage(stage) != _is_image_stage(group[-1]):
                groups.append(([], None))
            groups[-1][0].append(stage)
            if isinstance(stage, JointStage):
                groups[-1] = (groups[-1][0], stage)
                groups.append(([], None))
        return [
            Segment(
                group,
                self._pieces(image_piece if _is_image_stage(group[0]) else self.batch_size),
                join,
                [],
            )
            for group, join in groups
            if group
        ]

    def _piece_size(self, stages: Sequence[Stage]) -> int:
        """The largest power of two whose scratch memory fits the cache, and at least 1."""
        budget = machine.core_cache() * _CACHE_SHARE / 4
        size = 1
        while 2 * size <= -(-self.batch_size // self.lanes) and all(
            stage.scratch(2 * size) <= budget for stage in stages
        ):
            size *= 2
        return size

    def _pieces(self, size: int) -> list[Piece]:
        bounds = [lane * self.batch_size // self.lanes for lane in range(self.lanes + 1)]
        return [
            Piece(start, min(start + size, stop), lane, first=start == begin)
            for lane, (begin, stop) in enumerate(pairwise(bounds))
            for start in range(begin, stop, size)
        ]

    def _allocate(self) -> None:
        """Find room for all values: for the whole batch where another segment needs them."""
        home = {
            id(value): segment
            for segment in reversed(self.segments)
            for stage in reversed(segment.stages)
            for value in [stage.target]
        }
        crossing = {id(self._program.exit)}
        for segment in self.segments:
            for stage in segment.stages:
                for value in (*stage.sources, stage.target):
                    if home[id(value)] is not segment or isinstance(stage, WholeBatchStage):
                        crossing.add(id(value))
        done: set[int] = set()
        for segment in self.segments:
            for stage in segment.stages:
                value = stage.target
                if id(value) in done:
                    continue
                done.add(id(value))
                keep = id(value) in crossing
                self.nbytes += value.allocate(segment.pieces, keep=keep or self.training)
                if self.training and (value.wants_gradient or value is self._program.exit):
                    self.nbytes += value.allocate(segment.pieces, keep=keep, gradient=True)
                if isinstance(stage, DropoutStage):
                    stage.reserve(self.batch_size)

    def _bind(self, gradients: Sequence[dict[Layer, dict[str, Array]]]) -> None:
        for segment in self.segments:
            for piece in segment.pieces:
                arena, parameters = self._arenas[piece.lane], gradients[piece.lane]
                # What nothing before can learn from is not differentiated either.
                segment.jobs.append(
                    [
                        stage.bind(
                            Bench(
                                piece,
                                arena,
                                self._goes_back(stage),
                                parameters,
                                piece.size == self.batch_size,
                            )
                        )
                        for stage in segment.stages
                    ]
                )

    def _goes_back(self, stage: Stage) -> bool:
        return self.training and stage.target.wants_gradient

    def _rounds_forward(self) -> Iterator[Round]:
        lanes: list[list[Task]] = [[] for _ in range(self.lanes)]
        for segment in self.segments:
            for piece, jobs in zip(segment.pieces, segment.jobs, strict=True):
                lanes[piece.lane] += [job.forward for job in jobs]
            if segment.join is not None:
                yield Round(lanes, self._joining(segment.join, back=False))
                lanes = [[] for _ in range(self.lanes)]
        yield Round(lanes)

    def _rounds_backward(self) -> Iterator[Round]:
        lanes: list[list[Task]] = [[] for _ in range(self.lanes)]
        for segment in reversed(self.segments):
            if segment.join is not None and self._goes_back(segment.join):
                yield Round(lanes, self._joining(segment.join, back=True))
                lanes = [[] for _ in range(self.lanes)]
            for piece, jobs in zip(segment.pieces, segment.jobs, strict=True):
                lanes[piece.lane] += [
                    job.backward
                    for stage, job in zip(reversed(segment.stages), reversed(jobs), strict=True)
                    if self._goes_back(stage)
                ]
        yield Round(lanes)

    def _joining(self, stage: JointStage, *, back: bool) -> Task:
        # Not self: a plan that holds tasks that hold the plan keeps its memory until Python
        # looks for such rings, which it does by their number and not by their size.
        now = self._pass
        if back:
            return lambda: stage.join_backward(now.ctx)
        return lambda: stage.join_forward(now.ctx)


def _is_image_stage(stage: Stage) -> bool:
    """Whether it works on images, or on something made of them, and not on rows of features."""
    if isinstance(stage, NormalizeStage):
        return len(stage.target.shape) > 1
    return any(len(value.shape) > 1 for value in stage.sources or [stage.target])


def _shapes_before(input_shape: Shape, links: Sequence[Link]) -> list[Shape]:
    return [input_shape, *(link.output_shape for link in links)][: len(links)]


def _all_layers(layers: Any) -> Iterator[Layer]:
    for layer in layers:
        yield layer
        yield from _all_layers(child for _, child in layer.children())


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


def multiply_adds(stage: Stage) -> int:
    """What a stage multiplies for one example, forward; as it computes, not as the layer says."""
    from numcnn.nn.engine.convolution import ConvolutionStage
    from numcnn.nn.engine.simple_stages import DenseStage

    if isinstance(stage, ConvolutionStage):
        return stage.convolution.multiply_adds()
    if isinstance(stage, DenseStage):
        return math.prod(stage.layer.params["weight"].shape)
    return 0
