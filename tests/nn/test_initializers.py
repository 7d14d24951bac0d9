"""The initializers: spread, limits, reproducibility."""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from numcnn.nn import Conv2D, Dense, Sequential
from numcnn.nn.initializers import INITIALIZERS, fans, initializer

SHAPES = {"dense": (200, 300), "convolution": (3, 5, 40, 60)}
VARIANCES = {
    "lecun": lambda fan_in, _: 1 / fan_in,
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, _: 2 / fan_in,
}
each_initializer = pytest.mark.parametrize("name", INITIALIZERS)
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def draw(name: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return initializer(name)(shape, np.random.default_rng(seed))


def variance(name: str, shape: tuple[int, ...]) -> float:
    """The paper's, for a unit that sums a kernel's whole field over all inputs."""
    *kernel, inputs, outputs = shape
    field = math.prod(kernel)
    return VARIANCES[name.split("_")[0]](field * inputs, field * outputs)


def test_fans_by_hand():
    assert fans((20, 30)) == (20, 30)
    # A filter of 3 x 5 over 4 channels sums 60 products; a pixel reaches 3 * 5 * 7 outputs.
    assert fans((3, 5, 4, 7)) == (60, 105)


@each_initializer
@each_shape
def test_the_variance_is_that_of_the_paper(name, shape):
    w = draw(name, shape).astype(np.float64)
    # The variance of n normal numbers is off by sqrt(2 / n) of itself, of uniform ones by less.
    five_deviations = 5 * math.sqrt(2 / w.size)
    assert w.var() == pytest.approx(variance(name, shape), rel=five_deviations)


@each_initializer
@each_shape
def test_the_mean_is_zero(name, shape):
    w = draw(name, shape).astype(np.float64)
    assert abs(w.mean()) < 5 * math.sqrt(variance(name, shape) / w.size)


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name.endswith("uniform")])
@each_shape
def test_uniform_weights_fill_their_limits_evenly(name, shape):
    limit = math.sqrt(3 * variance(name, shape))
    w = draw(name, shape).ravel()
    assert np.abs(w).max() <= limit * (1 + 1e-6)
    assert w.min() < -0.999 * limit
    assert w.max() > 0.999 * limit
    counts, _ = np.histogram(w, 10, (-limit, limit))
    assert counts == pytest.approx(w.size / 10, abs=5 * math.sqrt(w.size / 10))


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name.endswith("normal")])
def test_normal_weights_lie_within_one_deviation_as_often_as_they_should(name):
    shape = SHAPES["dense"]
    w = draw(name, shape)
    within = (np.abs(w) < math.sqrt(variance(name, shape))).mean()
    assert within == pytest.approx(0.6827, abs=5 * math.sqrt(0.22 / w.size))


def test_glorots_limit_by_hand():
    # sqrt(6 / (fan_in + fan_out)).
    assert np.abs(draw("glorot_uniform", (200, 400))).max() == pytest.approx(0.1, rel=1e-3)


@each_initializer
def test_the_same_seed_draws_the_same_float32_numbers_and_another_seed_others(name):
    first, again, other = (draw(name, (4, 5), seed) for seed in (1, 1, 2))
    assert first.dtype == np.float32
    assert_array_equal(first, again)
    assert (first != other).all()


@each_initializer
@pytest.mark.parametrize("layer", [Dense, Conv2D])
def test_a_layer_draws_from_the_initializer_that_it_names(name, layer):
    built = layer(5, initializer=name)
    shape = (7,) if layer is Dense else (9, 9, 2)
    built.build(shape, np.random.default_rng(3))
    expected = draw(name, built.params["weight"].shape, 3)
    assert_array_equal(built.params["weight"], expected)


def test_the_name_decides_in_a_model_too():
    model = Sequential([Dense(5, initializer="lecun_uniform")])
    model.build((7,), seed=3)
    assert_array_equal(model.layers[0].params["weight"], draw("lecun_uniform", (7, 5), 3))


def test_an_unknown_name_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match="'xavier' is unknown; choose one of lecun_normal"):
        initializer("xavier")
