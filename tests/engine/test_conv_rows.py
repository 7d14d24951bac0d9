from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numcnn.engine.ops import conv_rows
from numcnn.engine.ops.conv_rows import Rows
from numcnn.engine.ops.max_pool import InPlaceMaxPool
from numcnn.nn import (
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    LeakyReLU,
    MaxPool2D,
    Normalization,
    ReLU,
    Residual,
    Sequential,
)
from numcnn.nn.patches import Window
from tests.engine import naive
from tests.engine.binding import dirty_arena, laid_out
from tests.nn.samples import integers


def computed(method: Rows, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The raw output, in scratch memory that is full of somebody else's numbers."""
    source = laid_out(x, method.source_layout)
    raw = np.full(method.raw_shape(1), np.nan, np.float32)
    forward = method.bind_forward(source, raw, dirty_arena())
    method.prepare(weight)
    for _ in range(2):  # its own memory is used again
        forward()
    return raw


@given(st.data())
def test_the_numbers_are_those_of_the_formula(data):
    size = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    window = Window(size, (1, 1), data.draw(st.sampled_from(["valid", "same"])))
    image = data.draw(
        st.tuples(st.integers(size[0], 9), st.integers(size[1], 12), st.integers(1, 3))
    )
    method = Rows(window, image, data.draw(st.integers(1, 4)))
    x, weight = integers((1, *image)), integers((*size, image[2], method.filters), seed=1)
    found = computed(method, x, weight).reshape(1, *method.output_shape)
    np.testing.assert_array_equal(found, naive.convolve(x, weight, window))


@pytest.mark.parametrize("columns", [2, 4, 8])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_pooling_finds_the_windows_in_the_blocks(columns, padding):
    window, image = Window((3, 3), (1, 1), padding), (7, 9, 2)
    if padding == "valid":
        image = (9, 11, 2)
    with patch.object(Rows, "_cost", lambda _, each, __: abs(each - columns)):
        method = Rows(window, image, 3, pool=True)
    assert method.columns == columns
    x, weight = integers((1, *image), seed=1), integers((3, 3, 2, 3))
    cells = method.cells(computed(method, x, weight), 1)
    pooled = np.empty((1, *method.pooled_shape), np.float32)
    target = method.aligned_pooled(pooled, 1)
    InPlaceMaxPool(target.shape, training=False).forward(cells, target, np.empty_like(target))
    y = naive.convolve(x, weight, window)[:, :6, :8]
    np.testing.assert_array_equal(pooled, y.reshape(1, 3, 2, 4, 2, 3).max(axis=(2, 4)))


def test_as_many_columns_as_cost_least():
    window = Window((5, 5), (1, 1), "same")
    assert Rows(window, (28, 28, 1), 6, pool=True).columns == 14
    with patch.object(conv_rows, "_COPIED_RUN", 1e6):
        assert Rows(window, (28, 28, 1), 6, pool=True).columns == 28
    with patch.object(conv_rows, "_MULTIPLY_ADD", 1e3):
        assert Rows(window, (28, 28, 1), 16).columns == 1
    # A width that has no divisor: one column or all.
    assert Rows(window, (8, 13, 1), 6).columns in (1, 13)
    # What pooling leaves out is not computed.
    assert 12 % Rows(window, (8, 13, 1), 6, pool=True).columns == 0


def test_there_is_no_way_back():
    method = Rows(Window((3, 3), (1, 1), "same"), (4, 4, 1), 2)
    x = np.zeros((1, 4, 4, 1), np.float32)
    with pytest.raises(NotImplementedError, match="is for inference alone"):
        method.bind_backward(x, x, None, None, dirty_arena())


NETWORKS = {
    "narrow": lambda: [
        Normalization(),
        Conv2D(6, 5, padding="same"),
        ReLU(),
        MaxPool2D(),
        Conv2D(8, 3),
        BatchNorm(),
        MaxPool2D(),
        Flatten(),
        Dense(5),
    ],
    "pooling apart": lambda: [
        Conv2D(4, 3, padding="same"),
        LeakyReLU(0.1),
        MaxPool2D(),
        BatchNorm(),
        MaxPool2D(),
    ],
    "wide": lambda: [
        Conv2D(32, 3),
        BatchNorm(),
        ReLU(),
        Conv2D(32, 3, padding="same"),
        ReLU(),
        MaxPool2D(),
        Flatten(),
        Dense(3),
    ],
    "strides and residuals": lambda: [
        Conv2D(5, 3, 2, "same"),
        ReLU(),
        Residual([Conv2D(5, 3, padding="same"), ReLU(), Conv2D(5, (1, 3), padding="same")]),
        ReLU(),
        MaxPool2D(),
        Conv2D(3, 2),
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", [(13, 15, 1), (12, 12, 3), (17, 10, 2)])
def test_one_image_through_a_network(name, shape):
    model = Sequential(NETWORKS[name]())
    model.build(shape, seed=0)
    rng = np.random.default_rng(1)
    model.parameters += 0.1 * rng.standard_normal(model.parameters.size).astype(np.float32)
    x = rng.normal(size=(3, *shape)).astype(np.float32)
    expected = model.outputs(x, engine="layers")
    np.testing.assert_allclose(model.outputs(x, 1), expected, rtol=1e-4, atol=1e-5)
    with model.predictor() as predict:
        np.testing.assert_allclose(predict(x[:1]), expected[:1], rtol=1e-4, atol=1e-5)
