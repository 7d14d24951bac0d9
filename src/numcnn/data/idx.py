"""The IDX format, in which MNIST and Fashion-MNIST come: a strict reader and a writer.

A file is a header and then the values, row by row: two zero bytes, a code for the type of the
values, the number of dimensions, and each dimension's size as a big-endian 32-bit integer. The
format is described at the end of http://yann.lecun.com/exdb/mnist/. Only unsigned bytes (type code
8) occur in these data sets, and only they are read.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from numcnn.atomic_file import atomic_file
from numcnn.data.dataset import Images, Labels, check_label_range
from numcnn.data.decompressed import Stream, open_unpacked

_UNSIGNED_BYTE = 0x08
_OTHER_TYPES = {0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
# Deflate packs at best so much (https://zlib.net/zlib_tech.html, "Maximum Compression Factor").
_MOST_BYTES_PER_GZIPPED_BYTE = 1032
_BLOCK = 1 << 20
# The format allows 255, NumPy 64, and nobody has needed more than 4.
_MOST_DIMENSIONS = 16


def read_idx(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzipped or not.

    The header is held against the bytes that the file has before memory is taken for it, and no
    more is unpacked than it announces, so a small file cannot fill the memory.

    Args:
        path: The file.

    Returns:
        uint8, of the shape that the header gives.

    Raises:
        ValueError: The file is empty, truncated, too long, corrupt, or not IDX of unsigned bytes.
        OSError: It cannot be opened or read.
    """
    path = Path(path)
    if (most_bytes := path.stat().st_size) == 0:
        raise ValueError(f"{path}: the file is empty; get the file again")
    with open_unpacked(path) as file:
        if isinstance(file, gzip.GzipFile):
            most_bytes *= _MOST_BYTES_PER_GZIPPED_BYTE
        shape = _read_header(file, path)
        size = math.prod(shape)
        header = 4 + 4 * len(shape)
        if header + size > most_bytes:
            raise ValueError(
                f"{path}: truncated: the header announces {_times(shape)} = {size:,} values, more "
                f"than the file can hold; get the file again"
            )
        values = _read_up_to(file, size)
        if len(values) < size:
            raise ValueError(
                f"{path}: truncated: the header announces {_times(shape)} = {size:,} values but "
                f"the file ends after {len(values):,}; get the file again"
            )
        # This read also makes gzip compare its checksum, which comes after the last value.
        if file.read(1):
            raise ValueError(
                f"{path}: trailing bytes: the file goes on after the {_times(shape)} = {size:,} "
                "values that its header announces; get the file again"
            )
    return np.frombuffer(values, np.uint8).reshape(shape)


def read_idx_images(path: str | os.PathLike[str]) -> Images:
    """Read gray images from an IDX file of three dimensions.

    Returns:
        uint8 ``(count, height, width, 1)``.

    Raises:
        ValueError: As `read_idx`, or the file holds labels, or no pixel at all.
        OSError: It cannot be opened or read.
    """
    values = read_idx(path)
    if values.ndim == 1:
        raise ValueError(
            f"{path}: this is a labels file where images are expected; are images and labels "
            "swapped?"
        )
    if values.ndim != 3:
        raise ValueError(f"{path}: {values.ndim} dimensions; images have 3 (count, height, width)")
    return values[..., np.newaxis]


def read_idx_labels(path: str | os.PathLike[str], classes: int) -> Labels:
    """Read labels from an IDX file of one dimension.

    Args:
        path: The file.
        classes: How many classes there are; labels go from 0 to ``classes - 1``.

    Returns:
        int64 ``(count,)``.

    Raises:
        ValueError: As `read_idx`, or the file holds images, or a label out of range.
        OSError: It cannot be opened or read.
    """
    values = read_idx(path)
    if values.ndim == 3:
        raise ValueError(
            f"{path}: this is an images file where labels are expected; are images and labels "
            "swapped?"
        )
    if values.ndim != 1:
        raise ValueError(f"{path}: {values.ndim} dimensions; labels have 1 (count)")
    check_label_range(values, classes, path)
    return values.astype(np.int64)


def write_idx(path: str | os.PathLike[str], values: NDArray[np.uint8]) -> None:
    """Write an IDX file of unsigned bytes, gzipped if its name ends in ``.gz``.

    The same values give the same bytes: the gzip header carries no time and no name.

    Args:
        path: The file to write, wholly or not at all.
        values: uint8, such as images ``(count, height, width)`` or labels ``(count,)``.

    Raises:
        ValueError: The values are of another type, or there are none.
        OSError: The file cannot be written.
    """
    if values.dtype != np.uint8 or not 1 <= values.ndim <= _MOST_DIMENSIONS or values.size == 0:
        raise ValueError(
            f"values are {values.dtype} of shape {values.shape}; an IDX file of images or labels "
            "holds uint8, at least one"
        )
    header = struct.pack(f">HBB{values.ndim}I", 0, _UNSIGNED_BYTE, values.ndim, *values.shape)
    content = header + values.tobytes()
    if str(path).endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def _read_header(file: Stream, path: Path) -> tuple[int, ...]:
    magic = _read_up_to(file, 4)
    if len(magic) < 4:
        raise ValueError(f"{path}: truncated: {len(magic)} bytes, too short for an IDX header")
    zero, code, rank = struct.unpack(">HBB", magic)
    if zero != 0 or not 1 <= rank <= _MOST_DIMENSIONS:
        raise ValueError(f"{path}: not an IDX file: it starts with the bytes {magic.hex(' ')}")
    if code != _UNSIGNED_BYTE:
        kind = _OTHER_TYPES.get(code, "unknown")
        raise ValueError(
            f"{path}: type code 0x{code:02x} ({kind}); images and labels are unsigned bytes (0x08)"
        )
    sizes = _read_up_to(file, 4 * rank)
    if len(sizes) < 4 * rank:
        raise ValueError(f"{path}: truncated: it ends within the header; get the file again")
    shape = struct.unpack(f">{rank}I", sizes)
    if 0 in shape:
        raise ValueError(f"{path}: the header announces {_times(shape)} values; it holds nothing")
    return shape


def _read_up_to(file: Stream, size: int) -> bytearray:
    """Read ``size`` bytes, or fewer at the end, taking memory as they come."""
    content = bytearray()
    while len(content) < size and (block := file.read(min(size - len(content), _BLOCK))):
        content += block
    return content


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{size:,}" for size in shape)
