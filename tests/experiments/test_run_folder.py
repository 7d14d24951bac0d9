"""The folder of a run belongs to one process at a time, and nothing of a dead one is in the way."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from numcnn.experiments.run_folder import (
    CHECKPOINT,
    METRICS,
    is_finished,
    is_interrupted,
    load_metrics,
    occupied,
)

HOLD = """
import sys
from numcnn.experiments.run_folder import occupied
with occupied(sys.argv[1]):
    print("in", flush=True)
    sys.stdin.readline()
"""

GOOD = {
    "test_accuracy": None,
    "test_loss": None,
    "validation_accuracy": 0.5,
    "validation_loss": 0.7,
    "best_epoch": 1,
    "epochs": 2,
    "interrupted": False,
    "parameters": 10,
    "multiply_adds": 20,
    "seconds": 1.5,
    "images_per_second": 100.0,
}


def write(folder: Path, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / METRICS).write_text(json.dumps({**GOOD, **changes}))
    return folder


class TestOccupied:
    def test_makes_the_folder_and_leaves_nothing_in_it(self, tmp_path):
        with occupied(tmp_path / "a" / "b") as folder:
            (folder / "file").touch()
        assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file"]

    def test_removes_what_it_made_and_stayed_empty(self, tmp_path):
        with occupied(tmp_path / "a" / "b"):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_leaves_an_empty_folder_that_was_there(self, tmp_path):
        (tmp_path / "mine").mkdir()
        with occupied(tmp_path / "mine"):
            pass
        assert (tmp_path / "mine").is_dir()

    def test_refuses_a_second_one(self, tmp_path):
        with (
            occupied(tmp_path / "run"),
            pytest.raises(ValueError, match="run: another training is at work in this folder"),
            occupied(tmp_path / "run"),
        ):
            pass
        with occupied(tmp_path / "run"):  # free again
            pass

    def test_knows_the_folder_by_another_name(self, tmp_path):
        (tmp_path / "run").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "run")
        with (
            occupied(tmp_path / "run"),
            pytest.raises(ValueError, match="at work"),
            occupied(tmp_path / "link"),
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
            with pytest.raises(ValueError, match="at work"), occupied(tmp_path / "run"):
                pass
            process.send_signal(signal.SIGKILL)
            process.wait()
        with occupied(tmp_path / "run"):
            pass

    def test_works_where_only_a_file_can_be_locked(self, tmp_path, monkeypatch):
        """As over NFS."""
        monkeypatch.setattr("numcnn.experiments.run_folder.try_lock", only_of_files)
        with occupied(tmp_path / "run") as folder:
            assert [path.name for path in folder.iterdir()] == [".lock"]
            with pytest.raises(ValueError, match="at work"), occupied(folder):
                pass
        with occupied(tmp_path / "run"):
            pass

    def test_goes_on_where_nothing_can_be_locked(self, tmp_path, monkeypatch):
        def no_locks(descriptor):
            raise OSError("no locks available")

        monkeypatch.setattr("numcnn.experiments.run_folder.try_lock", no_locks)
        with occupied(tmp_path / "run") as folder:
            assert folder == tmp_path / "run"

    def test_starts_over_when_the_folder_goes_at_the_last_moment(self, tmp_path, monkeypatch):
        from numcnn.experiments.run_folder import try_lock

        calls = []

        def after_the_other_one(descriptor):
            calls.append(descriptor)
            if len(calls) == 1:
                (tmp_path / "run").rmdir()
            return try_lock(descriptor)

        monkeypatch.setattr("numcnn.experiments.run_folder.try_lock", after_the_other_one)
        with occupied(tmp_path / "run") as folder:
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
            with occupied(free) as place:
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
        with pytest.raises(OSError, match="file"), occupied(tmp_path / "file" / "run"):
            pass
        with pytest.raises(FileExistsError), occupied(tmp_path / "file"):
            pass

    def test_sweeps_what_killed_runs_left_and_nothing_else(self, tmp_path):
        left = [".model-0123456789abcdef.safetensors", ".curves-00ff00ff00ff00ff.png"]
        mine = [
            *(
                ".model-0123456789abcdef.txt",
                ".other-0123456789abcdef.json",
                ".model-1.safetensors",
            ),
            *("model-0123456789abcdef.safetensors", ".settings-0123456789ABCDEF.json", "notes.txt"),
        ]
        for name in (*left, *mine):
            (tmp_path / name).touch()
        (tmp_path / "deeper").mkdir()
        (tmp_path / "deeper" / left[0]).touch()
        with occupied(tmp_path):
            assert {path.name for path in tmp_path.iterdir()} == {*mine, "deeper"}
        assert (tmp_path / "deeper" / left[0]).exists()


def only_of_files(descriptor: int) -> bool:
    import stat

    from numcnn.file_lock import try_lock

    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        raise OSError("bad file descriptor")
    return try_lock(descriptor)


class TestWhatIsFinished:
    def test_a_run_with_metrics_is(self, tmp_path):
        assert is_finished(write(tmp_path / "run"))

    def test_an_interrupted_one_is_not_even_without_its_checkpoint(self, tmp_path):
        run = write(tmp_path / "run", interrupted=True)
        assert is_interrupted(run)
        assert not is_finished(run)

    def test_one_with_a_checkpoint_is_not(self, tmp_path):
        run = write(tmp_path / "run")
        (run / CHECKPOINT).touch()
        assert not is_finished(run)

    def test_nothing_is_not(self, tmp_path):
        assert not is_finished(tmp_path)


class TestMetrics:
    def test_are_read(self, tmp_path):
        assert load_metrics(write(tmp_path / "run")) == GOOD

    def test_may_begin_with_a_byte_order_mark(self, tmp_path):
        path = write(tmp_path / "run") / METRICS
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert load_metrics(tmp_path / "run") == GOOD

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"interrupted": "no"}, "interrupted is 'no'"),
            ({"validation_accuracy": 1.5}, "validation_accuracy is 1.5"),
            ({"validation_accuracy": True}, "validation_accuracy is True"),
            ({"test_accuracy": "0.5"}, "test_accuracy is '0.5'"),
            ({"test_loss": float("nan")}, "test_loss is nan"),
            ({"seconds": float("inf")}, "seconds is inf"),
            ({"seconds": -1}, "seconds is -1"),
            ({"images_per_second": 10**400}, "images_per_second is 1000"),
            ({"parameters": 1.5}, "parameters is 1.5"),
            ({"epochs": 0}, "best_epoch is 1 of 0"),
            ({"best_epoch": 3}, "best_epoch is 3 of 2"),
        ],
    )
    def test_that_cannot_be_are_refused(self, tmp_path, changes, told):
        run = write(tmp_path / "run", **changes)
        with pytest.raises(ValueError, match=r"metrics\.json: not the metrics of a run") as caught:
            load_metrics(run)
        assert told in str(caught.value)

    @pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"3", b"\xff", b"[" * 100_000])
    def test_that_are_none_are_refused(self, tmp_path, content):
        (tmp_path / METRICS).write_bytes(content)
        with pytest.raises(ValueError, match="not the metrics of a run"):
            load_metrics(tmp_path)

    def test_that_lack_what_is_needed_are_refused(self, tmp_path):
        run = write(tmp_path / "run")
        load_metrics(run, "validation")
        with pytest.raises(ValueError, match="test_accuracy is None"):
            load_metrics(run, "test")
