"""The contract of ops: values that flow, micro-batches of a batch, and ops between values.

An `Op` stands for one or several layers. It knows what it computes; `Op.bind` fixes for one
`MicroBatch` of the batch where everything lies, and returns a `BoundOp`: two functions without
arguments that do nothing but call NumPy on arrays that are already there.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from numcnn.engine.layouts import BatchFirst, Layout
from numcnn.engine.shards import Factors, Peers
from numcnn.engine.threads import Task
from numcnn.engine.workspace import Workspace, aligned
from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.layers import Layer


@final
@dataclass(frozen=True)
class MicroBatch:
    """Examples that go through a segment of the network together.

    Attributes:
        start: The first one's place in the batch.
        stop: One after the last one's.
        shard: Whose micro-batch it is.
        first: Whether it is its shard's first one in this segment.
        thread: Whose memory it works in, where nothing has to be kept.
    """

    start: int
    stop: int
    shard: int
    first: bool
    thread: int = 0

    @property
    def size(self) -> int:
        """How many examples."""
        return self.stop - self.start


@final
class Value:
    """What one op hands to the next: an array for each micro-batch, and its gradient.

    Attributes:
        shape: Of one example, as the layers see it.
        layout: The order of the axes in memory.
        wants_gradient: Whether anything before it can learn.
    """

    def __init__(self, shape: Shape, layout: Layout, wants_gradient: bool = True) -> None:
        self.shape = shape
        self.layout = layout
        self.wants_gradient = wants_gradient
        self._whole: list[Array | None] = [None, None]
        self._parts: tuple[dict[tuple[int, int], Array], dict[tuple[int, int], Array]] = ({}, {})

    def array(self, micro_batch: MicroBatch) -> Array:
        """Where the numbers of a micro-batch are."""
        return self._part(0, micro_batch)

    def gradient(self, micro_batch: MicroBatch) -> Array:
        """Where d loss / d number is."""
        return self._part(1, micro_batch)

    def whole(self) -> Array:
        """All examples, if they are kept in one array."""
        array = self._whole[0]
        assert array is not None
        return array

    def whole_gradient(self) -> Array:
        """The gradient of all examples, if it is kept in one array."""
        array = self._whole[1]
        assert array is not None
        return array

    def allocate(
        self, micro_batches: Sequence[MicroBatch], *, keep: bool, gradient: bool = False
    ) -> int:
        """Find room for the array, or for the gradient.

        Args:
            micro_batches: Of the segment that makes it.
            keep: Whether all micro-batches have to be there at once. If not, those of a thread
                share one place.
            gradient: Which of the two.

        Returns:
            The bytes.
        """
        which = int(gradient)
        each = math.prod(self.shape)
        if keep and isinstance(self.layout, BatchFirst):
            count = max(micro_batch.stop for micro_batch in micro_batches)
            whole = aligned(count * each).reshape(count, *self.shape)
            self._whole[which] = whole
            return whole.nbytes
        places: dict[int, Array] = {}
        total = 0
        for micro_batch in micro_batches:
            key = micro_batch.start if keep else micro_batch.thread
            if key not in places:
                most = max(p.size for p in micro_batches if (p.start if keep else p.thread) == key)
                places[key] = aligned(most * each)
                total += places[key].nbytes
            self._parts[which][micro_batch.start, micro_batch.stop] = places[key][
                : micro_batch.size * each
            ].reshape(self.layout.array_shape(self.shape, micro_batch.size))
        return total

    def _part(self, which: int, micro_batch: MicroBatch) -> Array:
        whole = self._whole[which]
        if whole is not None:
            return whole[micro_batch.start : micro_batch.stop]
        return self._parts[which][micro_batch.start, micro_batch.stop]


@final
class Accumulator:
    """Where a result goes that may have to be added to what is there.

    Attributes:
        array: Write into it, then call `done`.
    """

    def __init__(self, place: Array, add: bool, workspace: Workspace) -> None:
        self._place = place
        self._add = add
        self.array = workspace.take(place.shape) if add else place

    def done(self) -> None:
        """Add, if that is what has to happen."""
        if self._add:
            np.add(self._place, self.array, out=self._place)


@final
@dataclass(frozen=True)
class Binding:
    """All that an op needs to know in order to bind itself to a micro-batch.

    Attributes:
        micro_batch: The micro-batch.
        workspace: The thread's scratch memory; begin with ``workspace.reset()`` for each pass.
        training: Whether there will be a backward pass.
        gradients: The shard's own gradient of each parameter, views of one vector.
        batch_size: Examples in the whole batch.
        sums: In which order the shards' sums are added; see `numcnn.engine.shards.ShardTree`.
        peers: Who has the other shards, if this process does not have all.
    """

    micro_batch: MicroBatch
    workspace: Workspace
    training: bool
    gradients: Mapping[Layer, Mapping[str, Array]]
    batch_size: int = 0
    sums: Sequence[tuple[int, int]] = ()
    peers: Peers | None = None

    def parameter_gradient(self, layer: Layer, name: str) -> Accumulator:
        """Where a parameter's gradient goes: a shard's first micro-batch writes, others add."""
        return Accumulator(self.gradients[layer][name], not self.micro_batch.first, self.workspace)


def _nothing() -> None:
    pass


class BoundOp(NamedTuple):
    """An op bound to one micro-batch: what its two passes do, without arguments.

    Attributes:
        forward: Computes the target's array from the sources'.
        backward: Computes the sources' gradients, and those of parameters, from the target's. Not
            called in inference, nor where nothing before the target can learn.
    """

    forward: Task = _nothing
    backward: Task = _nothing


class Op(ABC):
    """One step of a plan.

    Attributes:
        names: The layers that it computes, by the names that the model's summary has.
        sources: What it reads.
        target: What it makes.
        adds: For each source, whether another op has written to its gradient before, in the
            backward pass.
        deferred: For a layer's parameter, the products, one a shard, that its gradient is the sum
            of, if they are left to the end of the backward pass; see
            `numcnn.engine.shards.adding`.
    """

    def __init__(self, names: Sequence[str], sources: Sequence[Value], target: Value) -> None:
        self.names = tuple(names)
        self.sources = tuple(sources)
        self.target = target
        self.adds = [False] * len(self.sources)
        self.deferred: dict[tuple[Layer, str], list[Factors]] = {}

    @property
    def method(self) -> str:
        """How it computes, in a few words."""
        return type(self).__name__.removesuffix("Op").lower()

    @property
    def reason(self) -> str:
        """Why it computes so; empty if there was nothing to choose."""
        return ""

    @property
    def works_on_images(self) -> bool:
        """Whether it works on images, or on something made of them, and not on rows of features."""
        return any(len(value.shape) > 1 for value in self.sources or [self.target])

    @property
    def needs_whole(self) -> Sequence[Value]:
        """Values that it needs for all examples at once, in one array."""
        return ()

    def prepare(self, ctx: Context, count: int) -> None:  # noqa: B027 (most have nothing to do)
        """Do what concerns the whole batch of ``count``, once a pass.

        One thread does it, after the barrier before this op and before any micro-batch comes here.
        Ops are prepared in the order of the forward pass.
        """

    @abstractmethod
    def bind(self, binding: Binding) -> BoundOp:
        """Fix all arrays for one micro-batch."""

    def source_gradient(self, binding: Binding, place: int = 0) -> Accumulator | None:
        """Where d loss / d source goes; None if nobody wants it."""
        source = self.sources[place]
        if not source.wants_gradient:
            return None
        return Accumulator(
            source.gradient(binding.micro_batch), self.adds[place], binding.workspace
        )

    def macs(self) -> int:
        """Multiply-accumulates for one example, forward: as it computes, not as the layer says."""
        return 0

    def scratch(self, n: int) -> int:
        """Roughly, the floats in use at once for ``n`` examples: what has to fit the cache."""
        return n * (sum(math.prod(v.shape) for v in self.sources) + math.prod(self.target.shape))

    def weights(self) -> int:
        """The floats that are read anew for every micro-batch, whatever its size."""
        return 0


class BarrierOp(Op):
    """An op with something in the middle that needs all micro-batches at once."""

    @abstractmethod
    def barrier_forward(self, ctx: Context) -> None:
        """Do it in the forward pass; one thread, after all bound ops' `BoundOp.forward`."""

    @abstractmethod
    def barrier_backward(self, ctx: Context) -> None:
        """Do it in the backward pass; one thread, before any bound op's `BoundOp.backward`."""
