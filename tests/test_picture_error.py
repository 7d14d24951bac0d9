import pickle

import pytest

from numcnn.deadline import DeadlineExceeded
from numcnn.picture_error import ErrorsInOneLine, PictureError, PictureTooLargeError, one_line


def test_it_says_which_picture_and_why():
    error = PictureError("empty: 0 bytes", "a: b.png")
    assert (error.reason, error.name) == ("empty: 0 bytes", "a: b.png")
    assert str(error) == "a: b.png: empty: 0 bytes"
    assert str(PictureError("empty: 0 bytes")) == "empty: 0 bytes"


def test_it_can_be_sent_to_another_process():
    error = pickle.loads(pickle.dumps(PictureTooLargeError("too large", "a.png")))  # noqa: S301
    assert isinstance(error, PictureTooLargeError)
    assert (error.reason, error.name) == ("too large", "a.png")


def test_an_error_within_the_block_gets_the_name_and_keeps_its_kind():
    cause = OSError()
    with (
        pytest.raises(PictureTooLargeError, match=r"^a.png: too large$") as caught,
        ErrorsInOneLine("a.png"),
    ):
        raise PictureTooLargeError("too large") from cause
    assert caught.value.__cause__ is cause


def test_any_other_error_means_damage():
    with (
        pytest.raises(PictureError, match=r"^a.png: damaged or truncated \(two lines\)$"),
        ErrorsInOneLine("a.png"),
    ):
        raise SyntaxError("two\nlines")


@pytest.mark.parametrize("kind", [MemoryError, DeadlineExceeded, KeyboardInterrupt])
def test_what_is_not_the_pictures_fault_passes(kind):
    with pytest.raises(kind), ErrorsInOneLine("a.png"):
        raise kind


def test_a_text_becomes_one_line():
    assert one_line("a\nb\t\x00c  d") == "a b c d"
    assert one_line("x" * 200, 10) == "xxxxxxx..."
