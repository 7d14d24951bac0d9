"""What holds for every layer: settings as JSON and back, and a layer of one's own."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn import (
    SGD,
    Context,
    Dense,
    Layer,
    MeanSquaredError,
    ReLU,
    Residual,
    Sequential,
    check_gradients,
)
from numcnn.nn.layers import LAYERS, layer_from_config
from tests.model_files.samples import SAMPLES
from tests.nn.samples import apart, normal

# One of every layer, with settings that are not the defaults.
EXAMPLES = [
    layer for name, make in SAMPLES.items() for layer in make() if type(layer).__name__ == name
]
each_example = pytest.mark.parametrize("layer", EXAMPLES, ids=lambda layer: type(layer).__name__)


def through_json(config):
    return json.loads(json.dumps(config))


def test_there_is_an_example_of_every_layer():
    assert {type(layer) for layer in EXAMPLES} == set(LAYERS.values())


@each_example
def test_the_settings_survive_json(layer):
    config = through_json(layer.config())
    copy = layer_from_config(config)
    assert type(copy) is type(layer)
    assert through_json(copy.config()) == config


@each_example
def test_the_copy_computes_the_same(layer):
    shape = (6,) if isinstance(layer, Dense) else (6, 6, 3)
    twins = [layer_from_config(through_json(layer.config())) for _ in range(2)]
    outputs = []
    for twin in twins:
        model = Sequential([twin])
        model.build(shape, seed=4)
        outputs.append(model.outputs(normal(2, *shape)))
    assert_array_equal(*outputs)


@each_example
def test_gradients_in_both_modes(layer):
    shape = (3, 6) if isinstance(layer, Dense) else (3, 6, 6, 3)
    for training in (True, False):
        copy = layer_from_config(layer.config())
        assert check_gradients(copy, apart(*shape), training=training) < 1e-6


@each_example
def test_no_layer_changes_what_it_is_given(layer):
    copy = layer_from_config(layer.config())
    x = apart(*((3, 6) if isinstance(layer, Dense) else (3, 6, 6, 3))).astype(np.float32)
    kept = x.copy()
    copy.build(x.shape[1:], np.random.default_rng(0))
    ctx = Context(training=True, rng=np.random.default_rng(0))
    y = copy.forward(x, ctx)
    dy = np.ones_like(y)
    copy.backward(dy, ctx)
    assert_array_equal(x, kept)
    assert_array_equal(dy, np.ones_like(y))


@each_example
def test_gradients_have_the_names_and_shapes_of_the_parameters(layer):
    copy = layer_from_config(layer.config())
    x = apart(*((3, 6) if isinstance(layer, Dense) else (3, 6, 6, 3))).astype(np.float32)
    model = Sequential([copy])
    model.build(x.shape[1:])
    ctx = Context(training=True, rng=np.random.default_rng(0))
    y = model.forward(x, ctx)
    assert y.shape == (3, *model.output_shape)
    assert model.backward(np.ones_like(y), ctx).shape == x.shape
    for _, inner in model.named_layers():
        grads = ctx.grads.get(inner, {})
        assert {name: g.shape for name, g in grads.items()} == {
            name: p.shape for name, p in inner.params.items()
        }


@pytest.mark.parametrize("name", ["Conv3D", None, "", "Layer", "os.system"])
def test_an_unknown_layer_is_an_error_that_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=r"is unknown; known are AveragePool2D, BatchNorm"):
        layer_from_config({"layer": name})


@pytest.mark.parametrize(
    "config",
    [
        {"layer": "Dense"},
        {"layer": "Dense", "units": 3, "colour": "red"},
        {"layer": "Dense", "units": "three"},
        {"layer": "Residual", "branch": [{"layer": "Dense"}]},
    ],
)
def test_settings_that_do_not_fit_are_an_error_that_names_the_layer(config):
    with pytest.raises(ValueError, match="the settings of layer Dense do not fit"):
        layer_from_config(config)


@pytest.mark.parametrize(
    "config",
    [
        {"layer": ["Dense"]},
        {"layer": {}},
        {"layer": "Residual", "branch": "abc"},
        {"layer": "Residual", "branch": [1, 2]},
        {"layer": "Conv2D", "filters": 2.5},
        {"layer": "Dense", "units": 2.5},
        {"layer": "Rescaling", "scale": "x"},
        7,
        None,
    ],
    ids=repr,
)
def test_a_damaged_description_is_a_value_error(config):
    with pytest.raises(ValueError):  # noqa: PT011 (which words is the fix's choice)
        layer_from_config(config)


def test_layers_with_the_same_settings_are_still_two_layers():
    assert ReLU() != ReLU()
    assert len({ReLU(), ReLU()}) == 2


@final
@dataclass(eq=False)
class Scale(Layer):
    """Multiply each feature by a learned factor: the example in the documentation of `Layer`."""

    start: float = 1.0

    def build(self, input_shape, rng):
        self.params = {"factor": np.full(input_shape, self.start, np.float32)}
        return input_shape

    def forward(self, x, ctx):
        ctx.save(self, x)
        return x * self.params["factor"]

    def backward(self, dy, ctx):
        (x,) = ctx.take(self)
        ctx.grads[self] = {"factor": (dy * x).sum(axis=0)}
        return dy * self.params["factor"]


def test_the_example_here_is_the_one_in_the_documentation():
    documented = Layer.__doc__.split("class Scale(Layer):")[1].split("``eq=False``")[0]
    here = Path(__file__).read_text("utf-8")
    for method in ("forward", "backward"):
        body = documented.split(f"def {method}")[1].split("def ")[0]
        for line in filter(None, map(str.strip, body.splitlines())):
            assert line.removeprefix("(self") in here


def test_a_layer_of_ones_own_has_right_gradients():
    assert check_gradients(Scale(), normal(4, 3)) < 1e-6
    assert check_gradients([Dense(3), Scale(2.0), Residual([Scale(0.5)])], normal(4, 2)) < 1e-6


def test_a_layer_of_ones_own_learns():
    model = Sequential([Scale()])
    model.build((2,))
    x, optimizer = normal(50, 2).astype(np.float32), SGD(learning_rate=0.5)
    for _ in range(50):
        ctx = Context(training=True)
        _, dy = MeanSquaredError().value_and_gradient(model.forward(x, ctx), x * [3, -2])
        model.backward(dy, ctx)
        optimizer.step(model.parameters, model.gradient(ctx))
    assert_allclose(model.layers[0].params["factor"], [3, -2], rtol=1e-3)


def test_a_layer_of_ones_own_is_read_back_where_it_is_known():
    config = through_json(Sequential([Scale(2.0)]).config())
    with pytest.raises(ValueError, match="'Scale' is unknown"):
        Sequential.from_config(config)
    model = Sequential.from_config(config, {**LAYERS, "Scale": Scale})
    assert model.layers[0].start == 2.0


def test_a_layer_that_lacks_a_method_cannot_be_made():
    class Half(Layer):
        def build(self, input_shape, rng):
            return input_shape

    with pytest.raises(TypeError, match="abstract"):
        Half()
