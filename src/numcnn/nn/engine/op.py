"""What a plan is made of: values that flow, micro-batches of a batch, and ops between values.

A `Op` stands for one or several layers. It knows what it computes; `Op.bind` fixes for one
`MicroBatch` of the batch where everything lies, and returns a `BoundOp`: two functions without
arguments that do nothing but call NumPy on arrays that are already there.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.engine.layouts import BatchFirst, Layout
from numcnn.nn.engine.workspace import Workspace, aligned
from numcnn.nn.layers import Layer


@final
@dataclass(frozen=True)
class MicroBatch:
    """Examples that go through a segment of the network together.

    Attributes:
        start: The first one's place in the batch.
        stop: One after the last one's.
        lane: Whose micro-batch it is.
        first: Whether it is its lane's first one in this segment.
        thread: Whose memory it works in, where nothing has to be kept.
    """

    start: int
    stop: int
    lane: int
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
            keep: Whether all micro-batches have to be there at once. If not, all micro-batches of a
            thread share
                one place.
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
        workspace: The lane's scratch memory; begin with ``workspace.reset()`` for each pass.
        training: Whether there will be a backward pass.
        gradients: The lane's own gradient of each parameter, views of one vector.
        is_whole: Whether the micro-batch is all of the batch.
        sums: In which order the lanes' sums are added; see `numcnn.nn.engine.plan.ShardTree`.
    """

    micro_batch: MicroBatch
    workspace: Workspace
    training: bool
    gradients: Mapping[Layer, Mapping[str, Array]]
    is_whole: bool = False
    sums: Sequence[tuple[int, int]] = ()

    def parameter_gradient(self, layer: Layer, name: str) -> Accumulator:
        """Where a parameter's gradient goes: a lane's first micro-batch writes, others add."""
        return Accumulator(self.gradients[layer][name], not self.micro_batch.first, self.workspace)


class BoundOp(ABC):
    """An op bound to one micro-batch."""

    @abstractmethod
    def forward(self) -> None:
        """Compute the target's array from the sources'."""

    def backward(self) -> None:
        """Compute the sources' gradients, and those of parameters, from the target's."""
        raise NotImplementedError


class Op(ABC):
    """One step of a plan.

    Attributes:
        names: The layers that it computes, by the names that the model's summary has.
        sources: What it reads.
        target: What it makes.
        adds: For each source, whether another op has written to its gradient before, in the
            backward pass.
    """

    def __init__(self, names: Sequence[str], sources: Sequence[Value], target: Value) -> None:
        self.names = tuple(names)
        self.sources = tuple(sources)
        self.target = target
        self.adds = [False] * len(self.sources)

    @property
    def method(self) -> str:
        """How it computes, in a few words."""
        return type(self).__name__.removesuffix("Op").lower()

    @property
    def reason(self) -> str:
        """Why it computes so; empty if there was nothing to choose."""
        return ""

    @property
    def has_preparation(self) -> bool:
        """Whether `prepare` does anything."""
        return type(self).prepare is not Op.prepare

    def prepare(self, ctx: Context, count: int) -> None:  # noqa: B027 (most have nothing to do)
        """Do what concerns the whole batch of ``count``, once a pass, before any micro-batch."""

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
