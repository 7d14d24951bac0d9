"""The checkpoint's file: whole or as before, and never half believed."""

import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from safetensors.numpy import load_file, save_file

from numcnn.model_files import read_arrays, save_model, write_arrays
from numcnn.nn import Adam, MovingAverage
from numcnn.training.checkpoint import checksum, load_checkpoint
from tests.training.process import Worker
from tests.training.tasks import EPOCHS, At, Crash, CrashAt, Watch, rich, rows, saved, train


def no_space(*arguments, **settings):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class TestADiskThatFills:
    @pytest.mark.parametrize(
        ("module", "name"),
        [(Path, "write_bytes"), (os, "fsync"), (Path, "replace")],
        ids=["write", "sync", "rename"],
    )
    def test_leaves_the_checkpoint_before(self, module, name, monkeypatch, tmp_path):
        file = tmp_path / "run" / "checkpoint"
        before = []

        def fill():
            before.append(file.read_bytes())
            monkeypatch.setattr(module, name, no_space)

        with pytest.raises(OSError, match="No space left on device") as caught:
            train("adam", checkpoint=file, callbacks=[At(3, 3, fill)])
        assert caught.value.errno == errno.ENOSPC
        assert str(file) in str(caught.value)
        assert [file.read_bytes()] == before
        assert list(file.parent.iterdir()) == [file]

    def test_leaves_nothing_where_there_was_nothing(self, monkeypatch, tmp_path):
        monkeypatch.setattr(os, "fsync", no_space)
        with pytest.raises(OSError, match="No space left on device"):
            train("adam", checkpoint=tmp_path / "c")
        assert list(tmp_path.iterdir()) == []

    def test_ends_what_watches(self, monkeypatch, tmp_path):
        monkeypatch.setattr(os, "fsync", no_space)
        watch = Watch()
        with pytest.raises(OSError, match="No space left"):
            train("adam", checkpoint=tmp_path / "c", callbacks=[watch])
        assert watch.calls[-1] == "train_end"

    @pytest.mark.slow
    @pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit a file's size")
    def test_for_real_leaves_the_checkpoint_before_and_the_training_can_go_on(self, tmp_path):
        with Worker("average", tmp_path, "--no-room-in-epoch", "3") as worker:
            answer = worker.answer()
        assert answer["error"] == "OSError"
        assert "File too large" in answer["message"]
        assert repr(str(tmp_path / "checkpoint")) in answer["message"]
        before = (tmp_path / "checkpoint before").read_bytes()
        assert (tmp_path / "checkpoint").read_bytes() == before
        assert sorted(file.name for file in tmp_path.iterdir()) == [
            "checkpoint",
            "checkpoint before",
        ]
        model, history = train("average", checkpoint=tmp_path / "checkpoint", resume=True)
        expected, expected_history = train("average")
        assert rows(history) == rows(expected_history)
        assert saved(model, tmp_path) == saved(expected, tmp_path)


class TestThePlace:
    def test_missing_folders_are_made(self, tmp_path):
        train("adam", checkpoint=tmp_path / "a" / "b" / "c")
        assert (tmp_path / "a" / "b" / "c").is_file()

    def test_text_is_a_path_too(self, tmp_path):
        train("adam", checkpoint=str(tmp_path / "c"))
        _, history = train("adam", checkpoint=str(tmp_path / "c"), resume=True)
        assert len(history) == EPOCHS

    def test_a_folder_cannot_be_resumed_from(self, tmp_path):
        with pytest.raises(ValueError, match="not a file; give a checkpoint"):
            train("adam", checkpoint=tmp_path, resume=True)

    def test_a_folder_cannot_be_written_to(self, tmp_path):
        (tmp_path / "c").mkdir()
        with pytest.raises(OSError, match="directory"):
            train("adam", checkpoint=tmp_path / "c")
        assert list(tmp_path.iterdir()) == [tmp_path / "c"]

    def test_a_file_is_no_folder(self, tmp_path):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(OSError, match="file"):
            train("adam", checkpoint=tmp_path / "file" / "c")
        assert (tmp_path / "file").read_text() == "mine"


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("interrupted") / "checkpoint"
    with pytest.raises(Crash):
        train("average", checkpoint=file, callbacks=[CrashAt(3)])
    return file


def resume(file, **changed):
    return train("average", checkpoint=file, resume=True, **changed)


class TestADamagedFile:
    @pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.2, 0.5, 0.9, 0.999])
    def test_that_is_cut_off_is_refused(self, interrupted, share, tmp_path):
        content = interrupted.read_bytes()
        (tmp_path / "c").write_bytes(content[: int(len(content) * share)])
        with pytest.raises(ValueError, match="give a checkpoint written by numcnn, copied whole"):
            resume(tmp_path / "c")

    def test_that_is_a_model_is_refused(self, tmp_path):
        model, _ = train("average")
        save_model(tmp_path / "c", model)
        with pytest.raises(ValueError, match="this is a model, not a checkpoint"):
            resume(tmp_path / "c")

    def test_that_another_program_wrote_is_refused(self, tmp_path):
        save_file({"a": np.zeros(3)}, tmp_path / "c")
        with pytest.raises(ValueError, match="a safetensors file, but not numcnn's"):
            resume(tmp_path / "c")

    @pytest.mark.parametrize(
        "name",
        [
            "parameters",
            "statistics",
            "best.parameters",
            "best.statistics",
            "average.0",
            "average.1",
            "optimizer.mean",
        ],
    )
    @pytest.mark.parametrize("damage", ["missing", "longer", "float64"])
    def test_with_a_wrong_array_is_refused_and_changes_nothing(
        self, interrupted, name, damage, tmp_path
    ):
        arrays, header = read_arrays(interrupted, "checkpoint")
        if damage == "missing":
            del arrays[name]
        elif damage == "longer":
            arrays[name] = np.append(arrays[name], np.float32(0))
        else:
            arrays[name] = arrays[name].astype(np.float64)
        write_arrays(tmp_path / "c", arrays, header)
        assert_refused(tmp_path / "c", header["settings"])

    @pytest.mark.parametrize(
        "name",
        ["settings", "iterations", "average_iterations", "history", "kind", "computed_by"],
    )
    @pytest.mark.parametrize("damage", ["missing", "text", "list"])
    def test_with_a_wrong_header_is_refused_and_changes_nothing(
        self, interrupted, name, damage, tmp_path
    ):
        arrays, header = read_arrays(interrupted, "checkpoint")
        stored = header["settings"]
        if damage == "missing":
            del header[name]
        else:
            header[name] = {"text": "many", "list": [["many"]]}[damage]
        write_arrays(tmp_path / "c", arrays, header)
        assert_refused(tmp_path / "c", stored)

    @pytest.mark.parametrize("name", ["parameters", "best.parameters", "optimizer.square"])
    def test_with_a_bit_that_turned_is_refused(self, interrupted, name, tmp_path):
        arrays, header = read_arrays(interrupted, "checkpoint")
        arrays[name].view(np.uint32)[3] ^= 1
        write_arrays(tmp_path / "c", arrays, header)
        with pytest.raises(ValueError, match="the file is damaged: its checksum"):
            resume(tmp_path / "c")

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda header: header.update(iterations=15), "iterations is 15"),
            (lambda header: header.update(iterations="16"), "iterations is '16'"),
            (lambda header: header.update(iterations=16.0), "iterations is 16.0"),
            (lambda header: header.update(iterations=True), "iterations is True"),
            (lambda header: header.update(average_iterations=17), "average_iterations is 17"),
            (lambda header: header.update(history=[]), "its history has 0 of 4 epochs"),
            (lambda header: header.update(history={}), "its history has 0 of 4 epochs"),
            (lambda header: header["history"].reverse(), "as epoch 1"),
            (lambda header: header["history"].extend(3 * header["history"]), "has 8 of 4"),
            (lambda header: header["history"].pop(0), "as epoch 1"),
            (lambda header: header["history"][1].update(epoch="2"), "line 2: .*epoch is '2'"),
            (lambda header: header["history"][1].update(loss=None), "line 2: .*loss is None"),
            (lambda header: header["history"][1].update(accuracy=2), "line 2: .*accuracy is 2"),
            (lambda header: header["history"][1].update(loss=10**400), "line 2: .*loss is 1000"),
            (lambda header: header["history"][1].update(validation_loss=1), "as epoch 2"),
            (lambda header: header["history"][0].pop("loss"), "line 1: .*missing"),
            (lambda header: header.pop("checksum"), "there is no 'checksum' in it"),
        ],
    )
    def test_whose_header_cannot_be_is_refused(self, interrupted, change, told, tmp_path):
        """Also with the right checksum, as if it had been written so."""
        arrays, header = read_arrays(interrupted, "checkpoint")
        change(header)
        if "checksum" in header:
            header["checksum"] = checksum(arrays, header)
        write_arrays(tmp_path / "c", arrays, header)
        with pytest.raises(ValueError, match=told) as caught:
            resume(tmp_path / "c")
        assert str(caught.value).startswith(f"{tmp_path / 'c'}: ")

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_whose_weights_are_not_finite_is_refused(self, interrupted, value, tmp_path):
        arrays, header = read_arrays(interrupted, "checkpoint")
        arrays["best.parameters"][0] = value
        header["checksum"] = checksum(arrays, header)
        write_arrays(tmp_path / "c", arrays, header)
        with pytest.raises(ValueError, match=r"best\.parameters holds numbers that are not finite"):
            resume(tmp_path / "c")

    def test_of_a_training_with_another_identity_is_refused(self, tmp_path):
        with pytest.raises(Crash):
            train(
                "adam",
                checkpoint=tmp_path / "c",
                identity={"patience": 2},
                callbacks=[CrashAt(3)],
            )
        with pytest.raises(ValueError, match=r"identity was .*'patience': 2.* and is \{\}"):
            train("adam", checkpoint=tmp_path / "c", resume=True)
        train("adam", checkpoint=tmp_path / "c", resume=True, identity={"patience": 2})

    @settings(
        max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        flips=st.lists(
            st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255), st.booleans()),
            min_size=1,
            max_size=6,
        )
    )
    def test_with_flipped_bits_is_refused_or_believed(self, interrupted, flips, tmp_path):
        content = bytearray(interrupted.read_bytes())
        header_size = 8 + int.from_bytes(content[:8], "little")
        for place, bits, in_header in flips:
            content[int(place * (header_size if in_header else len(content)))] ^= bits
        (tmp_path / "c").write_bytes(content)
        _, header = read_arrays(interrupted, "checkpoint")
        model, optimizer, average = built()
        message = ""
        try:
            load_checkpoint(
                tmp_path / "c",
                settings=header["settings"],
                model=model,
                optimizer=optimizer,
                average=average,
            )
        except ValueError as error:
            message = str(error)
        if message:
            assert str(tmp_path / "c") in message
            assert_untouched(model, optimizer, average)


def built():
    model = rich()
    model.build((6, 6, 1), seed=7)
    return model, Adam(), MovingAverage(0.9)


def assert_untouched(model, optimizer, average):
    other, *_ = built()
    assert_array_equal(model.parameters, other.parameters)
    assert_array_equal(model.statistics, other.statistics)
    assert (optimizer.slots, optimizer.iterations) == ({}, 0)
    assert (average.average, average.iterations) == ([], 0)


def assert_refused(file, stored):
    model, optimizer, average = built()
    with pytest.raises(ValueError, match=str(file)):
        load_checkpoint(file, settings=stored, model=model, optimizer=optimizer, average=average)
    assert_untouched(model, optimizer, average)


def test_a_checkpoint_is_plain_safetensors(interrupted):
    arrays = load_file(interrupted)
    assert set(arrays) == {
        "parameters",
        "statistics",
        "best.parameters",
        "best.statistics",
        "average.0",
        "average.1",
        "optimizer.mean",
        "optimizer.square",
    }
