"""A file is whole or not there, whatever happens while it is written."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from numcnn.atomic_file import atomic_file, remove_abandoned


class Oops(Exception):  # noqa: N818
    """Something that goes wrong in the middle."""


def write(path, text="new"):
    with atomic_file(path) as temporary:
        temporary.write_text(text)


def write_half(path, error):
    with atomic_file(path) as temporary:
        temporary.write_text("half")
        raise error


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


@pytest.fixture
def umask():
    """Change the process's umask for a test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


class TestSuccess:
    def test_puts_the_file_in_its_place(self, tmp_path):
        write(tmp_path / "a.txt")
        assert contents(tmp_path) == {"a.txt": "new"}

    def test_replaces_what_was_there(self, tmp_path):
        (tmp_path / "a.txt").write_text("old and longer")
        write(tmp_path / "a.txt")
        assert contents(tmp_path) == {"a.txt": "new"}

    def test_an_empty_file_is_a_file(self, tmp_path):
        with atomic_file(tmp_path / "a.txt"):
            pass
        assert contents(tmp_path) == {"a.txt": ""}

    def test_until_the_end_the_old_file_is_there(self, tmp_path):
        (tmp_path / "a.txt").write_text("old")
        with atomic_file(tmp_path / "a.txt") as temporary:
            temporary.write_text("new")
            assert (tmp_path / "a.txt").read_text() == "old"
            assert temporary.parent == tmp_path

    @pytest.mark.parametrize("name", ["a.txt", "model.safetensors", "plain", "a.b.png"])
    def test_the_temporary_file_has_the_same_suffix(self, name, tmp_path):
        with atomic_file(tmp_path / name) as temporary:
            assert temporary.suffix == Path(name).suffix
            assert temporary.name.startswith(".")
        assert list(contents(tmp_path)) == [name]

    def test_makes_missing_folders(self, tmp_path):
        write(tmp_path / "b" / "c" / "a.txt")
        assert (tmp_path / "b" / "c" / "a.txt").read_text() == "new"

    def test_takes_text_as_a_path(self, tmp_path):
        write(str(tmp_path / "a.txt"))
        assert contents(tmp_path) == {"a.txt": "new"}

    def test_takes_a_path_without_a_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        write("a.txt")
        assert contents(tmp_path) == {"a.txt": "new"}

    def test_two_writers_do_not_meet(self, tmp_path):
        with atomic_file(tmp_path / "a.txt") as one, atomic_file(tmp_path / "a.txt") as other:
            one.write_text("one")
            other.write_text("other")
        assert contents(tmp_path) == {"a.txt": "one"}

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
    @pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
    def test_the_permissions_are_the_users_usual_ones(self, mask, umask, tmp_path):
        umask(mask)
        write(tmp_path / "a.txt")
        assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~mask

    def test_the_content_is_on_the_disk_before_the_file_is_in_its_place(
        self, tmp_path, monkeypatch
    ):
        order = []
        sync, replace = os.fsync, Path.replace
        monkeypatch.setattr(os, "fsync", lambda file: (order.append("sync"), sync(file)))
        monkeypatch.setattr(
            Path, "replace", lambda old, new: (order.append("replace"), replace(old, new))
        )
        write(tmp_path / "a.txt")
        assert order == ["sync", "replace"]


class TestFailure:
    @pytest.mark.parametrize("error", [Oops, OSError, KeyboardInterrupt, SystemExit])
    def test_leaves_the_old_file_and_nothing_else(self, error, tmp_path):
        (tmp_path / "a.txt").write_text("old")
        with pytest.raises(error):
            write_half(tmp_path / "a.txt", error)
        assert contents(tmp_path) == {"a.txt": "old"}

    def test_leaves_no_file_where_there_was_none(self, tmp_path):
        with pytest.raises(Oops):
            write_half(tmp_path / "a.txt", Oops)
        assert contents(tmp_path) == {}

    @pytest.mark.parametrize("where", [(os, "fsync"), (Path, "replace")], ids=["sync", "rename"])
    def test_of_the_system_leaves_the_old_file(self, where, monkeypatch, tmp_path):
        def fail(*arguments):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        (tmp_path / "a.txt").write_text("old")
        monkeypatch.setattr(*where, fail)
        with pytest.raises(OSError, match="No space left on device") as caught:
            write(tmp_path / "a.txt")
        assert contents(tmp_path) == {"a.txt": "old"}
        assert caught.value.filename == str(tmp_path / "a.txt")

    def test_an_error_that_names_a_file_keeps_its_name(self, tmp_path):
        with pytest.raises(FileNotFoundError) as caught, atomic_file(tmp_path / "a.txt"):
            (tmp_path / "other").read_text()
        assert caught.value.filename == str(tmp_path / "other")

    def test_an_error_without_a_number_keeps_its_words(self, tmp_path):
        with pytest.raises(OSError, match=r"^just words$"), atomic_file(tmp_path / "a.txt"):
            raise OSError("just words")

    def test_when_the_writer_took_its_file_away(self, tmp_path):
        (tmp_path / "a.txt").write_text("old")
        with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "a.txt") as temporary:
            temporary.unlink()
        assert contents(tmp_path) == {"a.txt": "old"}


class TestThePlace:
    def test_may_not_be_a_folder(self, tmp_path):
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "mine").write_text("mine")
        # On Windows it is the latter.
        with pytest.raises((IsADirectoryError, PermissionError)):
            write(tmp_path / "a")
        assert list(tmp_path.iterdir()) == [tmp_path / "a"]
        assert contents(tmp_path / "a") == {"mine": "mine"}

    def test_may_not_be_below_a_file(self, tmp_path):
        (tmp_path / "a").write_text("mine")
        with pytest.raises((NotADirectoryError, FileExistsError)):
            write(tmp_path / "a" / "b.txt")
        assert contents(tmp_path) == {"a": "mine"}

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
    def test_may_not_be_in_a_folder_that_cannot_be_written(self, tmp_path):
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(PermissionError):
                write(tmp_path / "a.txt")
        finally:
            tmp_path.chmod(0o700)
        assert contents(tmp_path) == {}

    def test_may_not_be_in_a_folder_that_the_system_forbids(self, tmp_path, monkeypatch):
        def forbid(*arguments):
            raise PermissionError(errno.EACCES, "Permission denied", str(arguments[0]))

        monkeypatch.setattr(os, "open", forbid)
        with pytest.raises(PermissionError):
            write(tmp_path / "a.txt")
        monkeypatch.undo()
        assert contents(tmp_path) == {}

    @pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")
    def test_may_not_be_a_pipe(self, tmp_path):  # nor a device, which a test could spoil for all
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="not a regular file"):
            write(tmp_path / "pipe")
        assert list(tmp_path.iterdir()) == [tmp_path / "pipe"]

    @pytest.mark.parametrize("name", ["n" * 251 + ".txt", "é" * 125 + ".txt", "n" * 255])
    def test_may_have_the_longest_name(self, name, tmp_path):
        write(tmp_path / name)
        assert contents(tmp_path) == {name: "new"}

    def test_may_not_have_a_longer_one(self, tmp_path):
        with pytest.raises(OSError, match="too long") as caught:
            write(tmp_path / ("n" * 256))
        assert caught.value.filename == str(tmp_path / ("n" * 256))


class TestWhatKilledProcessesLeft:
    def test_is_removed(self, tmp_path):
        (tmp_path / ".a-0123456789abcdef.txt").touch()
        (tmp_path / ".b-0123456789abcdef.txt").touch()
        remove_abandoned([tmp_path / "a.txt", tmp_path / "missing" / "a.txt"])
        assert [path.name for path in tmp_path.iterdir()] == [".b-0123456789abcdef.txt"]

    def test_stays_while_its_process_lives(self, tmp_path):
        with atomic_file(tmp_path / "a.txt") as temporary:
            temporary.write_text("new")
            remove_abandoned([tmp_path / "a.txt"])
            assert temporary.exists()
        assert contents(tmp_path) == {"a.txt": "new"}

    @pytest.mark.skipif(os.name != "posix", reason="Windows has no fork")
    def test_of_another_process_is_told_from_a_living_ones(self, tmp_path):
        code = (
            "import sys\nfrom numcnn.atomic_file import atomic_file\n"
            "with atomic_file(sys.argv[1]):\n    print('in', flush=True)\n    sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "a.txt"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            remove_abandoned([tmp_path / "a.txt"])
            assert len(list(tmp_path.iterdir())) == 1
            process.kill()
            process.wait()
        remove_abandoned([tmp_path / "a.txt"])
        assert list(tmp_path.iterdir()) == []
