import numpy as np
import pytest

from numcnn.web.errors import ProblemError
from numcnn.web.gray_values import gray_values
from numcnn.web.settings import Limits


def test_rows_and_flat_squares_become_arrays():
    values = np.arange(64, dtype=np.uint8).reshape(8, 8)
    for given in (values.tolist(), values.ravel().tolist(), values.astype(float).tolist()):
        picture = gray_values(given, Limits())
        assert picture.dtype == np.uint8
        np.testing.assert_array_equal(picture, values)
    wide = np.full((8, 20), 255, np.uint8)
    np.testing.assert_array_equal(gray_values(wide.tolist(), Limits()), wide)


@pytest.mark.parametrize(
    ("value", "status", "message"),
    [
        ("784", 422, "no list"),
        ([], 422, "no list"),
        ([0] * 65, 422, "65 values, which make no square"),
        ([0] * 49, 422, "7 x 7 pixels are too few"),
        ([[0] * 9] * 7, 422, "9 x 7 pixels are too few"),
        ([[0] * 9] * 8 + [[0] * 8], 422, "different lengths"),
        ([[0] * 9] * 8 + [0], 422, "different lengths"),
        ([[0] * 11] * 10, 413, "11 x 10 pixels are too many"),
        ([0] * 63 + [256], 422, "value 63 is 256"),
        ([0] * 63 + [-1], 422, "value 63 is -1"),
        ([0] * 63 + [0.5], 422, r"value 63 is 0\.5"),
        ([0] * 63 + [float("nan")], 422, "value 63 is nan"),
        ([True] * 64, 422, "a bool"),
        (["0"] * 64, 422, "a str"),
    ],
)
def test_what_is_no_picture_is_refused(value, status, message):
    with pytest.raises(ProblemError, match=message) as error:
        gray_values(value, Limits(max_pixels=100))
    assert error.value.status == status
