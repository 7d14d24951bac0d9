"""Ctrl-C: the epoch at work is dropped, the best so far is kept, and nothing is left half-done."""

import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from numpy.testing import assert_array_equal

from numcnn.training.interruption import Interruption
from tests.training.process import Worker
from tests.training.tasks import EPOCHS, At, Watch, rich, rows, saved, train


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


class TestTheFirstCtrlC:
    def test_ends_the_training_after_the_batch_at_work(self):
        watch = Watch()
        _, history = train("adam", callbacks=[At(2, 3, press_ctrl_c), watch])
        assert history.interrupted
        assert len(history) == 1
        assert watch.calls.count("batch_end") == 8 + 3
        assert watch.calls[-2:] == ["batch_end", "train_end"]

    def test_gives_the_model_the_weights_of_the_last_epoch(self):
        watch = Watch()
        model, _ = train("momentum", callbacks=[At(3, 3, press_ctrl_c), watch])
        assert_array_equal(model.parameters, watch.epochs[1])
        assert_array_equal(model.statistics, watch.statistics[1])

    def test_gives_the_model_the_weights_of_the_best_epoch(self):
        watch = Watch()
        model, history = train(
            "best in the middle", callbacks=[At(4, 3, press_ctrl_c), watch], epochs=9
        )
        assert (history.best.epoch, len(history)) == (2, 3)
        assert_array_equal(model.parameters, watch.epochs[1])
        assert_array_equal(model.statistics, watch.statistics[1])

    @pytest.mark.parametrize("case", ["averaged validation", "early stopping", "rmsprop"])
    def test_can_be_resumed_from(self, case, tmp_path):
        train(case, checkpoint=tmp_path / "c", callbacks=[At(3, 1, press_ctrl_c)])
        model, history = train(case, checkpoint=tmp_path / "c", resume=True)
        expected, expected_history = train(case)
        assert rows(history) == rows(expected_history)
        assert saved(model, tmp_path) == saved(expected, tmp_path)
        assert not history.interrupted

    def test_during_validation_ends_the_training_before_the_next_batch(self):
        class InEpochEnd(Watch):
            def epoch_end(self, moment, record):
                super().epoch_end(moment, record)
                press_ctrl_c()

        watch = InEpochEnd()
        _, history = train("adam", callbacks=[watch])
        assert history.interrupted
        assert watch.calls.count("batch_end") == 8

    def test_before_the_first_epoch_is_done_leaves_the_model_as_it_began(self, tmp_path):
        model, history = train(
            "adam", checkpoint=tmp_path / "c", callbacks=[At(1, 2, press_ctrl_c)]
        )
        assert history.interrupted
        assert len(history) == 0
        assert list(tmp_path.iterdir()) == []
        untrained = rich()
        untrained.build(model.input_shape, 3)
        assert_array_equal(model.parameters, untrained.parameters)


class TestTheSecondCtrlC:
    def test_breaks_in_at_once(self):
        watch = Watch()

        def twice():
            press_ctrl_c()
            press_ctrl_c()

        with pytest.raises(KeyboardInterrupt):
            train("adam", callbacks=[At(2, 3, twice), watch])
        assert watch.calls[-1] == "train_end"


class TestTheHandler:
    @pytest.fixture(autouse=True)
    def own_handler(self):
        before = signal.getsignal(signal.SIGINT)
        self.pressed = 0
        signal.signal(signal.SIGINT, self.handle)
        yield
        signal.signal(signal.SIGINT, before)

    def handle(self, number, frame):
        self.pressed += 1

    def test_is_put_back_after_the_training(self):
        train("adam", epochs=1)
        assert signal.getsignal(signal.SIGINT) == self.handle

    def test_is_put_back_after_ctrl_c(self):
        train("adam", callbacks=[At(1, 1, press_ctrl_c)])
        assert self.pressed == 0
        press_ctrl_c()
        assert self.pressed == 1

    def test_is_put_back_after_an_error(self):
        def fail():
            raise ValueError("mine")

        with pytest.raises(ValueError, match="mine"):
            train("adam", callbacks=[At(1, 1, fail)])
        assert signal.getsignal(signal.SIGINT) == self.handle

    def test_is_left_alone_by_another_thread(self):
        seen = []
        look = At(1, 1, lambda: seen.append(signal.getsignal(signal.SIGINT)))
        with ThreadPoolExecutor(1) as thread:
            thread.submit(train, "adam", callbacks=[look]).result()
        assert seen == [self.handle]
        assert signal.getsignal(signal.SIGINT) == self.handle

    def test_that_python_does_not_know_is_left_alone(self, monkeypatch):
        """Another language may have set it; then Python says None, and could not put it back."""
        monkeypatch.setattr(signal, "getsignal", lambda _: None)
        with Interruption() as interruption:
            press_ctrl_c()
        assert not interruption.requested
        assert self.pressed == 1


def test_a_training_in_another_thread_ends_in_the_same_bits():
    with ThreadPoolExecutor(1) as thread:
        model, _ = thread.submit(train, "adam").result()
    assert_array_equal(model.parameters, train("adam")[0].parameters)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
class TestARealProcess:
    @pytest.mark.slow
    def test_ends_quickly_with_the_best_epoch_and_can_be_resumed(self, tmp_path):
        case = "best in the middle"
        with Worker(case, tmp_path, "--wait-in-epoch", "4") as worker:
            worker.wait_until_ready()
            before = (tmp_path / "checkpoint").read_bytes()
            worker.process.send_signal(signal.SIGINT)
            start = time.monotonic()
            answer = worker.answer()
            assert time.monotonic() - start < 10
        assert answer["interrupted"]
        assert answer["epochs"] == 3
        assert answer["batches"] == 3 * 6 + 3
        assert (tmp_path / "checkpoint").read_bytes() == before
        model, history = train(case)
        assert answer["rows"] == rows(history)[:3]
        assert bytes.fromhex(answer["model"]) == saved(model, tmp_path)
        with Worker(case, tmp_path, "--resume") as worker:
            resumed = worker.answer()
        assert resumed["epochs"] == EPOCHS - 3
        assert resumed["rows"] == rows(history)
        assert bytes.fromhex(resumed["model"]) == saved(model, tmp_path)

    @pytest.mark.slow
    def test_dies_of_the_second_ctrl_c_and_leaves_its_checkpoint(self, tmp_path):
        with Worker("adam", tmp_path, "--wait-in-epoch", "3") as worker:
            worker.wait_until_ready()
            before = (tmp_path / "checkpoint").read_bytes()
            worker.process.send_signal(signal.SIGINT)
            # Two signals at the same time would count as one.
            time.sleep(0.3)
            assert worker.process.poll() is None
            assert worker.kill(signal.SIGINT) == -signal.SIGINT
        assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]
        assert (tmp_path / "checkpoint").read_bytes() == before
