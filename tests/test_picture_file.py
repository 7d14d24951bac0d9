"""One way to open a picture: what cannot be read, or should not be, is refused everywhere alike."""

import io
import os
import re
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import numcnn
from numcnn.data import read_image
from numcnn.handwriting.vision import load_picture
from numcnn.picture_decoding import read_picture
from numcnn.picture_error import PictureError
from numcnn.picture_file import FORMATS


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()


def huge() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    size = (9000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    packed = zlib.compress(bytes(1000))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size)
    return start + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


BAD = {
    "nothing": (b"", "empty: 0 bytes"),
    "text": (b"<html>404</html>", "not a picture of a known kind; give a PNG"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture of a known kind"),
    "ICO": (encoded("ICO"), "not a picture of a known kind"),
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(99), "HEIC, AVIF or a film"),
    "half a PNG": (encoded("PNG")[:200], "damaged or truncated"),
    "half a JPEG": (encoded("JPEG")[:300], "damaged or truncated"),
    "a bomb": (huge(), "9000 x 9000 pixels are more than 64 million"),
}


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_refused_alike(tmp_path, content, words):
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        for read in (read_image, load_picture):
            with pytest.raises(ValueError, match=words) as caught:
                read(path)
            assert str(caught.value).startswith(f"{path}: ")
            assert str(caught.value).count(str(path)) == 1
            assert "BytesIO" not in str(caught.value)
            assert "\n" not in str(caught.value)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="not a regular file"):
        read_picture(tmp_path / "pipe.png")


def test_pictures_are_opened_in_one_place_and_in_few_formats():
    """Pillow's own choice of formats includes EPS, for which it starts Ghostscript."""
    package = Path(numcnn.__file__).parent
    opening = re.compile(r"Image\.open\(|imread\(|load_img\(")
    found = [file.name for file in package.rglob("*.py") if opening.search(file.read_text("utf-8"))]
    assert found == ["picture_file.py"]
    assert not {"EPS", "PDF", "PSD", "FLI", "WMF"} & set(FORMATS)
