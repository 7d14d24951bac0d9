import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from numcnn.data import read_idx, read_idx_images, read_idx_labels, write_idx

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array([7, 0, 9], dtype=np.uint8)
HEADER = bytes.fromhex("00000803 00000002 00000003 00000004")

# Hypothesis runs a test many times with one folder, which is what these tests want.
one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_the_bytes_of_a_file_are_as_the_format_says(tmp_path):
    write_idx(tmp_path / "images", IMAGES)
    assert (tmp_path / "images").read_bytes() == HEADER + bytes(range(24))


@one_folder
@given(
    values=npst.arrays(np.uint8, npst.array_shapes(max_dims=4, max_side=6)),
    suffix=st.sampled_from(["", ".gz"]),
)
def test_what_is_written_is_read_back(tmp_path, values, suffix):
    path = tmp_path / f"values{suffix}"
    write_idx(path, values)
    np.testing.assert_array_equal(read_idx(path), values, strict=True)


def test_gzip_is_seen_from_the_content_and_not_from_the_name(tmp_path):
    (tmp_path / "plain.gz").write_bytes(HEADER + IMAGES.tobytes())
    (tmp_path / "packed").write_bytes(gzip.compress(HEADER + IMAGES.tobytes()))
    np.testing.assert_array_equal(read_idx(tmp_path / "plain.gz"), IMAGES)
    np.testing.assert_array_equal(read_idx(tmp_path / "packed"), IMAGES)


def test_the_same_values_give_the_same_gzipped_bytes(tmp_path):
    for name in ("one.gz", "two.gz"):
        write_idx(tmp_path / name, IMAGES)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    assert (tmp_path / "one.gz").read_bytes()[4:8] == bytes(4), "the header has the time in it"


def test_images_and_labels_get_the_shapes_of_a_data_set(tmp_path):
    write_idx(tmp_path / "images", IMAGES)
    write_idx(tmp_path / "labels", LABELS)
    np.testing.assert_array_equal(read_idx_images(tmp_path / "images"), IMAGES[..., None])
    labels = read_idx_labels(tmp_path / "labels", 10)
    assert labels.dtype == np.int64
    assert labels.tolist() == [7, 0, 9]


def header(*sizes: int, code: int = 8) -> bytes:
    return struct.pack(f">HBB{len(sizes)}I", 0, code, len(sizes), *sizes)


WHOLE = HEADER + IMAGES.tobytes()
BAD = {
    "empty": (b"", "the file is empty"),
    "three bytes": (WHOLE[:3], "truncated: 3 bytes"),
    "within the header": (WHOLE[:9], "ends within the header"),
    "one value short": (WHOLE[:-1], "truncated: the header announces 2 x 3 x 4 = 24 values"),
    "one value too many": (WHOLE + b"\0", "trailing bytes"),
    "another format": (b"\x89PNG\r\n\x1a\n", "not an IDX file: it starts with the bytes 89 50"),
    "no dimensions": (header() + b"\0", "not an IDX file"),
    "200 dimensions": (header(*[1] * 200) + b"\0", "not an IDX file"),
    "float32": (header(6, code=0x0D) + bytes(24), r"type code 0x0d \(float32\)"),
    "unknown type": (header(24, code=0x42) + bytes(24), r"type code 0x42 \(unknown\)"),
    "no images": (header(0, 28, 28), "it holds nothing"),
    "sizes beyond any memory": (header(*[2**32 - 1] * 3) + bytes(24), "than the file can hold"),
    "sizes whose product is 0 in 64 bits": (header(2**32 - 1, *[2**31] * 2), "than the file can"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_refused_by_name(tmp_path, content, message, packed):
    path = tmp_path / "bad-file"
    path.write_bytes(gzip.compress(content) if packed else content)
    if packed and not content:
        message = "truncated"
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert "bad-file" in str(caught.value)
    assert "\n" not in str(caught.value)


PACKED = gzip.compress(WHOLE, mtime=0)


@pytest.mark.parametrize(
    "content",
    [
        PACKED[:-1],
        PACKED[:20],
        PACKED[:-8] + bytes(8),
        PACKED[:-8] + bytes([PACKED[-8] ^ 1]) + PACKED[-7:],
        PACKED[:10] + b"\xff" * 20,
        PACKED + b"more",
    ],
    ids=["no end", "cut off", "no checksum", "wrong checksum", "no deflate", "more after it"],
)
def test_corrupt_gzip_is_refused(tmp_path, content):
    path = tmp_path / "bad.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.gz: corrupt gzip data"):
        read_idx(path)


@pytest.mark.slow
def test_no_more_is_unpacked_than_the_header_announces(tmp_path):
    bomb = tmp_path / "bomb.gz"
    bomb.write_bytes(gzip.compress(WHOLE + bytes(200_000_000), 9))
    assert_little_memory_for(bomb, "trailing bytes")


def test_no_memory_is_taken_for_values_that_are_not_there(tmp_path):
    # As random bytes do not pack, the size of the file allows for the announced values.
    filler = np.random.default_rng(0).bytes(200_000)
    path = tmp_path / "promise.gz"
    path.write_bytes(gzip.compress(header(200_000_000) + filler))
    assert_little_memory_for(path, "the file ends after 200,000")


def assert_little_memory_for(path: Path, message: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@one_folder
@given(
    packed=st.booleans(),
    place=st.integers(0, len(WHOLE) - 1),
    byte=st.integers(0, 255),
    cut=st.integers(1, 200),
)
@example(packed=False, place=4, byte=255, cut=200)
def test_a_damaged_file_raises_nothing_but_a_value_error(tmp_path, packed, place, byte, cut):
    content = bytearray(PACKED if packed else WHOLE)
    content[place % len(content)] = byte
    path = tmp_path / "damaged"
    path.write_bytes(content[:cut])
    outcome = values_or_error(path)
    assert "damaged" in outcome if isinstance(outcome, str) else outcome.size == 24


@pytest.mark.slow
@one_folder
@given(content=st.binary(max_size=60), gzipped=st.booleans())
def test_any_bytes_raise_nothing_but_a_value_error(tmp_path, content, gzipped):
    path = tmp_path / "anything"
    path.write_bytes(b"\x1f\x8b" + content if gzipped else content)
    outcome = values_or_error(path)
    assert not isinstance(outcome, str) or "anything" in outcome


def values_or_error(path: Path) -> np.ndarray | str:
    try:
        return read_idx(path)
    except ValueError as error:
        return str(error)


def test_swapped_files_are_recognized(tmp_path):
    write_idx(tmp_path / "images", IMAGES)
    write_idx(tmp_path / "labels", LABELS)
    with pytest.raises(ValueError, match=r"this is an images file.*swapped\?"):
        read_idx_labels(tmp_path / "images", 10)
    with pytest.raises(ValueError, match=r"this is a labels file.*swapped\?"):
        read_idx_images(tmp_path / "labels")


def test_other_ranks_are_neither_images_nor_labels(tmp_path):
    write_idx(tmp_path / "table", IMAGES[0])
    with pytest.raises(ValueError, match="2 dimensions; images have 3"):
        read_idx_images(tmp_path / "table")
    with pytest.raises(ValueError, match="2 dimensions; labels have 1"):
        read_idx_labels(tmp_path / "table", 10)


def test_a_label_out_of_range_is_named(tmp_path):
    write_idx(tmp_path / "labels", np.array([3, 10], dtype=np.uint8))
    with pytest.raises(ValueError, match="label 10 of image 1 is out of range; 10 classes"):
        read_idx_labels(tmp_path / "labels", 10)


@pytest.mark.parametrize("values", [LABELS.astype(np.int64), np.uint8(1), LABELS[:0]])
def test_what_the_format_cannot_hold_is_not_written(tmp_path, values):
    with pytest.raises(ValueError, match="holds uint8"):
        write_idx(tmp_path / "values", np.asarray(values))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_the_file_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere")
