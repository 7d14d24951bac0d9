"""Sequential: layers in a row, built for an input shape, that learn and predict."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import Any, NoReturn, final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.executor import (
    Executor,
    LayerExecutor,
    PlanReport,
    Predict,
    TrainingPasses,
    engine_executor,
)
from numcnn.nn.flat_vector import ParameterVector, flat_vector
from numcnn.nn.habits import NotCallableError, habits, no_attribute
from numcnn.nn.inputs import as_batch, require_finite
from numcnn.nn.layers import LAYERS, Layer, Sigmoid, Softmax, as_layer, layer_from_config
from numcnn.nn.layers.chain import Chain, Link
from numcnn.nn.losses import Loss
from numcnn.nn.summary import Summary, SummaryRow
from numcnn.nn.task import Task
from numcnn.nn.validation import whole

ENGINES = ("auto", "layers", "exact")
"""The ways to compute a model: planned for this machine, by the layers' own code, or exactly."""


@final
@dataclass(frozen=True)
class LoadReport:
    """What `Sequential.load_state_dict` took over, by the arrays' names.

    Attributes:
        matched: Taken over.
        missing: Arrays of the model that were not given; they stay as they were.
        unexpected: Given, and no array of the model.
        mismatched: Given in another shape or type; they stay as they were.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()


@final
class Sequential:
    """A network: layers one after another.

    >>> import numpy as np
    >>> from numcnn.nn import Conv2D, Dense, Flatten, ReLU, Sequential
    >>> model = Sequential([Conv2D(8, 5), ReLU(), Flatten(), Dense(10)])
    >>> model.build((28, 28, 1), seed=0)
    (10,)
    >>> model.predict(np.zeros((3, 28, 28, 1))).shape
    (3,)

    Activations may be given by name, as in ``Sequential([Conv2D(8, 5), "relu", ...])``.

    **Transfer learning.** Layers of a model that is built are copied with their weights: ``new =
    Sequential([*old.layers[:-1], Dense(2)])`` starts from what ``old`` has learned, and ``old``
    stays as it is. A layer whose `Layer.trainable` is set to False keeps its weights in training.

    A model can be pickled and copied; files are for `numcnn.model_files.save_model`. It has a
    length and is indexed as its layers are.

    After `build`, all parameters lie in one vector, `parameters`, of which each layer's ``params``
    are views: an optimizer works on the vector, a layer sees its weights. The same holds for
    `statistics` and the layers' ``state``.

    Attributes:
        layers: The layers, in order.
        input_shape: What `build` was given: a shape without the batch axis.
        output_shape: The shape of one example's output.
        parameters: All learned numbers, one vector.
        statistics: All numbers that are kept but not learned, one vector.
        task: What the outputs mean: classes, labels or values. A training sets it; set it
            yourself after a training loop of your own with another loss than the softmax one.
        loss: The loss that the model was trained with last; None if it is not known.
    """

    def __init__(self, layers: _Part | Iterable[_Part], *more: _Part) -> None:
        """Store the layers.

        Args:
            layers: The layers in order, in a list, or one after another as in PyTorch. Another
                model stands for its layers.
            more: The layers after a first one that was given by itself.

        Raises:
            ValueError: There is no layer, something in the list is no layer, or one of them stands
                in two places: its gradients would overwrite each other.
        """
        if not isinstance(layers, Iterable) or isinstance(layers, str):
            layers = (layers,)
        given: list[Layer] = []
        for value in (*layers, *more):
            given += value.layers if isinstance(value, Sequential) else [as_layer(value)]
        self.layers: tuple[Layer, ...] = tuple(_own(layer) for layer in given)
        self.task = Task()
        self.loss: Loss | None = None
        self.input_shape: Shape = ()
        self.output_shape: Shape = ()
        self.parameters: Array = np.empty(0, np.float32)
        self.statistics: Array = np.empty(0, np.float32)
        self._chain = Chain(self.layers)
        self._engine: Executor | None = None
        if not self.layers:
            raise ValueError("layers is empty; give at least one layer")
        seen: set[Layer] = set()
        for name, layer in self.named_layers():
            if layer in seen:
                raise ValueError(f"{name} stands in two places; make a layer for each place")
            seen.add(layer)

    def build(
        self, input_shape: Sequence[int], seed: int | np.random.Generator = 0, *sizes: int
    ) -> Shape:
        """Make the weights for inputs of one shape.

        Args:
            input_shape: Without the batch axis: ``(height, width, channels)`` or ``(features,)``.
            seed: A seed, or the generator that the initial weights are drawn from. The same seed
                gives the same weights.
            sizes: Nothing: sizes that are given one by one are refused.

        Returns:
            The output's shape, without the batch axis.

        Raises:
            ValueError: The shape is not made of positive integers, or a layer cannot take what
                reaches it, or brings weights of another model that do not fit here; the message
                names the layer.
        """
        try:
            shape = tuple(whole("input_shape", size) for size in input_shape)
        except (TypeError, ValueError):
            shape = ()
        if sizes:
            raise ValueError(
                f"input_shape is {input_shape}, and more sizes follow; give all of them as one: "
                f"build({(input_shape, seed, *sizes)})"
            )
        if not shape:
            raise ValueError(
                f"input_shape is {input_shape}; give positive sizes without the batch axis, "
                "such as (28, 28, 1)"
            )
        layers = [layer for _, layer in self.named_layers()]
        before = [(layer.params, layer.state) for layer in layers]
        try:
            self.output_shape = self._chain.build(shape, np.random.default_rng(seed))
            for (name, layer), (params, state) in zip(self.named_layers(), before, strict=True):
                if layer.keeps_arrays:
                    _require_same_shapes(name, layer, {**params, **state})
                    layer.params, layer.state = params, state
        except BaseException:
            for layer, (params, state) in zip(layers, before, strict=True):
                layer.params, layer.state = params, state
            raise
        self.input_shape = shape
        self._lay_out(np.float32)
        return self.output_shape

    def _lay_out(self, dtype: DTypeLike) -> None:
        """Move all parameters and all state into one vector each, and give the layers views."""
        layers = [layer for _, layer in self.named_layers()]
        # What is planned holds views of the vectors that are replaced here.
        self._engine = None
        vector, views = flat_vector(
            [array for layer in layers for array in layer.params.values()], dtype
        )
        self.parameters = vector.view(ParameterVector)
        self.statistics, state_views = flat_vector(
            [array for layer in layers for array in layer.state.values()], dtype
        )
        parts, state_parts = iter(views), iter(state_views)
        for layer in layers:
            # Read-only mappings: binding a name to another array would part it from the vector.
            layer.params = MappingProxyType({name: next(parts) for name in layer.params})
            layer.state = MappingProxyType({name: next(state_parts) for name in layer.state})
            layer.in_model = True

    def named_layers(self) -> Iterator[tuple[str, Layer]]:
        """Yield all layers with their names, inner layers right after the one around them."""
        for name, layer in self._chain:
            yield from layer.walk(name)

    def forward(self, x: ArrayLike, ctx: Context) -> Array:
        """Compute the outputs of a batch.

        Args:
            x: ``(batch, *input_shape)``, of any real dtype.
            ctx: This pass's mode and memory.

        Returns:
            ``(batch, *output_shape)``: logits, unless the last layer says otherwise.

        Raises:
            ValueError: The model is not built, or ``x`` has another shape.
        """
        return self._chain.forward(self._checked(x), ctx)

    def backward(self, dy: Array, ctx: Context) -> Array:
        """Find the gradients of all parameters; they are in ``ctx.grads`` afterwards.

        Args:
            dy: d loss / d output, ``(batch, *output_shape)``.
            ctx: The one that `forward` was given.

        Returns:
            d loss / d input, ``(batch, *input_shape)``.
        """
        return self._chain.backward(dy, ctx)

    def gradient(self, ctx: Context) -> Array:
        """Lay out the gradients that `backward` left in ``ctx`` as `parameters` lie."""
        return self._chain.gradient(ctx, self.parameters.dtype)

    def apply_state_updates(self, ctx: Context) -> None:
        """Keep the running statistics that a training pass computed."""
        for layer, arrays in ctx.new_state.items():
            assert isinstance(layer, Layer)
            for name, value in arrays.items():
                layer.state[name][...] = value

    def outputs(self, x: ArrayLike, batch_size: int = 256, engine: str = "auto") -> Array:
        """Compute the outputs in inference mode, a batch at a time.

        Any number of threads may do so at once.

        Args:
            x: ``(count, *input_shape)``, of any real dtype: an array, nested lists, a table of
                pandas, a list of Pillow's images; of gray images also ``(count, height, width)``.
            batch_size: At most so many examples go through at once; bounds the memory.
            engine: "auto" for the way that is planned for this machine, "layers" for the layers'
                own code; they agree up to rounding. "exact" for the same bits on every machine.

        Returns:
            ``(count, *output_shape)``.

        Raises:
            ValueError: The model is not built, or ``x`` has another shape, or holds something else
                than finite numbers, or an argument is out of range.
        """
        self._require_built()
        whole("batch_size", batch_size)
        x = as_batch("x", x, self.input_shape)
        outputs = self.executor(engine).outputs(x, batch_size)
        if not np.isfinite(outputs).all():
            require_finite("x", x)
        return outputs

    def executor(self, engine: str = "auto") -> Executor:
        """What computes this model; see `outputs`. Of another dtype, the layers always do.

        Raises:
            ValueError: There is no engine of that name, or the model is not built.
        """
        if engine not in ENGINES:
            raise ValueError(f"engine is {engine!r}; choose one of {', '.join(ENGINES)}")
        self._require_built()
        if engine == "exact":
            self._require_float32()
            return engine_executor(self._chain, engine)
        if engine == "layers" or self.parameters.dtype != np.float32:
            return LayerExecutor(self._chain, self.parameters.dtype)
        made = self._engine
        if made is None:
            made = self._engine = engine_executor(self._chain)
        return made

    def links(self) -> list[Link]:
        """The layers in order, each with its name and the shape of its output."""
        self._require_built()
        return self._chain.links()

    def training_engine(
        self, threads: int | None = None, shards: int | None = None
    ) -> TrainingPasses:
        """The forward and backward passes, planned for this machine.

        ::

            with model.training_engine() as engine:
                outputs = engine.forward(x, ctx)
                gradient = engine.backward(dy, ctx)

        Args:
            threads: How many threads, at most one for each shard; one for each core if None. It
                changes no bit of any result.
            shards: Into how many parts a batch is cut at most, a power of two; 4 if None. The
                parts' gradients are added, so another number gives other last bits. A batch with
                little work, or few examples, is cut into fewer, on every machine alike.

        Raises:
            ValueError: The model is not built or not float32, or there are less than 1 threads, or
                the shards are no power of two.
        """
        self._require_float32()
        return self.executor().training_passes(threads, shards)

    def predictor(self, batch_size: int = 1) -> AbstractContextManager[Predict]:
        """Outputs for batches of one size: ``with model.predictor() as predict: predict(x)``.

        Raises:
            ValueError: The model is not built or not float32, or the batch size is not positive.
        """
        self._require_float32()
        whole("batch_size", batch_size)
        return self.executor().predictor(batch_size)

    def plan(
        self, batch_size: int = 128, *, training: bool = True, measure: bool = False
    ) -> PlanReport:
        """Say how the engine computes this model: what it chose for each layer.

        Args:
            batch_size: Examples a pass.
            training: Whether to plan training, or inference.
            measure: Whether to run the plan and take the time of each op.

        Raises:
            ValueError: The model is not built or not float32, or the batch size is not positive.
        """
        self._require_float32()
        whole("batch_size", batch_size)
        return self.executor().plan(batch_size, training=training, measure=measure)

    def predict_proba(self, x: ArrayLike, batch_size: int = 256, engine: str = "auto") -> Array:
        """Compute the probabilities of classes or labels: what Keras's ``predict`` gives.

        The outputs go through what belongs to the loss that the model was trained with: a softmax
        for classes, a sigmoid for labels, unless the last layer is a `Softmax` or `Sigmoid`
        already. The arguments are those of `outputs`.

        Returns:
            ``(count, classes)``; two columns also where a single output tells two classes apart.
            ``(count, labels)`` for several labels an example, each row with any sum.

        Raises:
            ValueError: The model was trained on values, which have no probabilities; or as
                `outputs`.
        """
        return self.probabilities(self.outputs(x, batch_size, engine))

    def probabilities(self, outputs: Array) -> Array:
        """Turn outputs into probabilities; see `predict_proba`. Both ``(count, classes)``."""
        self._require_meaning()
        return self.task.probabilities(outputs, self.is_activated)

    def predict(self, x: ArrayLike, batch_size: int = 256, engine: str = "auto") -> NDArray[Any]:
        """Say the answer for each example: its class, its labels, or its values.

        The arguments are those of `outputs`.

        Returns:
            Classes ``(count,)``: each class's number, or its name where `numcnn.training.fit` got
            the classes by names; labels as 0 and 1, ``(count, labels)``; values as they were
            given, ``(count,)`` or ``(count, ...)``.
        """
        self._require_meaning()
        return self.task.decide(self.outputs(x, batch_size, engine), self.is_activated)

    @property
    def is_activated(self) -> bool:
        """Whether the outputs are probabilities already, by a last `Softmax` or `Sigmoid`."""
        return isinstance(self.layers[-1], Softmax | Sigmoid)

    def activations(self, x: ArrayLike) -> Iterator[tuple[str, Array]]:
        """Yield each layer's name and its output for a batch, in inference mode, first to last."""
        y = self._checked(x)
        for name, layer in self._chain:
            y = layer.forward(y, Context())
            yield name, y

    def summary(self) -> Summary:
        """Say what the model is made of: output shapes, parameters and multiply-adds by layer."""
        self._require_built()
        shapes = self._chain.shapes
        rows = []
        for (name, layer), before, after in zip(self._chain, shapes[:-1], shapes[1:], strict=True):
            inner = [each for _, each in layer.walk()]
            sizes = [sum(array.size for array in each.params.values()) for each in inner]
            learns = [size for size, each in zip(sizes, inner, strict=True) if each.trainable]
            macs = layer.macs(before, after)
            rows.append(SummaryRow(name, after, sum(sizes), macs, sum(sizes) - sum(learns)))
        return Summary(self.input_shape, tuple(rows))

    def weight_decay_mask(self) -> NDArray[np.bool_]:
        """Which entries of `parameters` weight decay pulls to zero; see `Layer.decayed`."""
        return np.concatenate(
            [np.zeros(0, bool)]
            + [
                np.full(array.size, name in layer.decayed)
                for _, layer in self.named_layers()
                for name, array in layer.params.items()
            ]
        )

    def frozen_mask(self) -> NDArray[np.bool_] | None:
        """Which entries of `parameters` belong to frozen layers; None if none does."""
        layers = [layer for _, layer in self.named_layers()]
        if not any(layer.is_frozen for layer in layers):
            return None
        sizes = [sum(array.size for array in layer.params.values()) for layer in layers]
        return np.repeat([not layer.trainable for layer in layers], sizes)

    def state_dict(self) -> dict[str, Array]:
        """Copy all parameters and state: ``conv2d_1.weight``, ``batchnorm_1.mean``, and so on."""
        return {name: array.copy() for name, array in self._named_arrays()}

    def load_state_dict(
        self, arrays: Mapping[str, NDArray[Any]], strict: bool = True, *, layout: str = "numcnn"
    ) -> LoadReport:
        """Take over what `state_dict` gave. Either all of it is taken, or, on an error, nothing.

        Args:
            arrays: Arrays by name.
            strict: Whether all have to be there and to fit. If False, those that do are taken.
            layout: "torch" for PyTorch's names and orders; see `numcnn.interchange.torch_layout`.

        Returns:
            What was taken and what was not.

        Raises:
            ValueError: The model is not built, or the layout is unknown; or ``strict`` is True, and
                names or shapes are not this model's.
        """
        self._require_built()
        if layout != "numcnn":
            # Another room knows the others; the package asks it, as for the engine.
            convert = sys.modules[__name__.partition(".")[0]].from_layout
            arrays = convert(layout, self, arrays, strict)
        own = dict(self._named_arrays())
        missing, unexpected = own.keys() - arrays.keys(), arrays.keys() - own.keys()
        if strict and (missing or unexpected):
            raise ValueError(
                "the arrays are not this model's: "
                f"missing {sorted(missing) or 'none'}, unknown {sorted(unexpected) or 'none'}; "
                "load them into the architecture that they were saved from, or give strict=False"
            )
        mismatched = []
        for name in [name for name in own if name in arrays]:
            array, new = own[name], arrays[name]
            if array.shape != new.shape or not np.issubdtype(new.dtype, np.floating):
                mismatched.append(name)
                if strict:
                    raise ValueError(
                        f"{name} is {new.dtype} of shape {new.shape}, but this model's is "
                        f"{array.dtype} of shape {array.shape}; load it into the architecture "
                        "that it was saved from, or give strict=False"
                    )
        matched = [name for name in own if name in arrays and name not in mismatched]
        for name in matched:
            own[name][...] = arrays[name]
        return LoadReport(*map(tuple, (matched, sorted(missing), sorted(unexpected), mismatched)))

    def astype(self, dtype: DTypeLike) -> Sequential:
        """Copy the model, its numbers in another dtype: float64 to check gradients."""
        copy = Sequential.from_config(self.config(), {**LAYERS, **self._own_layer_types()})
        if self.input_shape:
            copy.build(self.input_shape)
            copy.load_state_dict(self.state_dict())
            copy._lay_out(dtype)
            copy.parameters[:] = self.parameters
            copy.statistics[:] = self.statistics
        copy.task, copy.loss = self.task, self.loss
        return copy

    def config(self) -> list[dict[str, Any]]:
        """The settings of all layers, as JSON can hold them."""
        return [layer.config() for layer in self.layers]

    @staticmethod
    def from_config(
        config: Sequence[Mapping[str, Any]], known: Mapping[str, type[Layer]] | None = None
    ) -> Sequential:
        """Make the model that `config` described, not yet built.

        Raises:
            ValueError: A layer is not in ``known``, or its settings do not fit.
        """
        return Sequential([layer_from_config(layer, known) for layer in config])

    def __repr__(self) -> str:
        return f"Sequential([{', '.join(repr(layer) for layer in self.layers)}])"

    def _repr_html_(self) -> str:
        """The summary, for a notebook; the layers if there is none yet."""
        return f"<pre>{escape(str(self.summary() if self.input_shape else self))}</pre>"

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __getitem__(self, place: int) -> Layer:
        return self.layers[place]

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse with `NotCallableError`: which mode is meant is not said."""
        raise NotCallableError(
            "a model is not called; take outputs(x), predict(x) or predict_proba(x), or in a "
            "training loop of your own forward(x, ctx)"
        )

    def __getattr__(self, name: str) -> NoReturn:
        raise no_attribute("Sequential", name, habits("methods"))

    def __copy__(self) -> Sequential:
        # A copy that shared the layers would take their arrays out of this model's vectors.
        return deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        # The arrays are in the layers; what is planned belongs to this process.
        dtype = self.parameters.dtype
        nothing = np.empty(0, dtype)
        return {**self.__dict__, "parameters": nothing, "statistics": nothing, "_engine": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.input_shape:
            self._lay_out(self.parameters.dtype)

    def _own_layer_types(self) -> dict[str, type[Layer]]:
        return {type(layer).__name__: type(layer) for _, layer in self.named_layers()}

    def _named_arrays(self) -> Iterator[tuple[str, Array]]:
        for name, layer in self.named_layers():
            for key, array in (*layer.params.items(), *layer.state.items()):
                yield f"{name}.{key}", array

    def _require_meaning(self) -> None:
        """Refuse to guess what a single output means, where no training has said it."""
        if self.output_shape == (1,) and self.task == Task() and not self.loss:
            raise ValueError(
                "the model has one output, and a softmax over one is always 1; say what it means: "
                'model.task = Task("classes", "sigmoid") for two classes, or Task("values", "none")'
            )

    def _require_built(self) -> None:
        if not self.input_shape:
            raise ValueError("the model has no weights yet; call build(input_shape) first")

    def _require_float32(self) -> None:
        self._require_built()
        if self.parameters.dtype != np.float32:
            raise ValueError(
                f"the model's numbers are {self.parameters.dtype}, and the engine computes in "
                'float32; use forward and backward, or astype("float32")'
            )

    def _checked(self, x: ArrayLike) -> Array:
        self._require_built()
        return np.asarray(as_batch("x", x, self.input_shape), self.parameters.dtype)


_Part = Layer | str | Sequential
"""What may stand in a list of layers."""


def _own(layer: Layer) -> Layer:
    """A layer for a new model: a copy with its weights if it is another model's."""
    if not any(inner.in_model for _, inner in layer.walk()):
        return layer
    layer = deepcopy(layer)
    for _, inner in layer.walk():
        inner.keeps_arrays, inner.in_model = inner.in_model, False
    return layer


def _require_same_shapes(name: str, layer: Layer, brought: Mapping[str, Array]) -> None:
    for key, array in {**layer.params, **layer.state}.items():
        if key not in brought or brought[key].shape != array.shape:
            had = brought[key].shape if key in brought else "missing"
            raise ValueError(
                f"{name}: its {key} comes from another model and is {had}, and here it would be "
                f"{array.shape}; build for the inputs that it was trained on, or give a new "
                f"{type(layer).__name__}"
            )
