import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from numcnn.engine.ops.max_pool import InPlaceMaxPool, image_cells
from numcnn.nn import Context, MaxPool2D
from tests.nn.samples import integers


@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 3), st.integers(2, 7), st.integers(2, 7), st.integers(1, 3)),
    st.integers(0, 1000),
)
def test_the_gradient_goes_where_the_layers_goes_also_on_ties(shape, seed):
    x = integers(shape, seed)
    layer, ctx = MaxPool2D(), Context(training=True)
    layer.build(shape[1:], np.random.default_rng(0))
    y = layer.forward(x, ctx)
    dy = integers(y.shape, seed + 1)
    expected = layer.backward(dy, ctx)

    rows, columns = y.shape[1:3]
    pooling = InPlaceMaxPool(y.shape, training=True)
    out, scratch = np.empty_like(y), np.empty_like(y)
    pooling.forward(image_cells(x, 1, 2, rows, columns), out, scratch)
    np.testing.assert_array_equal(out, y)
    dx = np.zeros_like(x)
    scratch.fill(np.nan)
    pooling.backward(dy, image_cells(dx, 1, 2, rows, columns), scratch)
    np.testing.assert_array_equal(dx, expected)


def test_all_four_equal():
    cells = np.ones((1, 2, 2, 1), np.float32)
    pooling, one = InPlaceMaxPool((1, 1, 1, 1), training=True), np.ones((1, 1, 1, 1), np.float32)
    pooling.forward(image_cells(cells, 1, 2, 1, 1), one.copy(), one.copy())
    pooling.backward(3 * one, image_cells(cells, 1, 2, 1, 1), one.copy())
    np.testing.assert_array_equal(cells.ravel(), [3, 0, 0, 0])


def test_inference_remembers_nothing():
    assert InPlaceMaxPool((4, 5), training=False).nbytes == 0
    assert InPlaceMaxPool((4, 5), training=True).nbytes == 60
