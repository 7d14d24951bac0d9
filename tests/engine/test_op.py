import numpy as np
import pytest

from numcnn.engine.layouts import BatchFirst, BatchInside
from numcnn.engine.op import Accumulator, Binding, MicroBatch, Value
from numcnn.engine.workspace import Workspace
from numcnn.nn.layers import ReLU

PIECES = [
    MicroBatch(0, 4, shard=0, first=True),
    MicroBatch(4, 6, shard=0, first=False),
    MicroBatch(6, 9, shard=1, first=True, thread=1),
]


@pytest.mark.parametrize("layout", [BatchFirst(), BatchInside()])
@pytest.mark.parametrize("gradient", [False, True])
def test_what_is_kept_has_a_place_for_each_piece(layout, gradient):
    value = Value((2, 3, 5), layout)
    nbytes = value.allocate(PIECES, keep=True, gradient=gradient)
    arrays = [
        value.gradient(micro_batch) if gradient else value.array(micro_batch)
        for micro_batch in PIECES
    ]
    for array, micro_batch in zip(arrays, PIECES, strict=True):
        assert array.shape == layout.array_shape((2, 3, 5), micro_batch.size)
    assert nbytes == sum(array.nbytes for array in arrays)
    for number, array in enumerate(arrays):
        array.fill(number)
    assert [array.flat[0] for array in arrays] == [0, 1, 2]
    if isinstance(layout, BatchFirst):
        whole = value.whole_gradient() if gradient else value.whole()
        np.testing.assert_array_equal(whole[:, 0, 0, 0], [0] * 4 + [1] * 2 + [2] * 3)


def test_what_is_not_kept_has_one_place_for_each_thread():
    value = Value((2, 3, 5), BatchInside())
    nbytes = value.allocate(PIECES, keep=False)
    one, two, other = (value.array(micro_batch) for micro_batch in PIECES)
    assert np.shares_memory(one, two)
    assert not np.shares_memory(one, other)
    assert nbytes == one.nbytes + other.nbytes
    assert one.shape == (2, 3, 4, 5)
    assert two.shape == (2, 3, 2, 5)


def test_the_first_one_writes_and_the_others_add():
    place, workspace = np.full(3, 9, np.float32), Workspace()
    for number, add in enumerate([False, True, True], start=1):
        sink = Accumulator(place, add, workspace)
        sink.array[...] = number
        sink.done()
    np.testing.assert_array_equal(place, [6, 6, 6])


def test_a_shards_first_piece_writes_a_parameters_gradient():
    layer = ReLU()
    place = np.full(3, 9, np.float32)
    for micro_batch in PIECES[:2]:
        sink = Binding(
            micro_batch, Workspace(), True, {layer: {"weight": place}}
        ).parameter_gradient(layer, "weight")
        sink.array[...] = 2
        sink.done()
    np.testing.assert_array_equal(place, [4, 4, 4])
