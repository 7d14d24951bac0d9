"""The contract of every layer: build, forward, backward."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, ClassVar, Literal, cast

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context

_NOTHING: Mapping[str, Array] = MappingProxyType({})


class Layer(ABC):
    """One step of a network: a function of its input and of its parameters, and its derivative.

    A layer is a dataclass of its settings. `build` makes its parameters for an input shape;
    after that `forward` computes the output and `backward` the gradients. Arrays carry the batch
    on their first axis, images are ``(batch, height, width, channels)``, and everything is
    float32 (float64 in the gradient check).

    A new layer is a final dataclass with three methods::

        @final
        @dataclass(eq=False)
        class Scale(Layer):
            '''Multiply each feature by a learned factor.'''

            acts_on = "example"

            def build(self, input_shape, rng):
                self.params = {"factor": np.ones(input_shape, np.float32)}
                return input_shape

            def forward(self, x, ctx):
                ctx.save(self, x)
                return x * self.params["factor"]

            def backward(self, dy, ctx):
                (x,) = ctx.take(self)
                ctx.grads[self] = {"factor": (dy * x).sum(axis=0)}
                return dy * self.params["factor"]

    ``eq=False`` matters: two layers with the same settings are still two layers.

    Attributes:
        params: Learned arrays by name. The optimizer changes them in place.
        state: Arrays that are kept but not learned, such as running statistics.
        acts_on: What the layer looks at together, so that the engine can run its code on a few
            examples at a time. ``"element"``: the same function of every number by itself,
            wherever it stands, without parameters. ``"example"``: every example by itself,
            whatever else is in the batch. ``"batch"``, unless it says otherwise: all examples at
            once. Only that may draw random numbers or set running statistics.
        decayed: The names in ``params`` that weight decay pulls to zero: those that multiply.
            Biases and scales stay out, as is usual.
    """

    params: Mapping[str, Array] = _NOTHING
    state: Mapping[str, Array] = _NOTHING
    acts_on: ClassVar[Literal["element", "example", "batch"]] = "batch"
    decayed: frozenset[str] = frozenset({"weight"})

    @abstractmethod
    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Make the parameters for inputs of ``input_shape`` and return the output's shape.

        Args:
            input_shape: Without the batch axis.
            rng: Where the initial weights are drawn from.

        Raises:
            ValueError: The layer cannot take such an input.
        """

    @abstractmethod
    def forward(self, x: Array, ctx: Context) -> Array:
        """Compute the output, and save in ``ctx`` what `backward` will need."""

    @abstractmethod
    def backward(self, dy: Array, ctx: Context) -> Array:
        """Turn d loss / d output into d loss / d input.

        Puts d loss / d parameter into ``ctx.grads[self]`` on the way, if there are parameters.

        Raises:
            ValueError: No differentiable `forward` with this ``ctx`` came before.
        """

    def children(self) -> Iterator[tuple[str, "Layer"]]:
        """The layers inside this one, each with the name of its place. Most layers have none."""
        return iter(())

    def walk(self, name: str = "") -> Iterator[tuple[str, "Layer"]]:
        """Yield this layer and, one after another, all layers inside it, however deep.

        Args:
            name: This layer's; those inside get it as a prefix, such as ``residual_1.branch_0``.
        """
        yield name, self
        for place, child in self.children():
            yield from child.walk(f"{name}.{place}")

    def array_shapes(self, input_shape: Shape) -> Mapping[str, Shape]:
        """The shapes of the arrays that `build` would make, known before they are made.

        A model file is held against them, so that a small file cannot ask for large arrays. A
        layer that does not say makes none, or is trusted, as one's own is.

        Raises:
            ValueError: The layer cannot take such an input.
        """
        return {}

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        """How many multiplications with an addition the products of one example's pass take."""
        return 0

    def config(self) -> dict[str, Any]:
        """The settings as JSON can hold them: enough to make the same layer, not its weights."""
        settings = fields(cast(Any, self))
        return {"layer": type(self).__name__} | {
            setting.name: _plain(getattr(self, setting.name)) for setting in settings
        }


def _plain(value: Any) -> Any:
    """Python's own number for one of NumPy's, which JSON does not know."""
    return value.item() if isinstance(value, np.generic) else value
