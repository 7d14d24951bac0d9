import math
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from numcnn.engine.workspace import Workspace, aligned

shapes = st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=3).map(tuple), max_size=8)
dtypes = st.sampled_from([np.float32, np.bool_, np.float64])


@given(shapes, dtypes)
def test_what_is_taken_is_what_was_asked_for_and_nobody_elses(wanted, dtype):
    workspace = Workspace()
    taken = [workspace.take(shape, dtype) for shape in wanted]
    for array, shape in zip(taken, wanted, strict=True):
        assert array.shape == shape
        assert array.dtype == dtype
        assert array.flags.c_contiguous
        assert array.flags.writeable
        if array.size:
            assert array.ctypes.data % 64 == 0
    for one, other in combinations(taken, 2):
        assert not np.shares_memory(one, other)


@given(shapes, shapes)
def test_the_next_one_gets_the_same_memory(first, second):
    workspace = Workspace()
    one = [workspace.take(shape) for shape in first]
    size = workspace.nbytes
    workspace.reset()
    again = [workspace.take(shape) for shape in first]
    assert workspace.nbytes == size
    assert all(map(np.array_equal, *([a.ctypes.data for a in b] for b in (one, again))))
    workspace.reset()
    for shape in second:
        workspace.take(shape)
    assert workspace.nbytes >= size


def test_one_that_is_larger_than_what_is_there():
    workspace = Workspace()
    small, large = workspace.take((10,)), workspace.take((1 << 17,))
    large.fill(1)
    small.fill(2)
    assert (large == 1).all()
    assert workspace.nbytes >= 4 * (10 + (1 << 17))


def test_an_arena_that_gave_nothing_has_nothing():
    assert Workspace().nbytes == 0


@given(st.integers(0, 1000))
def test_aligned_zeros(count):
    array = aligned(count)
    assert array.shape == (count,)
    assert array.dtype == np.float32
    assert not array.any()
    assert count == 0 or array.ctypes.data % 64 == 0
    assert math.prod(array.strides) == 4
