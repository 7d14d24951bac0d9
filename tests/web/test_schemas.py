import base64

import numpy as np

from numcnn.web.schemas import RejectedAnswer, Tensor, json_response


def test_a_tensor_holds_the_exact_numbers_in_c_order():
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T / 3
    found = Tensor.of(array)
    assert found.shape == [3, 2]
    numbers = np.frombuffer(base64.b64decode(found.float32), "<f4")
    np.testing.assert_array_equal(numbers.reshape(3, 2), array)


def test_optional_fields_are_left_out_unless_they_were_set():
    answer = RejectedAnswer(box=[1, 2, 3, 4], reason="not a digit")
    assert json_response(answer).body == b'{"box":[1,2,3,4],"reason":"not a digit"}'
    answer.index = 0
    assert json_response(answer).body == b'{"box":[1,2,3,4],"reason":"not a digit","index":0}'
