import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from numcnn.data import Dataset, read_csv, table_text, write_submission

one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

HEADER = "label,pixel0,pixel1,pixel2,pixel3\n"
TABLE = HEADER + "7,0,5,10,255\n0,1,2,3,4\n"


@pytest.fixture
def table(tmp_path):
    """Write a text to a file and give its path."""

    def write(text: str | bytes, name: str = "train.csv") -> Path:
        content = text.encode() if isinstance(text, str) else text
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


def test_a_row_is_a_label_and_an_image(table):
    dataset = read_csv(table(TABLE))
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [7, 0]
    assert dataset.images[..., 0].tolist() == [[[0, 5], [10, 255]], [[1, 2], [3, 4]]]
    assert dataset.classes == tuple("0123456789")
    assert dataset.name == "train"


def test_a_test_table_has_no_labels(table):
    dataset = read_csv(table("pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n"))
    assert dataset.labels is None
    assert dataset.images.shape == (1, 2, 2, 1)


@pytest.mark.parametrize(
    "text",
    [
        TABLE.rstrip("\n"),
        TABLE.replace("\n", "\r\n"),
        TABLE.replace("\n", "\r\n").rstrip(),
        "\ufeff" + TABLE,
        TABLE.replace("label", '"label"').replace("pixel0", '"pixel0"'),
        TABLE.replace("5,10", "005,010"),
    ],
    ids=["no last newline", "Windows", "Windows, no last newline", "Excel", "R", "zeros"],
)
def test_what_other_programs_write_reads_the_same(table, text):
    np.testing.assert_array_equal(read_csv(table(text)).images, read_csv(table(TABLE)).images)


@one_folder
@given(
    pixels=npst.arrays(
        np.uint8, st.tuples(st.integers(1, 7), st.sampled_from([1, 4, 9, 16]))
    ).filter(
        lambda pixels: pixels.max() != 1  # which would be read as 0 to 1
    ),
    labeled=st.booleans(),
    packed=st.booleans(),
    block=st.sampled_from([1, 7, 64, 1 << 20]),
)
def test_what_is_written_is_read_back(tmp_path, pixels, labeled, packed, block):
    names = [f"pixel{number}" for number in range(pixels.shape[1])]
    labels = pixels[:, 0] % 10
    columns = np.c_[labels, pixels] if labeled else pixels
    lines = [",".join((["label"] if labeled else []) + names)]
    lines += [",".join(map(str, row)) for row in columns.tolist()]
    content = ("\n".join(lines) + "\n").encode()
    path = tmp_path / "made.csv"
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.MonkeyPatch.context() as patch:
        # Small blocks put the seams between them everywhere; the header needs its own whole.
        patch.setattr(table_text, "_BLOCK", max(block, len(lines[0]) + 1))
        dataset = read_csv(path)
    np.testing.assert_array_equal(dataset.images.reshape(pixels.shape), pixels)
    if labeled:
        np.testing.assert_array_equal(dataset.labels, labels)
    else:
        assert dataset.labels is None


def test_lines_are_counted_across_blocks(table, monkeypatch):
    monkeypatch.setattr(table_text, "_BLOCK", len(HEADER))
    with pytest.raises(ValueError, match=r"line 102, column pixel3: '4\.x'"):
        read_csv(table(HEADER + "0,1,2,3,4\n" * 100 + "0,1,2,3,4.x\n" + "0,1,2,3,4\n" * 100))


def test_a_line_that_does_not_end_is_not_read_to_its_end(table):
    path = table(gzip.compress(HEADER.encode() + b"1" * 50_000_000, 1))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="line 2: more than a million characters; 5"):
            read_csv(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore::numcnn.data.DataWarning")
@one_folder
@given(
    place=st.integers(0, len(TABLE)),
    removed=st.integers(0, 3),
    inserted=st.text('0123456789,\n\r"-. lx\0\xff', max_size=3),
)
@example(place=len(HEADER), removed=0, inserted="\n")
def test_a_damaged_table_raises_nothing_but_a_value_error(tmp_path, place, removed, inserted):
    path = tmp_path / "damaged.csv"
    text = TABLE[:place] + inserted + TABLE[place + removed :]
    path.write_bytes(text.encode("latin-1"))
    outcome = dataset_or_error(path)
    assert not isinstance(outcome, str) or "damaged.csv" in outcome


def dataset_or_error(path: Path) -> Dataset | str:
    try:
        return read_csv(path)
    except ValueError as error:
        return str(error)


def test_the_classes_may_be_others(table):
    assert read_csv(table(TABLE), classes=tuple("abcdefgh"), name="letters").name == "letters"
    with pytest.raises(ValueError, match="label 7 of image 0 is out of range; 7 classes"):
        read_csv(table(TABLE), classes=tuple("abcdefg"))


def test_a_submission_counts_from_one(tmp_path):
    path = tmp_path / "submission.csv"
    write_submission(path, np.array([2, 0, 9]))
    assert path.read_bytes() == b"ImageId,Label\n1,2\n2,0\n3,9\n"


@pytest.mark.parametrize("labels", [[[1]], [1.0], ["a"], [-1]])
def test_a_submission_of_anything_else_is_not_written(tmp_path, labels):
    with pytest.raises(ValueError, match="give a list of integers"):
        write_submission(tmp_path / "submission.csv", labels)
    assert list(tmp_path.iterdir()) == []
