"""A stream that takes everything, whatever stands behind it."""

import io

import pytest

from numcnn.text_stream import TextStream


class WriteOnly:
    def __init__(self):
        self.written = []

    def write(self, text):
        self.written.append(text)


class Broken(io.StringIO):
    encoding = "no such encoding"

    def write(self, text):
        raise OSError(32, "Broken pipe")

    def isatty(self):
        raise ValueError("I/O operation on closed file")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, object(), closed(), WriteOnly(), Broken()])
def test_anything_can_stand_behind_it(stream):
    text = TextStream(stream, may_fail=False)
    assert text.write("words\n") == 6
    text.flush()
    assert not text.isatty()
    with pytest.raises(OSError, match=r"no file|fileno"):
        text.fileno()
    assert text.encoding == "utf-8"
    assert not text.closed


def test_what_is_written_comes_through():
    stream = WriteOnly()
    TextStream(stream).write("words\n")
    assert stream.written == ["words\n"]


@pytest.mark.parametrize(
    ("encoding", "text", "shown"),
    [
        ("cp1252", "猫 café", "\\u732b café"),
        ("ascii", "café", "caf\\xe9"),
        ("utf-8", "猫 caf\udce9", "猫 caf\\udce9"),
        ("utf-16", "caf\udce9", "caf\\udce9"),
    ],
)
def test_letters_that_an_encoding_lacks_are_escapes(encoding, text, shown):
    raw = io.BytesIO()
    stream = TextStream(io.TextIOWrapper(raw, encoding=encoding, write_through=True))
    stream.write(text)
    assert raw.getvalue().decode(encoding) == shown


def test_an_error_is_raised_where_it_counts():
    with pytest.raises(OSError, match="Broken pipe"):
        TextStream(Broken()).write("words")


def test_after_an_error_nothing_more_is_written():
    class Once(WriteOnly):
        def write(self, text):
            super().write(text)
            raise OSError("gone")

    stream = Once()
    text = TextStream(stream, may_fail=False)
    text.write("one")
    text.write("two")
    assert stream.written == ["one"]


def test_a_terminal_stays_one():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    assert TextStream(Terminal()).isatty()
