"""What a plan is made of: values that flow, pieces of a batch, and stages between values.

A `Stage` stands for one or several layers. It knows what it computes; `Stage.bind` fixes for one
`Piece` of the batch where everything lies, and returns a `Job`: two functions without arguments
that do nothing but call NumPy on arrays that are already there.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.engine.arena import Arena, aligned
from numcnn.nn.engine.layouts import BatchFirst, Layout
from numcnn.nn.layers import Layer


@final
@dataclass(frozen=True)
class Piece:
    """Examples that go through a segment of the network together.

    Attributes:
        start: The first one's place in the batch.
        stop: One after the last one's.
        lane: Whose piece it is.
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
    """What one stage hands to the next: an array for each piece, and its gradient.

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

    def array(self, piece: Piece) -> Array:
        """Where the numbers of a piece are."""
        return self._part(0, piece)

    def gradient(self, piece: Piece) -> Array:
        """Where d loss / d number is."""
        return self._part(1, piece)

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

    def allocate(self, pieces: Sequence[Piece], *, keep: bool, gradient: bool = False) -> int:
        """Find room for the array, or for the gradient.

        Args:
            pieces: Of the segment that makes it.
            keep: Whether all pieces have to be there at once. If not, all pieces of a thread share
                one place.
            gradient: Which of the two.

        Returns:
            The bytes.
        """
        which = int(gradient)
        each = math.prod(self.shape)
        if keep and isinstance(self.layout, BatchFirst):
            count = max(piece.stop for piece in pieces)
            whole = aligned(count * each).reshape(count, *self.shape)
            self._whole[which] = whole
            return whole.nbytes
        places: dict[int, Array] = {}
        total = 0
        for piece in pieces:
            key = piece.start if keep else piece.thread
            if key not in places:
                most = max(p.size for p in pieces if (p.start if keep else p.thread) == key)
                places[key] = aligned(most * each)
                total += places[key].nbytes
            self._parts[which][piece.start, piece.stop] = places[key][: piece.size * each].reshape(
                self.layout.array_shape(self.shape, piece.size)
            )
        return total

    def _part(self, which: int, piece: Piece) -> Array:
        whole = self._whole[which]
        if whole is not None:
            return whole[piece.start : piece.stop]
        return self._parts[which][piece.start, piece.stop]


@final
class Sink:
    """Where a result goes that may have to be added to what is there.

    Attributes:
        array: Write into it, then call `done`.
    """

    def __init__(self, place: Array, add: bool, arena: Arena) -> None:
        self._place = place
        self._add = add
        self.array = arena.take(place.shape) if add else place

    def done(self) -> None:
        """Add, if that is what has to happen."""
        if self._add:
            np.add(self._place, self.array, out=self._place)


@final
@dataclass(frozen=True)
class Bench:
    """All that a stage needs to know in order to bind itself to a piece.

    Attributes:
        piece: The piece.
        arena: The lane's scratch memory; begin with ``arena.reset()`` for each pass.
        training: Whether there will be a backward pass.
        gradients: The lane's own gradient of each parameter, views of one vector.
        is_whole: Whether the piece is all of the batch.
        sums: In which order the lanes' sums are added; see `numcnn.nn.engine.plan.Cut`.
    """

    piece: Piece
    arena: Arena
    training: bool
    gradients: Mapping[Layer, Mapping[str, Array]]
    is_whole: bool = False
    sums: Sequence[tuple[int, int]] = ()

    def parameter_sink(self, layer: Layer, name: str) -> Sink:
        """Where a parameter's gradient goes: the lane's first piece writes it, the others add."""
        return Sink(self.gradients[layer][name], not self.piece.first, self.arena)


class Job(ABC):
    """A stage bound to one piece."""

    @abstractmethod
    def forward(self) -> None:
        """Compute the target's array from the sources'."""

    def backward(self) -> None:
        """Compute the sources' gradients, and those of parameters, from the target's."""
        raise NotImplementedError


class Stage(ABC):
    """One step of a plan.

    Attributes:
        names: The layers that it computes, by the names that the model's summary has.
        sources: What it reads.
        target: What it makes.
        adds: For each source, whether another stage has written to its gradient before, in the
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
        return type(self).__name__.removesuffix("Stage").lower()

    @property
    def reason(self) -> str:
        """Why it computes so; empty if there was nothing to choose."""
        return ""

    @property
    def has_preparation(self) -> bool:
        """Whether `prepare` does anything."""
        return type(self).prepare is not Stage.prepare

    def prepare(self, ctx: Context, count: int) -> None:  # noqa: B027 (most have nothing to do)
        """Do, once a pass and before any piece, what concerns the whole batch of ``count``."""

    @abstractmethod
    def bind(self, bench: Bench) -> Job:
        """Fix all arrays for one piece."""

    def source_sink(self, bench: Bench, place: int = 0) -> Sink | None:
        """Where d loss / d source goes; None if nobody wants it."""
        source = self.sources[place]
        if not source.wants_gradient:
            return None
        return Sink(source.gradient(bench.piece), self.adds[place], bench.arena)

    def scratch(self, n: int) -> int:
        """Roughly, the floats in use at once for a piece of ``n``; what has to fit the cache."""
        return n * (sum(math.prod(v.shape) for v in self.sources) + math.prod(self.target.shape))

    def weights(self) -> int:
        """The floats that are read anew for every piece, whatever its size."""
        return 0


class JointStage(Stage):
    """A stage with something in the middle that needs all pieces at once."""

    @abstractmethod
    def join_forward(self, ctx: Context) -> None:
        """Do it in the forward pass; one thread, after all jobs' `Job.forward`."""

    @abstractmethod
    def join_backward(self, ctx: Context) -> None:
        """Do it in the backward pass; one thread, before any job's `Job.backward`."""
