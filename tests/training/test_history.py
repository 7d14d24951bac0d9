"""The records of a training, in memory and as JSON Lines."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numcnn.training import EpochRecord, History
from tests.training.tasks import train

shares = st.floats(0, 1)
positive = st.floats(0, 1e9)
optional = st.one_of(st.none(), shares)
records = st.builds(
    EpochRecord,
    epoch=st.integers(1, 1000),
    loss=positive,
    accuracy=shares,
    learning_rate=positive,
    seconds=positive,
    images_per_second=positive,
    validation_loss=optional,
    validation_accuracy=optional,
)


def record(epoch, accuracy=None, loss=None, speed=1.0):
    return EpochRecord(epoch, 0.5, 0.5, 0.1, 2.0, speed, loss, accuracy)


class TestTheFile:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(rows=st.lists(records, max_size=5))
    def test_gives_back_what_was_saved(self, rows, tmp_path):
        History(rows).save(tmp_path / "history.jsonl")
        assert History.load(tmp_path / "history.jsonl").records == rows

    def test_of_a_real_training_gives_it_back(self, tmp_path):
        _, history = train("validation")
        history.save(tmp_path / "history.jsonl")
        assert History.load(tmp_path / "history.jsonl").records == history.records

    def test_has_an_object_a_line(self, tmp_path):
        History([record(1), record(2, 0.5, 1.0)]).save(tmp_path / "history.jsonl")
        text = (tmp_path / "history.jsonl").read_text("utf-8")
        assert text.endswith("\n")
        lines = [json.loads(line) for line in text.splitlines()]
        assert [line["epoch"] for line in lines] == [1, 2]

    def test_leaves_out_what_there_is_not(self, tmp_path):
        History([record(1)]).save(tmp_path / "history.jsonl")
        line = json.loads((tmp_path / "history.jsonl").read_text("utf-8"))
        assert set(line) == {
            "epoch",
            "loss",
            "accuracy",
            "learning_rate",
            "seconds",
            "images_per_second",
        }

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"nonsense",
            b"{",
            b"3",
            b"[1, 2]",
            b"null",
            b"{}",
            b'{"epoch": 1}',
            b'{"epoch": 1, "loss": 1, "accuracy": 1, "learning_rate": 1, "seconds": 1, '
            b'"images_per_second": 1, "mood": "good"}',
            b"\xff\xfe\x00binary",
        ],
    )
    def test_with_a_wrong_line_is_refused_with_its_number(self, line, tmp_path):
        file = tmp_path / "history.jsonl"
        History([record(1), record(2)]).save(file)
        file.write_bytes(file.read_bytes() + line + b"\n")
        with pytest.raises(ValueError, match="line 3: not an epoch's record") as caught:
            History.load(file)
        assert str(caught.value).startswith(f"{file}, ")

    def test_that_is_missing_is_an_error(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            History.load(tmp_path / "history.jsonl")


class TestBest:
    @pytest.mark.parametrize(
        ("judged", "best"),
        [
            ([(0.5, 1.0)], 1),
            ([(0.5, 1.0), (0.9, 2.0), (0.7, 0.1)], 2),
            ([(0.5, 1.0), (0.5, 0.9), (0.5, 1.1)], 2),
            ([(0.5, 1.0), (0.5, 1.0)], 1),
            ([(None, None), (None, None), (None, None)], 3),
        ],
        ids=["one", "accuracy", "loss of equal accuracies", "first of equals", "no validation"],
    )
    def test_is_the_epoch_of(self, judged, best):
        rows = [record(epoch, *judgment) for epoch, judgment in enumerate(judged, 1)]
        assert History(rows).best == rows[best - 1]

    def test_of_nothing_is_none(self):
        assert History().best is None


class TestSums:
    def test_seconds_are_added_up(self):
        assert History([record(1), record(2), record(3)]).seconds == 6

    def test_speed_is_the_median(self):
        speeds = [record(1, speed=1), record(2, speed=100), record(3, speed=90)]
        assert History(speeds).images_per_second == 90

    def test_of_nothing_are_zero(self):
        assert (len(History()), History().seconds, History().images_per_second) == (0, 0, 0)

    def test_no_number_of_a_training_is_infinite(self):
        _, history = train("validation")
        assert all(
            math.isfinite(value) for row in history.records for value in row.as_dict().values()
        )
