"""What the folder of a run holds, and whether the run is finished or can go on."""

import json
from pathlib import Path

import pytest

from numcnn.experiments.run_folder import RunFolder

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


def write(folder: Path, **changes: object) -> RunFolder:
    folder.mkdir(exist_ok=True)
    run = RunFolder(folder)
    run.metrics.write_text(json.dumps({**GOOD, **changes}))
    return run


class TestLocked:
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
        with RunFolder.locked(tmp_path):
            assert {path.name for path in tmp_path.iterdir()} == {*mine, "deeper"}
        assert (tmp_path / "deeper" / left[0]).exists()


class TestWhatMayBeTrained:
    def test_a_folder_without_a_run_is_free(self, tmp_path):
        RunFolder(tmp_path / "new").require_free()

    def test_one_with_a_run_is_not(self, tmp_path):
        with pytest.raises(ValueError, match="holds a run already; choose another folder"):
            write(tmp_path / "run").require_free()

    def test_what_was_interrupted_can_go_on(self, tmp_path):
        run = write(tmp_path / "run", interrupted=True)
        run.settings.touch()
        run.checkpoint.touch()
        run.require_resumable()

    def test_what_finished_no_epoch_can_begin_anew(self, tmp_path):
        run = RunFolder(tmp_path)
        run.settings.touch()
        run.require_resumable()

    def test_what_has_not_begun_or_is_finished_cannot(self, tmp_path):
        with pytest.raises(ValueError, match=r"no run here to resume \(no settings.json\)"):
            RunFolder(tmp_path).require_resumable()
        run = write(tmp_path / "run")
        run.settings.touch()
        with pytest.raises(ValueError, match="this run is finished; there is nothing to resume"):
            run.require_resumable()

    def test_nor_can_one_whose_checkpoint_is_gone(self, tmp_path):
        run = write(tmp_path / "run", interrupted=True)
        run.settings.touch()
        with pytest.raises(ValueError, match=r"interrupted after 2 epochs.*train it anew"):
            run.require_resumable()


class TestModels:
    def test_a_run_has_one(self, tmp_path):
        run = write(tmp_path / "run")
        run.model.touch()
        assert run.finished_models() == [run.model]

    def test_an_ensemble_has_those_of_its_finished_members_in_the_order_of_seeds(self, tmp_path):
        ensemble = RunFolder(tmp_path)
        for seed in (9, 10, 11):
            write(ensemble.member(seed).path, interrupted=seed == 10).model.touch()
        assert ensemble.finished_models() == [ensemble.member(9).model, ensemble.member(11).model]

    def test_nothing_has_none(self, tmp_path):
        with pytest.raises(ValueError, match="no finished model in this folder"):
            RunFolder(tmp_path).finished_models()


class TestWhatIsFinished:
    def test_a_run_with_metrics_is(self, tmp_path):
        assert write(tmp_path / "run").is_finished

    def test_an_interrupted_one_is_not_even_without_its_checkpoint(self, tmp_path):
        run = write(tmp_path / "run", interrupted=True)
        assert run.is_interrupted
        assert not run.is_finished

    def test_one_with_a_checkpoint_is_not(self, tmp_path):
        run = write(tmp_path / "run")
        run.checkpoint.touch()
        assert not run.is_finished

    def test_nothing_is_not(self, tmp_path):
        assert not RunFolder(tmp_path).is_finished


class TestMetrics:
    def test_are_read(self, tmp_path):
        assert write(tmp_path / "run").read_metrics() == GOOD

    def test_may_begin_with_a_byte_order_mark(self, tmp_path):
        path = write(tmp_path / "run").metrics
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert RunFolder(tmp_path / "run").read_metrics() == GOOD

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
            run.read_metrics()
        assert told in str(caught.value)

    @pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"3", b"\xff", b"[" * 100_000])
    def test_that_are_none_are_refused(self, tmp_path, content):
        RunFolder(tmp_path).metrics.write_bytes(content)
        with pytest.raises(ValueError, match="not the metrics of a run"):
            RunFolder(tmp_path).read_metrics()

    def test_that_lack_what_is_needed_are_refused(self, tmp_path):
        run = write(tmp_path / "run")
        run.read_metrics("validation")
        with pytest.raises(ValueError, match="test_accuracy is None"):
            run.read_metrics("test")
