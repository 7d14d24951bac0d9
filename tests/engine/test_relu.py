import numpy as np
import pytest

from numcnn.engine.ops.relu import InPlaceReLU
from numcnn.engine.workspace import Workspace
from tests.nn.samples import integers


@pytest.mark.parametrize(
    "shape", [(1,), (3, 7), (4096,), (4097,), (64, 28, 28), (8191,), (2, 3, 5, 7, 11, 13)]
)
def test_relu_and_its_gradient_of_any_size(shape):
    x = integers(shape)
    y, dy = x.copy(), integers(shape, seed=1)
    expected = dy * (x > 0)
    relu = InPlaceReLU(y)
    gradient = relu.bind_backward(dy, Workspace())
    relu.forward()
    np.testing.assert_array_equal(y, np.where(x > 0, x, 0))
    gradient.run()
    np.testing.assert_array_equal(dy, expected)


def test_not_a_number_stays_one():
    y = np.array([np.nan, -1, 1], np.float32)
    InPlaceReLU(y).forward()
    np.testing.assert_array_equal(y, [np.nan, 0, 1])
