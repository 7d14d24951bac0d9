"""The passes of a training whose batches are cut over ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, final

from numpy.typing import NDArray

from numcnn.distributed.ranks import Ranks
from numcnn.engine import TrainingEngine
from numcnn.engine.shards import ShardTree
from numcnn.nn import Context, Sequential, TrainingPasses
from numcnn.nn.arrays import Array
from numcnn.nn.layers import LAYERS


@final
class RankPasses:
    """Forward and backward passes in which each rank computes some shards of every batch.

    Every rank gets the whole batch, the outputs of all examples and the gradient of all, so that
    loss, metrics and optimizer are the same everywhere, and nobody has to average. Random numbers
    are drawn for the whole batch, as one process does. A shard is computed as in one process, and
    shards are added in the same order, so the bits are those of one process.

    Attributes:
        shards: Into how many parts a batch is cut at most, over all ranks.
    """

    def __init__(
        self, model: Sequential, ranks: Ranks, threads: int | None, shards: int | None
    ) -> None:
        """Store what to plan.

        Raises:
            ValueError: There are more ranks than shards, or as `TrainingEngine` has it.
        """
        links = model.links()
        self._engine = TrainingEngine(links, model.input_shape, threads, shards, ranks)
        self._ranks = ranks
        self._cut: ShardTree | None = None
        self.shards = self._engine.shards
        if self.shards < ranks.size:
            least = 1 << (ranks.size - 1).bit_length()
            raise ValueError(
                f"shards is {self.shards}, fewer than the {ranks.size} ranks, of which some would "
                f"have nothing to do; give shards={least} (which gives other last bits)"
            )

    def __enter__(self) -> Self:
        self._engine.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._engine.__exit__(kind, error, trace)
        if error is not None:
            self._ranks.abort(error)

    def forward(self, x: NDArray[Any], ctx: Context) -> Array:
        """Compute the outputs of the whole batch."""
        self._cut = self._engine.plan(len(x)).cut
        self._ranks.begin(self._cut)
        outputs = self._engine.forward(x, ctx)
        self._ranks.gather_outputs(outputs, self._cut)
        return outputs

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Compute the gradient of all parameters over the whole batch."""
        gradient = self._engine.backward(dy, ctx)
        assert self._cut is not None
        return self._ranks.add_gradients(gradient, self._cut)

    def spread(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run tasks on this rank's threads: every rank changes its own copy of the weights."""
        self._engine.spread(tasks)


def rank_passes(
    model: Sequential, ranks: Ranks | None, engine: str, threads: int | None, shards: int | None
) -> TrainingPasses:
    """The passes of a training on these ranks.

    Where a batch cannot be cut (the layers' own code, exact sums, a layer of somebody else's that
    acts on the whole batch), every rank computes all of it: the same bits, and no faster.
    """
    layers = [layer for _, layer in model.named_layers()]
    known = LAYERS.values()
    whole = any(layer.acts_on == "batch" and type(layer) not in known for layer in layers)
    if ranks is None or engine != "auto" or whole:
        return model.executor(engine).training_passes(threads, shards)
    return RankPasses(model, ranks, threads, shards)
