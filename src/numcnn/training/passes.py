"""The two passes of a training step, however they are computed."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, final

from numpy.typing import NDArray

from numcnn.nn import Array, Context, Sequential


class Passes(Protocol):
    """Forward and backward; what is set up for them lives as long as the ``with`` block."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def forward(self, x: NDArray[Any], ctx: Context) -> Array:
        """Compute the outputs of a batch, in any real dtype."""

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Compute the gradient of all parameters, one vector, from that of the outputs."""

    def spread(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run tasks that do not depend on each other."""


@final
class LayerPasses:
    """The layers' own code."""

    def __init__(self, model: Sequential) -> None:
        self._model = model

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
        return self._model.forward(x, ctx)

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Compute the gradient."""
        self._model.backward(dy, ctx)
        return self._model.gradient(ctx)

    def spread(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run them one after another."""
        for task in tasks:
            task()
