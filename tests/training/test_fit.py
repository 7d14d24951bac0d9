"""What fit promises: it learns, it repeats, it keeps the best, and it refuses what cannot work."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.augmentation import GaussianNoise
from numcnn.data import Batches, Dataset, load, split_validation
from numcnn.nn import (
    SGD,
    Adam,
    Context,
    Conv2D,
    Cosine,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    MeanSquaredError,
    Normalization,
    ReLU,
    Rescaling,
    RMSProp,
    Sequential,
    Sigmoid,
    SigmoidCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
)
from numcnn.training import Callback, History, TrainingDiverged, evaluate, fit
from tests.training.tasks import (
    CASES,
    CLASSES,
    EPOCHS,
    At,
    Jump,
    Watch,
    plain,
    rich,
    rows,
    spoiled_after_two,
    stripes,
    train,
)

TINY_RATE = 1e-30
"""So small that no weight changes: the loss of each batch can be computed by hand."""


class TestLearning:
    def test_a_tiny_network_learns_real_digits(self):
        digits = load("digits")
        model = Sequential(
            [Rescaling(), Conv2D(6), ReLU(), MaxPool2D(), Flatten(), Dense(10)],
        )
        fit(model, digits.train, epochs=4, optimizer=Adam(learning_rate=0.01), progress="none")
        assert evaluate(model, digits.test).accuracy > 0.9

    def test_the_loss_falls(self):
        _, history = train("momentum")
        assert history.records[-1].loss < history.records[0].loss / 3

    @pytest.mark.parametrize(
        "loss", [MeanSquaredError(), SigmoidCrossEntropy(), SoftmaxCrossEntropy(0.1, (1, 2, 3))]
    )
    def test_any_loss_can_be_trained(self, loss):
        _, history = train("adam", plain(), loss=loss, epochs=6)
        assert history.records[-1].loss < history.records[0].loss

    def test_a_model_may_go_on_learning(self):
        model, first = train("momentum")
        _, second = train("momentum", model)
        assert second.records[0].loss < first.records[0].loss / 2

    def test_the_last_batch_may_be_smaller(self):
        watch = Watch()
        train("adam", data=stripes(20), batch_size=8, epochs=1, callbacks=[watch])
        assert watch.calls.count("batch_end") == 3

    def test_a_batch_may_be_larger_than_the_data(self):
        watch = Watch()
        train("adam", plain(), data=stripes(9), batch_size=50, epochs=1, callbacks=[watch])
        assert watch.calls.count("batch_end") == 1


class TestRepeating:
    @pytest.mark.parametrize("case", CASES)
    def test_the_same_seed_gives_the_same_bits(self, case):
        (one, history), (other, other_history) = train(case), train(case)
        assert_array_equal(one.parameters, other.parameters)
        assert_array_equal(one.statistics, other.statistics)
        assert rows(history) == rows(other_history)

    @pytest.mark.parametrize("case", CASES)
    def test_another_seed_gives_others(self, case):
        assert (train(case)[0].parameters != train(case, seed=4)[0].parameters).any()

    def test_the_global_generator_is_left_alone(self):
        np.random.seed(5)  # noqa: NPY002 (the one that must not be touched)
        expected = np.random.random()  # noqa: NPY002
        np.random.seed(5)  # noqa: NPY002
        train("augmentation")
        assert np.random.random() == expected  # noqa: NPY002

    def test_the_data_are_left_alone(self):
        data = stripes()
        train("augmentation", data=data)
        assert_array_equal(data.images, stripes().images)
        assert_array_equal(data.labels, stripes().labels)


class SeenBy(Callback):
    """The training loss after each batch of a network that does not change."""

    def __init__(self):
        self.losses = []

    def batch_end(self, moment):
        self.losses.append(moment.loss)


def alike(count):
    """One image many times, so that its place in a batch changes nothing."""
    images = np.repeat(stripes(1).images, count, axis=0)
    return Dataset(images, np.zeros(count, int), CLASSES, "alike")


def drawn(seed=0, **settings):
    """The loss in each of three epochs of one batch, of weights that stand still."""
    model = Sequential([Rescaling(), Flatten(), Dropout(settings.pop("dropout", 0.0)), Dense(3)])
    model.build((6, 6, 1), seed=1)
    seen = SeenBy()
    fit(
        model,
        alike(4),
        epochs=3,
        batch_size=4,
        optimizer=SGD(learning_rate=TINY_RATE),
        seed=seed,
        callbacks=[seen],
        progress="none",
        **settings,
    )
    return seen.losses


RANDOM = [{"dropout": 0.5}, {"augmentation": GaussianNoise(30)}]


class TestChance:
    def test_without_dropout_and_augmentation_all_epochs_are_alike(self):
        first, *others = drawn()
        assert_allclose(others, first, rtol=1e-6)

    @pytest.mark.parametrize("settings", RANDOM)
    def test_each_epoch_draws_anew(self, settings):
        losses = drawn(**settings)
        assert np.abs(np.diff(sorted(losses))).min() > 1e-4

    @pytest.mark.parametrize("settings", RANDOM)
    def test_the_same_seed_draws_the_same(self, settings):
        assert drawn(7, **settings) == drawn(7, **settings)

    @pytest.mark.parametrize("settings", RANDOM)
    def test_another_seed_draws_another(self, settings):
        losses, others = drawn(7, **settings), drawn(8, **settings)
        assert np.abs(np.subtract(losses, others)).min() > 1e-4

    def test_each_batch_draws_anew(self):
        model = Sequential([Rescaling(), Flatten(), Dropout(0.5), Dense(3)])
        model.build((6, 6, 1))
        watch = Watch()
        fit(
            model,
            alike(4),
            epochs=1,
            batch_size=1,
            optimizer=SGD(learning_rate=TINY_RATE),
            callbacks=[watch],
            progress="none",
        )
        sums = np.multiply(watch.losses, [1, 2, 3, 4])
        assert len(np.unique(np.diff(sums, prepend=0).round(6))) == 4


class TestNormalization:
    def test_is_adapted_to_the_training_part_only(self):
        data = stripes()
        model, _ = train("validation", data=data)
        part, _ = split_validation(data, 0.2, seed=3)
        expected = Normalization().adapt(part.images).state
        other = Normalization().adapt(data.images).state
        assert_array_equal(model.layers[0].state["mean"], expected["mean"])
        assert_array_equal(model.layers[0].state["variance"], expected["variance"])
        assert (expected["mean"] != other["mean"]).any()

    def test_looks_at_no_validation_data(self):
        model, _ = train("adam", validation=stripes(30, seed=9, noise=190))
        expected = Normalization().adapt(stripes().images).state
        assert_array_equal(model.layers[0].state["mean"], expected["mean"])

    def test_that_was_adapted_already_is_kept(self):
        model = rich()
        model.layers[0].adapt(np.full((1, 6, 6, 1), 7, np.uint8))
        train("adam", model)
        assert_array_equal(model.layers[0].state["mean"], [7])

    def test_of_a_model_that_was_built_by_hand_is_adapted_too(self):
        model, built = rich(), rich()
        built.build((6, 6, 1))
        train("adam", model)
        train("adam", built)
        assert_array_equal(built.layers[0].state["mean"], model.layers[0].state["mean"])
        assert built.layers[0].state["mean"] > 50

    def test_of_a_trained_model_is_kept(self):
        model, _ = train("adam", rich())
        before = model.layers[0].state["mean"].copy()
        train("adam", model, data=stripes(9))
        assert_array_equal(model.layers[0].state["mean"], before)


class TestValidation:
    def test_split_takes_its_share_of_each_class(self):
        data = stripes(60)
        watch = Watch()
        _, history = train("adam", plain(), data=data, validation_split=0.4, callbacks=[watch])
        assert watch.calls.count("batch_end") == EPOCHS * math.ceil(36 / 8)
        assert all(record.validation_accuracy is not None for record in history.records)

    def test_split_is_the_one_that_split_validation_makes(self):
        data = stripes(60)
        part, rest = split_validation(data, 0.4, seed=3)
        one, history = train("adam", data=data, validation_split=0.4)
        other, other_history = train("adam", data=part, validation=rest)
        assert_array_equal(one.parameters, other.parameters)
        assert rows(history) == rows(other_history)

    def test_data_teach_nothing(self):
        one, _ = train("adam", validation=stripes(30, seed=1), epochs=1)
        other, _ = train("adam", epochs=1)
        assert_array_equal(one.parameters, other.parameters)

    def test_none_leaves_its_columns_empty(self):
        _, history = train("adam")
        assert {record.validation_loss for record in history.records} == {None}
        assert {record.validation_accuracy for record in history.records} == {None}


class TestTheBestEpoch:
    def test_in_the_middle_is_what_the_model_ends_with(self):
        data = stripes()
        _, validation = split_validation(data, 0.2, seed=3)
        watch = Watch()
        model, history = train("best in the middle", data=data, callbacks=[watch])
        assert history.best.epoch == 2 < len(history)
        assert history.best.validation_accuracy > history.records[-1].validation_accuracy
        assert_array_equal(model.parameters, watch.epochs[1])
        assert_array_equal(model.statistics, watch.statistics[1])
        judged = evaluate(model, validation)
        assert judged.accuracy == history.best.validation_accuracy
        assert judged.loss == history.best.validation_loss

    def test_is_the_last_one_without_validation(self):
        watch = Watch()
        model, history = train("adam", optimizer=spoiled_after_two(), callbacks=[watch])
        assert history.best.epoch == EPOCHS
        assert_array_equal(model.parameters, watch.epochs[-1])
        assert_array_equal(model.statistics, watch.statistics[-1])

    def test_is_kept_over_a_resumed_training_that_gets_worse(self, tmp_path):
        _, history = train("best in the middle", checkpoint=tmp_path / "c")
        model, _ = train("best in the middle", checkpoint=tmp_path / "c", resume=True)
        _, validation = split_validation(stripes(), 0.2, seed=3)
        assert evaluate(model, validation).loss == history.best.validation_loss


class Averaged(Callback):
    """The moving average of all weights, by its formula, computed apart."""

    def __init__(self, decay):
        self.decay = decay
        self.average = None
        self.after_epochs = []

    def batch_end(self, moment):
        weights = moment.model.parameters.astype(np.float64)
        if self.average is None:
            self.average, self.steps = weights, 0
        share = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.average = share * self.average + (1 - share) * weights
        self.steps += 1

    def epoch_end(self, moment, record):
        self.after_epochs.append(self.average)


class TestTheMovingAverage:
    def test_is_what_is_kept(self):
        averaged = Averaged(0.9)
        model, _ = train("average", callbacks=[averaged])
        assert_allclose(model.parameters, averaged.average, rtol=1e-4, atol=1e-6)

    def test_is_not_what_is_trained(self):
        plain_watch, watch = Watch(), Watch()
        train("adam", callbacks=[plain_watch], optimizer=Adam())
        train("average", callbacks=[watch], optimizer=Adam())
        assert_array_equal(watch.batches[-1], plain_watch.batches[-1])

    def test_is_what_is_validated(self):
        validation = stripes(30, seed=9)
        averaged = Averaged(0.9)
        _, history = train("average", plain(), validation=validation, callbacks=[averaged])
        for record, weights in zip(history.records, averaged.after_epochs, strict=True):
            model = plain()
            model.build((6, 6, 1))
            model.parameters[:] = weights
            assert_allclose(record.validation_loss, evaluate(model, validation).loss, rtol=1e-4)

    def test_averages_the_statistics_too(self):
        kept, _ = train("average", average=0.9)
        raw, _ = train("average", average=None)
        assert (kept.statistics != raw.statistics).any()

    def test_of_decay_zero_is_the_weights_themselves(self):
        assert_allclose(
            train("adam", average=0.0)[0].parameters, train("adam")[0].parameters, rtol=1e-6
        )

    @pytest.mark.parametrize("decay", [1.0, -0.1])
    def test_needs_a_decay_between_0_and_1(self, decay):
        with pytest.raises(ValueError, match=f"average is {decay}"):
            train("adam", average=decay)


class TestTheRecords:
    def test_hold_loss_and_accuracy_of_the_training_images(self):
        """Weights that stand still: the mean over batches is the mean over images."""
        data = stripes(22)
        model = plain()
        model.build((6, 6, 1), seed=2)
        logits = model.outputs(data.images).astype(np.float64)
        chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        loss = -np.log(chance[np.arange(22), data.labels]).mean()
        accuracy = (logits.argmax(axis=1) == data.labels).mean()
        _, history = train(
            "adam", model, data=data, validation=data, optimizer=SGD(learning_rate=TINY_RATE)
        )
        for record in history.records:
            assert_allclose(record.loss, loss, rtol=1e-5)
            assert_allclose(record.validation_loss, loss, rtol=1e-5)
            assert record.accuracy == record.validation_accuracy == accuracy

    def test_measure_each_batch_before_its_step(self):
        data = stripes(24)
        watch = Watch()
        model = plain()
        model.build((6, 6, 1), seed=2)
        start = model.parameters.copy()
        _, history = train("momentum", model, data=data, epochs=1, callbacks=[watch])
        total = 0.0
        steps = [start, *watch.batches]
        for batch, weights in zip(Batches(data, 8, 3).epoch(0), steps[:-1], strict=True):
            model.parameters[:] = weights
            outputs = model.forward(batch.inputs, Context(training=True))
            total += SoftmaxCrossEntropy()(outputs, batch.targets) * len(batch)
        assert_allclose(history.records[0].loss, total / 24, rtol=1e-6)

    def test_count_epochs_from_1(self):
        _, history = train("adam")
        assert [record.epoch for record in history.records] == [1, 2, 3, 4]

    def test_hold_the_rate_of_the_last_step(self):
        schedule = Cosine(0.1)
        _, history = train("adam", optimizer=SGD(learning_rate=schedule), data=stripes(24))
        expected = [schedule(epoch + 2 / 3, EPOCHS) for epoch in range(EPOCHS)]
        assert [record.learning_rate for record in history.records] == pytest.approx(expected)

    def test_hold_time_and_speed(self):
        _, history = train("validation")
        for record in history.records:
            assert record.seconds > 0
            assert record.images_per_second * record.seconds > 48

    def test_interrupted_is_false_when_nobody_interrupted(self):
        assert not train("adam")[1].interrupted


DIVERGING = [
    SGD(learning_rate=1e30),
    SGD(learning_rate=1e38, momentum=0.9),
    RMSProp(learning_rate=1e38),
    Adam(learning_rate=1e38, clip_norm=1, weight_decay=1),
]


class TestDivergence:
    @pytest.mark.parametrize("optimizer", DIVERGING, ids=repr)
    @pytest.mark.parametrize("settings", [{}, {"average": 0.9}, {"validation_split": 0.2}], ids=str)
    @pytest.mark.parametrize("network", [plain, rich])
    def test_ends_the_training_with_advice_and_no_warning(self, network, optimizer, settings):
        optimizer.slots, optimizer.iterations = {}, 0
        with pytest.raises(TrainingDiverged) as caught:
            train("adam", network(), optimizer=optimizer, epochs=9, **settings)
        message = str(caught.value)
        assert "in epoch 1, batch " in message
        assert f"try a lower learning rate (it was {optimizer.learning_rate:.3g})" in message
        assert "\n" not in message

    def test_names_the_batch(self):
        data = stripes(32)
        watch = Watch()
        with pytest.raises(TrainingDiverged, match="the loss is nan in epoch 1, batch 3;"):
            train(
                "adam",
                plain(),
                data=data,
                optimizer=SGD(learning_rate=1e12),
                callbacks=[watch],
            )
        assert watch.calls == ["train_begin", "batch_end", "batch_end", "train_end"]

    @pytest.mark.parametrize("settings", [{"validation_split": 0.2}, {"average": 0.5}], ids=str)
    def test_by_the_only_step_is_seen(self, settings, tmp_path):
        with pytest.raises(TrainingDiverged, match="in epoch 1, batch 1; try"):
            train(
                "adam",
                plain(),
                batch_size=60,
                optimizer=SGD(learning_rate=1e39),
                epochs=1,
                checkpoint=tmp_path / "c",
                **settings,
            )
        assert list(tmp_path.iterdir()) == []

    def test_that_only_validation_sees_is_seen(self, tmp_path):
        """Weights of 1e38 are numbers, but what they are multiplied with becomes none."""
        with pytest.raises(
            TrainingDiverged, match="the validation loss is nan in epoch 1, batch 1"
        ):
            train(
                "validation",
                plain(),
                batch_size=60,
                optimizer=SGD(learning_rate=1e38),
                checkpoint=tmp_path / "c",
            )
        assert list(tmp_path.iterdir()) == []

    def test_leaves_the_checkpoint_of_the_epoch_before(self, tmp_path):
        before = []
        look = At(3, 1, lambda: before.append((tmp_path / "c").read_bytes()))
        with pytest.raises(TrainingDiverged, match="in epoch 3"):
            train(
                "adam",
                optimizer=SGD(learning_rate=Jump(0.1, 1e30, 2)),
                checkpoint=tmp_path / "c",
                callbacks=[look],
            )
        assert [(tmp_path / "c").read_bytes()] == before

    def test_is_an_arithmetic_error(self):
        assert issubclass(TrainingDiverged, ArithmeticError)


class TestTheOrderOfCalls:
    def test_is_begin_then_batches_and_epochs_then_end(self):
        watch = Watch()
        train("adam", data=stripes(24), epochs=2, callbacks=[watch])
        epoch = ["batch_end"] * 3 + ["epoch_end"]
        assert watch.calls == ["train_begin", *epoch, *epoch, "train_end"]

    def test_of_several_is_the_order_of_the_list(self):
        calls = []

        class Name(Callback):
            def __init__(self, name):
                self.name = name

            def train_begin(self, moment):
                calls.append(f"{self.name} begins")

            def epoch_end(self, moment, record):
                calls.append(self.name)

            def train_end(self, moment):
                calls.append(f"{self.name} ends")

        train("adam", epochs=1, callbacks=[Name("a"), Name("b")])
        assert calls == ["a begins", "b begins", "a", "b", "a ends", "b ends"]

    def test_ends_also_after_an_error(self):
        class Fail(Callback):
            def batch_end(self, moment):
                raise KeyError("mine")

        watch = Watch()
        with pytest.raises(KeyError, match="mine"):
            train("adam", callbacks=[watch, Fail()])
        assert watch.calls == ["train_begin", "batch_end", "train_end"]

    def test_the_checkpoint_is_there_when_the_epoch_ends(self, tmp_path):
        sizes = []

        class Look(Callback):
            def epoch_end(self, moment, record):
                sizes.append((tmp_path / "c").stat().st_size)

        train("adam", checkpoint=tmp_path / "c", callbacks=[Look()])
        assert len(sizes) == EPOCHS

    def test_a_moment_says_where_the_training_is(self):
        moments = []

        class Look(Callback):
            def batch_end(self, moment):
                moments.append(
                    (moment.epoch, moment.batch, moment.images, moment.epochs, moment.batches)
                )

        train("adam", data=stripes(20), epochs=2, callbacks=[Look()])
        assert moments == [
            (epoch, batch, images, 2, 3)
            for epoch in (1, 2)
            for batch, images in [(1, 8), (2, 16), (3, 20)]
        ]

    def test_any_callback_may_end_the_training(self):
        class Enough(Callback):
            def epoch_end(self, moment, record):
                if record.epoch == 2:
                    moment.stop = "enough"

        _, history = train("adam", callbacks=[Enough()])
        assert len(history) == 2
        assert not history.interrupted


def unlabeled():
    return Dataset(stripes().images, None, CLASSES, "stripes")


def wide():
    data = stripes()
    return Dataset(np.zeros((60, 6, 7, 1), np.uint8), data.labels, CLASSES, "wide")


def two_classes():
    return Dataset(stripes().images, np.zeros(60, int), CLASSES[:2], "two")


class TestRefusals:
    @pytest.mark.parametrize("epochs", [0, -1])
    def test_epochs(self, epochs):
        with pytest.raises(ValueError, match=f"epochs is {epochs}; give an integer of at least 1"):
            train("adam", epochs=epochs)

    def test_batch_size(self):
        with pytest.raises(ValueError, match="batch_size is 0; give an integer of at least 1"):
            train("adam", batch_size=0)

    def test_seed(self):
        with pytest.raises(ValueError, match="seed is -1; give an integer of at least 0"):
            train("adam", seed=-1)

    @pytest.mark.parametrize("split", [1.0, -0.1, 2])
    def test_validation_split(self, split):
        with pytest.raises(ValueError, match=f"validation_split is {split}; give a number"):
            train("adam", validation_split=split)

    def test_two_kinds_of_validation(self):
        with pytest.raises(ValueError, match="validation and validation_split are both given"):
            train("adam", validation=stripes(), validation_split=0.1)

    def test_training_data_without_labels(self):
        with pytest.raises(ValueError, match="stripes has no labels to learn from"):
            train("adam", data=unlabeled())

    def test_another_number_of_classes(self):
        message = r"outputs are \(3,\), but two has 2 classes; end the model with Dense\(2\)"
        with pytest.raises(ValueError, match=message):
            train("adam", data=two_classes())

    def test_outputs_that_are_no_row(self):
        with pytest.raises(ValueError, match="3 classes; end the model with Dense"):
            train("adam", Sequential([Conv2D(3)]))

    def test_images_of_another_shape_than_the_models(self):
        model = plain()
        model.build((6, 6, 1))
        with pytest.raises(ValueError, match="takes inputs of 6 x 6 x 1, and these are 6 x 7 x 1"):
            train("adam", model, data=wide())

    def test_a_softmax_before_softmax_cross_entropy(self):
        model = Sequential([*plain().layers, Softmax()])
        with pytest.raises(ValueError, match="take the last layer off"):
            train("adam", model)

    @pytest.mark.parametrize("last", [Softmax(), Sigmoid()])
    def test_but_not_before_another_loss(self, last):
        _, history = train("adam", Sequential([*plain().layers, last]), loss=MeanSquaredError())
        assert len(history) == EPOCHS

    @pytest.mark.parametrize(
        ("validation", "message"),
        [
            (unlabeled(), "validation data stripes have no labels to judge by"),
            (wide(), r"image_shape is \(6, 6, 1\) in the training data and \(6, 7, 1\)"),
            (two_classes(), r"classes is \('left', 'middle', 'right'\) in the training data"),
        ],
    )
    def test_validation_data_that_do_not_fit_before_the_first_epoch(self, validation, message):
        watch = Watch()
        with pytest.raises(ValueError, match=message):
            train("adam", validation=validation, callbacks=[watch])
        assert watch.calls == []

    def test_progress_of_an_unknown_kind(self):
        with pytest.raises(ValueError, match="progress is 'loud'"):
            train("adam", progress="loud")


def test_the_history_is_returned():
    assert isinstance(train("adam")[1], History)


def test_a_normalization_that_does_not_see_the_images_is_not_adapted_to_them():
    model = Sequential([Rescaling(), Normalization(), Flatten(), Dense(3)])
    with pytest.raises(ValueError, match="Normalization stands after other layers"):
        train("adam", model)


def test_resuming_takes_a_checkpoint():
    with pytest.raises(ValueError, match="resume is True but checkpoint is None"):
        train("adam", resume=True)
