import errno
import os

import pytest

from numcnn.error_message import error_message


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOENT, "there is no such file or folder; check the path"),
        (errno.EACCES, "permission denied; choose another place, or change its permissions"),
        (errno.EISDIR, "this is a folder; give a file"),
        (errno.ENOTDIR, "a part of this path is a file and no folder; check the path"),
        (errno.ENOSPC, "the disk is full; make room, or choose another place"),
        (errno.ENAMETOOLONG, "the name is too long; choose a shorter one"),
        (errno.EROFS, "the file system is read-only; choose another place"),
        (errno.ENOTTY, f"{os.strerror(errno.ENOTTY)}; check the path"),
    ],
)
def test_an_error_of_the_system_is_path_reason_and_remedy(number, told):
    error = OSError(number, os.strerror(number), "some/path")
    assert error_message(error) == f"some/path: {told}"


def test_without_a_path_it_is_of_the_output():
    assert error_message(OSError(errno.ENOSPC, "No space")).startswith("output: the disk is full")


def test_our_own_words_stay():
    assert error_message(FileNotFoundError("m: there is no such file")) == (
        "m: there is no such file"
    )
    assert error_message(ValueError("two\nlines")) == "two lines"
    assert error_message(ValueError()) == "ValueError"


def test_what_has_nothing_to_do_with_files_keeps_its_words():
    error = OSError(errno.EADDRINUSE, "error while attempting to bind on address")
    assert error_message(error) == "error while attempting to bind on address"


def test_memory():
    assert "there is not enough memory" in error_message(MemoryError("3 GiB"))
