"""The contract of every layer: build, forward, backward."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import fields
from inspect import signature
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.habits import require_arguments
from numcnn.nn.validation import flag

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
        acts_on: How much of the batch the layer must see at once, so that the engine can run its
            code on a few examples at a time. ``"element"``: the same function of every number by
            itself, wherever it stands, without parameters. ``"example"``: every example by itself,
            whatever else is in the batch. ``"batch"``, the default: all examples at once. Only a
            ``"batch"`` layer may draw random numbers or set running statistics.
        decayed: The names in ``params`` that weight decay pulls to zero: those that multiply.
            Biases and scales stay out, as is usual.
        in_model: Whether it belongs to a built model; its arrays are then views of the model's.
        is_frozen: What `trainable` says of a layer without others inside, asked at every step.
        keeps_arrays: Whether the layer brings arrays of another model that `Sequential.build`
            keeps.
    """

    params: Mapping[str, Array] = _NOTHING
    state: Mapping[str, Array] = _NOTHING
    acts_on: ClassVar[Literal["element", "example", "batch"]] = "batch"
    decayed: frozenset[str] = frozenset({"weight"})
    in_model: bool = False
    keeps_arrays: bool = False
    is_frozen: bool = False

    def __new__(cls, *_: Any, **kwargs: Any) -> Self:
        """Refuse arguments that the layer does not have, with the name that they have here."""
        if kwargs:
            known = [name for name in signature(cls.__init__).parameters if name != "self"]
            require_arguments(cls.__name__, known, kwargs)
        return super().__new__(cls)

    @property
    def trainable(self) -> bool:
        """Whether training changes the parameters. Set to False, the layer is frozen.

        What is frozen gets no gradient, no step and no weight decay, and a frozen `BatchNorm`
        normalizes with its running statistics, also in training, and leaves them as they are.
        Setting it sets all layers inside, too. It may be changed between two steps.
        """
        inside = [layer.trainable for _, layer in self.children()]
        return all(inside) if inside else not self.is_frozen

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for _, layer in self.walk():
            layer.is_frozen = not flag("trainable", value)

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        """Make the parameters for inputs of ``input_shape`` and return the output's shape.

        A layer that learns nothing and keeps the shape of its input leaves it as it is here.

        Args:
            input_shape: Without the batch axis.
            rng: Where the initial weights are drawn from.

        Raises:
            ValueError: The layer cannot take such an input.
        """
        return input_shape

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

    def children(self) -> Iterator[tuple[str, Layer]]:
        """The layers inside this one, each with the name of its place. Most layers have none."""
        return iter(())

    def walk(self, name: str = "") -> Iterator[tuple[str, Layer]]:
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
        described = {"layer": type(self).__name__} | {
            setting.name: _plain(getattr(self, setting.name)) for setting in settings
        }
        return described if self.trainable else {**described, "trainable": False}

    def __getstate__(self) -> dict[str, Any]:
        """What a copy gets, and a pickle: arrays of its own, not a model's read-only mapping."""
        return {**self.__dict__, "params": dict(self.params), "state": dict(self.state)}


def _plain(value: Any) -> Any:
    """Python's own number for one of NumPy's, which JSON does not know."""
    return value.item() if isinstance(value, np.generic) else value
