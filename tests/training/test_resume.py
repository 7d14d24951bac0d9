"""An interrupted training, resumed, ends in the same bits as one that ran through."""

import signal
import sys
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

from numcnn.nn import SGD, Adam, Dense, MeanSquaredError, Sequential
from numcnn.training import History
from tests.training.process import Worker
from tests.training.tasks import (
    CASES,
    EPOCHS,
    Crash,
    CrashAt,
    Jump,
    Watch,
    plain,
    rich,
    rows,
    saved,
    stripes,
    train,
)


@cache
def uninterrupted(case: str) -> tuple[Sequential, History]:
    return train(case)


def crash(case, checkpoint, *, epoch, batch=3, resume=False, **changed):
    with pytest.raises(Crash):
        train(
            case,
            checkpoint=checkpoint,
            callbacks=[CrashAt(epoch, batch)],
            resume=resume,
            **changed,
        )


def assert_same(found, expected, folder):
    (model, history), (other, other_history) = found, expected
    assert_array_equal(model.parameters, other.parameters)
    assert_array_equal(model.statistics, other.statistics)
    assert rows(history) == rows(other_history)
    assert saved(model, folder) == saved(other, folder)


class TestAnInterruptedTraining:
    @pytest.mark.parametrize("epoch", [2, 4])
    @pytest.mark.parametrize("case", CASES)
    def test_ends_as_one_that_ran_through(self, case, epoch, tmp_path):
        crash(case, tmp_path / "c", epoch=epoch)
        resumed = train(case, checkpoint=tmp_path / "c", resume=True)
        assert_same(resumed, uninterrupted(case), tmp_path)

    @pytest.mark.parametrize("batch", [1, 8])
    def test_may_stop_at_the_first_and_at_the_last_batch(self, batch, tmp_path):
        crash("average", tmp_path / "c", epoch=3, batch=batch)
        resumed = train("average", checkpoint=tmp_path / "c", resume=True)
        assert_same(resumed, uninterrupted("average"), tmp_path)

    def test_may_stop_again_and_again(self, tmp_path):
        crash("adam", tmp_path / "c", epoch=2)
        crash("adam", tmp_path / "c", epoch=2, batch=7, resume=True)
        crash("adam", tmp_path / "c", epoch=4, resume=True)
        resumed = train("adam", checkpoint=tmp_path / "c", resume=True)
        assert_same(resumed, uninterrupted("adam"), tmp_path)

    def test_starts_anew_if_it_stopped_before_the_first_checkpoint(self, tmp_path):
        crash("adam", tmp_path / "c", epoch=1)
        assert not (tmp_path / "c").exists()
        resumed = train("adam", checkpoint=tmp_path / "c", resume=True)
        assert_same(resumed, uninterrupted("adam"), tmp_path)

    def test_goes_on_where_it_stopped(self, tmp_path):
        crash("adam", tmp_path / "c", epoch=4)
        watch = Watch()
        train("adam", checkpoint=tmp_path / "c", resume=True, callbacks=[watch])
        assert watch.calls.count("epoch_end") == 1

    def test_starts_anew_without_resume(self, tmp_path):
        crash("adam", tmp_path / "c", epoch=4)
        watch = Watch()
        train("adam", checkpoint=tmp_path / "c", callbacks=[watch])
        assert watch.calls.count("epoch_end") == EPOCHS

    def test_may_go_on_with_the_objects_it_had(self, tmp_path):
        """As in a notebook: the half-trained model and its optimizer are still there."""
        model, optimizer = rich(), Adam(learning_rate=0.01)
        crash("adam", tmp_path / "c", epoch=3, model=model, optimizer=optimizer)
        resumed = train(
            "adam", model=model, optimizer=optimizer, checkpoint=tmp_path / "c", resume=True
        )
        assert_same(resumed, uninterrupted("adam"), tmp_path)

    @pytest.mark.slow
    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
    @pytest.mark.parametrize("case", ["momentum", "averaged validation", "augmentation"])
    def test_may_have_been_killed(self, case, tmp_path):
        with Worker(case, tmp_path, "--wait-in-epoch", "3") as worker:
            worker.wait_until_ready()
            assert worker.kill(signal.SIGKILL) == -signal.SIGKILL
        with Worker(case, tmp_path, "--resume") as worker:
            answer = worker.answer()
        model, history = uninterrupted(case)
        assert answer["rows"] == rows(history)
        assert answer["epochs"] == 2
        assert bytes.fromhex(answer["model"]) == saved(model, tmp_path)


class TestAFinishedTraining:
    @pytest.mark.parametrize("case", ["adam", "best in the middle", "early stopping"])
    def test_trains_nothing_and_gives_the_same(self, case, tmp_path):
        train(case, checkpoint=tmp_path / "c")
        before = (tmp_path / "c").read_bytes()
        watch = Watch()
        resumed = train(case, checkpoint=tmp_path / "c", resume=True, callbacks=[watch])
        assert watch.calls == ["train_begin", "train_end"]
        assert_same(resumed, uninterrupted(case), tmp_path)
        assert (tmp_path / "c").read_bytes() == before


def other_data():
    data = stripes()
    data.images[5, 0, 0, 0] ^= 1
    return data


def other_labels():
    data = stripes()
    data.labels[5] = (data.labels[5] + 1) % 3
    return data


OTHERWISE = {
    "seed": ({"seed": 4}, "seed was 3 and is 4"),
    "fewer epochs": ({"epochs": 3}, "epochs was 4 and is 3"),
    "batch_size": ({"batch_size": 9}, "batch_size was 8 and is 9"),
    "learning rate": (
        {"optimizer": Adam(learning_rate=0.02)},
        r"optimizer was 'Adam\(learning_rate=0.01, .* and is 'Adam\(learning_rate=0.02, ",
    ),
    "optimizer": ({"optimizer": SGD()}, "optimizer was 'Adam.* and is 'SGD"),
    "schedule": ({"optimizer": Adam(learning_rate=Jump(0.01, 0.01, 1))}, "is 'Adam.*Jump"),
    "loss": ({"loss": MeanSquaredError()}, "loss was 'SoftmaxCrossEntropy"),
    "average": ({"average": 0.5}, "average was None and is 0.5"),
    "augmentation": (CASES["augmentation"](), "augmentation was None and is {"),
    "image": ({"data": other_data()}, "training_images was '60 images, CRC-32 "),
    "label": ({"data": other_labels()}, "training_images was '60 images, CRC-32 "),
    "fewer images": ({"data": stripes(59)}, "training_images was '60 images, .* is '59 images"),
    "validation": ({"validation": stripes(9)}, "validation_images was None and is '9 images"),
    "architecture": ({"model": plain()}, "architecture was .*Conv2D.* and is .*Rescaling"),
}


class TestAnotherTraining:
    @pytest.mark.parametrize(("changed", "message"), OTHERWISE.values(), ids=OTHERWISE)
    def test_is_refused_and_changes_nothing(self, changed, message, tmp_path):
        changed = dict(changed)
        crash("adam", tmp_path / "c", epoch=3)
        before = (tmp_path / "c").read_bytes()
        model = changed.pop("model", None) or rich()
        model.build((6, 6, 1), seed=11)
        parameters, statistics = model.parameters.copy(), model.statistics.copy()
        watch = Watch()
        with pytest.raises(ValueError, match=message) as caught:
            train(
                "adam",
                model,
                checkpoint=tmp_path / "c",
                resume=True,
                callbacks=[watch],
                **changed,
            )
        assert "resume with the same ones, or start anew without resuming" in str(caught.value)
        assert str(caught.value).startswith(str(tmp_path / "c"))
        assert_array_equal(model.parameters, parameters)
        assert_array_equal(model.statistics, statistics)
        assert watch.calls == []
        assert (tmp_path / "c").read_bytes() == before

    def test_with_an_average_is_refused_without(self, tmp_path):
        crash("average", tmp_path / "c", epoch=3)
        with pytest.raises(ValueError, match=r"average was 0.9 and is None"):
            train("average", checkpoint=tmp_path / "c", resume=True, average=None)

    def test_of_another_size_is_refused(self, tmp_path):
        crash("adam", tmp_path / "c", epoch=2, model=Sequential([*plain().layers[:2], Dense(3)]))
        with pytest.raises(ValueError, match="architecture was"):
            train("adam", plain(), checkpoint=tmp_path / "c", resume=True)

    def test_that_differs_only_in_who_watches_is_the_same(self, tmp_path):
        crash("adam", tmp_path / "c", epoch=3)
        resumed = train("adam", checkpoint=tmp_path / "c", resume=True, progress="lines")
        assert_same(resumed, uninterrupted("adam"), tmp_path)


def test_the_number_of_blas_threads_changes_no_bit():
    """Images large enough for BLAS to share the work out."""
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            model = Sequential([*plain().layers[:2], Dense(512), Dense(3)])
            train("momentum", model, data=stripes(600), batch_size=300, epochs=2)
            found.append(model.parameters)
    assert np.array_equal(*found)
