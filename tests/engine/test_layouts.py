import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numcnn.engine.layouts import BatchFirst, BatchInside, BatchLast, common_blocks
from tests.engine.binding import laid_out, read
from tests.nn.samples import integers

LAYOUTS = [BatchFirst(), BatchInside(), BatchLast(), BatchLast(2), BatchLast(4)]
layouts = st.sampled_from(LAYOUTS)


def test_where_a_number_lies():
    images = np.arange(2 * 3 * 8 * 5, dtype=np.float32).reshape(2, 3, 8, 5)
    n, row, column, channel = 1, 2, 6, 4
    number = images[n, row, column, channel]
    assert laid_out(images, BatchFirst())[n, row, column, channel] == number
    assert laid_out(images, BatchInside())[row, column, n, channel] == number
    assert laid_out(images, BatchLast())[channel, 0, row, column, n] == number
    # Column 6 is the phase 2 of block 1.
    assert laid_out(images, BatchLast(4))[channel, 2, row, 1, n] == number


@given(st.data())
def test_there_and_back(data):
    one, other = data.draw(layouts), data.draw(layouts)
    both = {layout.phases for layout in (one, other) if isinstance(layout, BatchLast)} - {1}
    images = integers((*data.draw(st.tuples(*[st.integers(1, 5)] * 3)), 3))
    images = np.repeat(images, 4, axis=2)
    a = laid_out(images, one)
    b = np.empty(other.array_shape(images.shape[1:], len(images)), np.float32)
    if len(both) > 1:
        with pytest.raises(ValueError, match="phases is 4, but the layout has 2"):
            common_blocks((a, one), (b, other))
        return
    source, target = common_blocks((a, one), (b, other))
    assert np.shares_memory(source, a)
    assert np.shares_memory(target, b)
    np.copyto(target, source)
    np.testing.assert_array_equal(read(b, other), images)


@pytest.mark.parametrize("layout", LAYOUTS, ids=repr)
def test_what_there_is_one_of_for_each_channel(layout):
    images, vector = integers((3, 5, 8, 7)), integers((7,), seed=1)
    array = laid_out(images, layout)
    lines = layout.lines(array)
    assert np.shares_memory(lines, array)
    lines += layout.spread(vector, (5, 8, 7), 3)
    np.testing.assert_array_equal(read(array, layout), images + vector)
    sums = layout.channel_sums(array, 7)
    np.testing.assert_array_equal(sums, (images + vector).sum(axis=(0, 1, 2)))


def test_rows_of_features_have_channels_too():
    layout, rows = BatchFirst(), integers((6, 4))
    assert layout.array_shape((4,), 6) == (6, 4)
    np.testing.assert_array_equal(layout.channel_sums(rows, 4), rows.sum(axis=0))
    assert layout.lines(rows).shape == (6, 4)
