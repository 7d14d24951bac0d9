import numpy as np
import pytest

from numcnn.nn import Context, Conv2D, Dense, Flatten, LeakyReLU, MaxPool2D, ReLU, Sequential
from tests.engine.agreement import by_layers
from tests.nn.kinks import Kink, near_kink, tell
from tests.nn.samples import integers

LAYERS = {
    "relu": ReLU(),
    "leaky": LeakyReLU(0.25),
    "pool": MaxPool2D(),
    "pool with margins": MaxPool2D((3, 2), (2, 1), "same"),
    "pool with gaps": MaxPool2D(1, 2),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_a_kink_that_decides_by_itself_computes_what_the_layer_computes(name, dtype):
    # Integers have many ties, and sums of their products are exact.
    model = Sequential([Conv2D(3, 2), LAYERS[name], Flatten(), Dense(2)])
    model.build((7, 8, 2))
    model.parameters[:] = integers(model.parameters.shape)
    model = model.astype(dtype)
    x, dy = integers((5, 7, 8, 2), seed=1), integers((5, 2), seed=2)
    expected = by_layers(model, x, dy, seed=0)
    tell(model, None)
    for key, numbers in by_layers(model, x, dy, seed=0).items():
        np.testing.assert_array_equal(numbers, expected[key])
        assert numbers.dtype == dtype


def test_a_kink_does_what_it_is_told():
    x, dy = np.array([[3.0, -2, 0.5, -1]]), np.array([[1.0, 10, 100, 1000]])
    kink = Kink(ReLU(), np.array([[1, 1, 0, 0]]))
    np.testing.assert_array_equal(kink.forward(x, Context()), [[3, -2, 0, 0]])
    np.testing.assert_array_equal(kink.backward(dy, Context()), [[1, 10, 0, 0]])
    np.testing.assert_array_equal(kink.shortfall, [[0, 2, 0.5, 0]])

    kink = Kink(MaxPool2D((1, 2)), np.array([1, 1]).reshape(1, 1, 2, 1))
    np.testing.assert_array_equal(kink.forward(x.reshape(1, 1, 4, 1), Context()).ravel(), [-2, -1])
    dx = kink.backward(dy[:, :2].reshape(1, 1, 2, 1), Context())
    np.testing.assert_array_equal(dx.ravel(), [0, 1, 0, 10])
    np.testing.assert_array_equal(kink.shortfall.ravel(), [5, 1.5])


@pytest.mark.parametrize(
    ("layer", "x", "near"),
    [
        (ReLU(), [1, -1], False),
        (ReLU(), [1, 1e-6], True),
        (ReLU(), [1, -1e-6], True),
        (ReLU(), [1, 0], False),
        (LeakyReLU(), [1, -1e-6], True),
        (MaxPool2D((1, 2)), [1, 2], False),
        (MaxPool2D((1, 2)), [1, 1 + 1e-6], True),
        (MaxPool2D((1, 2)), [1, 1], False),
        (MaxPool2D(1), [1, 1], False),
    ],
)
def test_near_kink(layer, x, near):
    model = Sequential([layer])
    model.build((1, 2, 1))
    assert near_kink(model, np.array(x, float).reshape(1, 1, 2, 1)) == near
