"""Early stopping, and what callbacks see."""

import pytest

from numcnn.nn import SGD
from numcnn.training import Callback, EarlyStopping, EpochRecord, History, Moment
from tests.training.tasks import Watch, plain, spoiled_after_two, train


def judge(patience, accuracies):
    """Show early stopping one epoch after another; return after which it stopped."""
    moment = Moment(plain(), History(), epochs=99, batches=1, validated=True)
    stopping = EarlyStopping(patience)
    stopping.train_begin(moment)
    for epoch, accuracy in enumerate(accuracies, 1):
        row = EpochRecord(epoch, 1.0, 0.5, 0.1, 1.0, 1.0, 1.0 - epoch / 1e6, accuracy)
        moment.history.records.append(row)
        stopping.epoch_end(moment, row)
        if moment.stop:
            return epoch
    return None


class TestEarlyStopping:
    @pytest.mark.parametrize(
        ("patience", "accuracies", "stopped"),
        [
            (1, [0.5, 0.4, 0.9], 2),
            (2, [0.5, 0.4, 0.6, 0.5, 0.5, 0.9], 5),
            (2, [0.1, 0.2, 0.3, 0.4, 0.5], None),
            (3, [0.5, 0.4, 0.4], None),
            (3, [0.5, 0.4, 0.4, 0.4], 4),
            (1, [0.5, 0.5, 0.5], None),
        ],
    )
    def test_waits_that_many_epochs_for_a_better_one(self, patience, accuracies, stopped):
        assert judge(patience, accuracies) == stopped

    def test_ends_a_training(self):
        watch = Watch()
        _, history = train("early stopping", callbacks=[watch])
        assert (history.best.epoch, len(history)) == (2, 4)
        assert watch.calls.count("epoch_end") == 4
        assert not history.interrupted

    def test_says_why(self):
        reasons = []

        class Look(Callback):
            def train_end(self, moment):
                reasons.append(moment.stop)

        train("early stopping", callbacks=[Look()])
        assert reasons == ["no better than epoch 2 for 2 epochs"]

    def test_that_was_at_its_end_trains_nothing_when_resumed(self, tmp_path):
        train("early stopping", checkpoint=tmp_path / "c")
        watch = Watch()
        train("early stopping", checkpoint=tmp_path / "c", resume=True, callbacks=[watch])
        assert watch.calls == ["train_begin", "train_end"]

    def test_with_less_patience_stops_a_resumed_training_at_once(self, tmp_path):
        settings = {"optimizer": spoiled_after_two(), "epochs": 4, "checkpoint": tmp_path / "c"}
        train("validation", **settings)
        watch = Watch()
        train("validation", resume=True, callbacks=[EarlyStopping(1), watch], **settings)
        assert watch.calls == ["train_begin", "train_end"]

    def test_refuses_to_judge_without_validation(self):
        watch = Watch()
        with pytest.raises(ValueError, match="early stopping needs validation data; give some"):
            train("adam", callbacks=[EarlyStopping(3), watch])
        assert "batch_end" not in watch.calls

    @pytest.mark.parametrize("patience", [0, -1])
    def test_needs_some_patience(self, patience):
        with pytest.raises(
            ValueError, match=f"patience is {patience}; give an integer of at least 1"
        ):
            EarlyStopping(patience)


class TestMoment:
    def test_has_no_speed_before_there_is_time(self):
        assert Moment(plain(), History(), 1, 1).images_per_second == 0

    def test_has_a_speed(self):
        moment = Moment(plain(), History(), 1, 1, images=30, seconds=2.0)
        assert moment.images_per_second == 15

    def test_at_the_end_of_an_epoch_is_its_record(self):
        pairs = []

        class Look(Callback):
            def epoch_end(self, moment, record):
                pairs.append((moment.loss, record.loss, moment.accuracy, record.accuracy))

        train("adam", callbacks=[Look()], optimizer=SGD())
        assert all(pair[0] == pair[1] and pair[2] == pair[3] for pair in pairs)
        assert len(pairs) == 4


def test_a_callback_that_overrides_nothing_changes_nothing():
    assert (
        train("adam", callbacks=[Callback()])[0].parameters == train("adam")[0].parameters
    ).all()
