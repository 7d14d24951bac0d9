"""A folder belongs to one process at a time, and nothing of a dead one is in the way."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from numcnn.experiments.folder_lock import locked_folder

HOLD = """
import sys
from numcnn.experiments.folder_lock import locked_folder
with locked_folder(sys.argv[1]):
    print("in", flush=True)
    sys.stdin.readline()
"""


class TestLockedFolder:
    def test_makes_the_folder_and_leaves_nothing_in_it(self, tmp_path):
        with locked_folder(tmp_path / "a" / "b") as folder:
            (folder / "file").touch()
        assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file"]

    def test_removes_what_it_made_and_stayed_empty(self, tmp_path):
        with locked_folder(tmp_path / "a" / "b"):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_leaves_an_empty_folder_that_was_there(self, tmp_path):
        (tmp_path / "mine").mkdir()
        with locked_folder(tmp_path / "mine"):
            pass
        assert (tmp_path / "mine").is_dir()

    def test_refuses_a_second_one(self, tmp_path):
        with (
            locked_folder(tmp_path / "run"),
            pytest.raises(ValueError, match="run: another training is at work in this folder"),
            locked_folder(tmp_path / "run"),
        ):
            pass
        with locked_folder(tmp_path / "run"):  # free again
            pass

    def test_knows_the_folder_by_another_name(self, tmp_path):
        (tmp_path / "run").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "run")
        with (
            locked_folder(tmp_path / "run"),
            pytest.raises(ValueError, match="at work"),
            locked_folder(tmp_path / "link"),
        ):
            pass

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
    def test_ends_with_its_process(self, tmp_path):
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, tmp_path / "run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"in\n"
            with pytest.raises(ValueError, match="at work"), locked_folder(tmp_path / "run"):
                pass
            process.send_signal(signal.SIGKILL)
            process.wait()
        with locked_folder(tmp_path / "run"):
            pass

    def test_works_where_only_a_file_can_be_locked(self, tmp_path, monkeypatch):
        """As over NFS."""
        monkeypatch.setattr("numcnn.experiments.folder_lock.try_lock", only_of_files)
        with locked_folder(tmp_path / "run") as folder:
            assert [path.name for path in folder.iterdir()] == [".lock"]
            with pytest.raises(ValueError, match="at work"), locked_folder(folder):
                pass
        with locked_folder(tmp_path / "run"):
            pass

    def test_goes_on_where_nothing_can_be_locked(self, tmp_path, monkeypatch):
        def no_locks(descriptor):
            raise OSError("no locks available")

        monkeypatch.setattr("numcnn.experiments.folder_lock.try_lock", no_locks)
        with locked_folder(tmp_path / "run") as folder:
            assert folder == tmp_path / "run"

    def test_starts_over_when_the_folder_goes_at_the_last_moment(self, tmp_path, monkeypatch):
        from numcnn.experiments.folder_lock import try_lock

        calls = []

        def after_the_other_one(descriptor):
            calls.append(descriptor)
            if len(calls) == 1:
                (tmp_path / "run").rmdir()
            return try_lock(descriptor)

        monkeypatch.setattr("numcnn.experiments.folder_lock.try_lock", after_the_other_one)
        with locked_folder(tmp_path / "run") as folder:
            assert folder.is_dir()
        assert len(calls) == 2

    def test_two_that_choose_at_the_same_moment_get_two_folders(self, tmp_path):
        both, places = threading.Barrier(2), []

        def free() -> Path:
            number = 1
            while (place := tmp_path / f"run-{number}").exists():
                number += 1
            if len(places) < 2 and number == 1:
                both.wait(10)  # both have seen that the first is free
            return place

        def work() -> None:
            with locked_folder(free) as place:
                (place / "mine").touch()
                places.append(place.name)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sorted(places) == ["run-1", "run-2"]

    def test_says_that_a_file_is_in_the_way(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(OSError, match="file"), locked_folder(tmp_path / "file" / "run"):
            pass
        with pytest.raises(FileExistsError), locked_folder(tmp_path / "file"):
            pass


def only_of_files(descriptor: int) -> bool:
    import stat

    from numcnn.file_lock import try_lock

    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        raise OSError("bad file descriptor")
    return try_lock(descriptor)
