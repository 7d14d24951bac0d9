"""Training on data as people have them: arrays, lists, tables, memory maps, batches."""

import numpy as np
import pytest

from numcnn import nn
from numcnn.data import Examples, split_validation
from numcnn.model_files import load_model, save_model
from numcnn.training import EarlyStopping, evaluate, fit

COUNT = 160


@pytest.fixture(scope="module")
def images():
    """Gray images (count, 6, 6), a bright column for each of 3 classes."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, COUNT)
    pictures = rng.integers(0, 100, (COUNT, 6, 6)).astype(np.uint8)
    pictures[np.arange(COUNT), :, 2 * classes] += 120
    return pictures, classes


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(1)
    return rng.standard_normal((COUNT, 5))


def network(outputs=3):
    return nn.Sequential(
        [nn.Normalization(), nn.Conv2D(4, 3), "relu", nn.Flatten(), nn.Dense(outputs)]
    )


def train(model, *data, epochs=10, **settings):
    settings = {
        "optimizer": nn.Adam(learning_rate=0.01),
        "progress": "none",
        "epochs": epochs,
        **settings,
    }
    return fit(model, *data, **settings)


class TestInputs:
    @pytest.mark.parametrize(
        "form",
        [
            lambda x: x,
            lambda x: x[..., np.newaxis],
            lambda x: x.astype(np.float32),
            lambda x: x.astype(np.int64),
            lambda x: x.tolist(),
            list,
            lambda x: np.asfortranarray(x),
        ],
    )
    def test_each_form_gives_the_same_bits(self, images, form):
        x, y = images
        one, other = network(), network()
        train(one, x, y, epochs=2)
        train(other, form(x), y, epochs=2)
        np.testing.assert_array_equal(one.parameters, other.parameters)
        np.testing.assert_array_equal(one.predict(x), other.predict(form(x)))

    def test_pictures_of_pillow(self, images):
        image = pytest.importorskip("PIL.Image")
        x, y = images
        one, other = network(), network()
        train(one, x, y, epochs=1)
        train(other, [image.fromarray(each) for each in x], y, epochs=1)
        np.testing.assert_array_equal(one.parameters, other.parameters)

    def test_a_table_of_pandas_and_its_labels(self, table):
        pandas = pytest.importorskip("pandas")
        y = np.where(table[:, 0] > 0, "up", "down")
        model = nn.Sequential([nn.Dense(8), "relu", nn.Dense(2)])
        train(model, pandas.DataFrame(table), pandas.Series(y), epochs=30)
        assert (model.predict(pandas.DataFrame(table)) == y).mean() > 0.9
        frame = pandas.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
        with pytest.raises(ValueError, match=r"X has the type object \(column 'b' is"):
            train(model, frame, [0, 1])

    @pytest.mark.parametrize(
        ("x", "message"),
        [
            (np.zeros((4, 3, 32, 32)), r"give X\.transpose\(0, 2, 3, 1\)"),
            (np.zeros(4), r"X\.reshape\(-1, 1\)"),
            ([np.zeros((2, 2)), np.zeros((3, 2))], r"X\[1\] has the shape \(3, 2\)"),
            (np.array([["a"]] * 4), "X has the type <U1"),
            (np.zeros((0, 6, 6)), "at least one example"),
            (np.zeros((4, 2), complex), "X has the type complex128"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, x, message):
        with pytest.raises(ValueError, match=message):
            train(nn.Sequential([nn.Flatten(), nn.Dense(2)]), x, [0, 1, 0, 1][: len(x)])

    def test_nan_is_named_with_its_example(self, images):
        x, y = images
        x = x.astype(float)
        x[7, 0, 0] = np.nan
        with pytest.raises(ValueError, match="X holds NaN or infinity in 1 of"):
            train(nn.Sequential([nn.Flatten(), nn.Dense(3)]), x, y)

    def test_counts_that_differ(self, images):
        x, y = images
        with pytest.raises(ValueError, match="X has 160 examples and y 3"):
            train(network(), x, y[:3])
        with pytest.raises(ValueError, match=r"y is None.*fit\(model, X, y\)"):
            train(network(), x)

    def test_augmentation_of_pixels_refuses_numbers_up_to_1(self, images):
        from numcnn.augmentation import RandomAffine

        x, y = images
        with pytest.raises(ValueError, match=r"give X \* 255"):
            train(network(), x / 255, y, augmentation=RandomAffine(shift=0.1))

    def test_a_function_augments_and_gets_its_generator(self, images):
        x, y = images
        one, two, other = network(), network(), network()
        for model, seed in ((one, 1), (two, 1), (other, 2)):
            train(
                model,
                *(x, y),
                epochs=1,
                seed=seed,
                augmentation=lambda z, rng: z[:, ::-1] if rng.random() < 0.5 else z,
            )
        np.testing.assert_array_equal(one.parameters, two.parameters)
        assert not np.array_equal(one.parameters, other.parameters)
        with pytest.raises(ValueError, match="return as many inputs of the same shape"):
            train(network(), x, y, augmentation=lambda z, _: z[:, 1:])


class TestTargets:
    @pytest.mark.parametrize(
        "names", [(0, 1, 2), (5, 7, 9), (-1, 0, 1), ("a", "b", "c"), (1.0, 2.0, 3.0)]
    )
    def test_classes_come_back_as_they_were_given(self, images, names, tmp_path):
        x, y = images
        given = np.array(names)[y]
        model = network()
        history = train(model, x, given, validation=(x, given))
        assert history[-1].validation_accuracy > 0.95
        assert set(model.predict(x).tolist()) == set(names)
        assert (model.predict(x) == given).mean() > 0.95
        assert evaluate(model, x, given).accuracy > 0.95
        save_model(tmp_path / "m.safetensors", model)
        loaded = load_model(tmp_path / "m.safetensors")
        np.testing.assert_array_equal(loaded.model.predict(x), model.predict(x))
        expected = [str(int(name)) if isinstance(name, float) else str(name) for name in names]
        assert list(loaded.classes) == (expected if names != (0, 1, 2) else ["0", "1", "2"])

    def test_one_hot_rows_and_soft_labels(self, images):
        x, y = images
        rows = np.eye(3)[y]
        one, other = network(), network()
        train(one, x, y, epochs=2)
        train(other, x, rows, epochs=2)
        np.testing.assert_array_equal(one.parameters, other.parameters)
        soft = 0.9 * rows + 0.1 / 3
        history = train(network(), x, soft, validation=(x, soft))
        assert history[-1].validation_accuracy > 0.9
        with pytest.raises(ValueError, match="each must sum up to 1"):
            train(network(), x, 2 * rows)

    def test_several_labels_an_example(self, table, tmp_path):
        y = (table[:, :3] > 0).astype(int)
        model = nn.Sequential([nn.Dense(16), "relu", nn.Dense(3)])
        history = train(model, table, y, validation=(table, y), loss="bce", epochs=60)
        assert history[-1].validation_accuracy > 0.95
        assert (model.predict(table) == y).mean() > 0.95
        probabilities = model.predict_proba(table)
        assert probabilities.shape == (COUNT, 3)
        assert probabilities.sum(axis=1).std() > 0.3
        np.testing.assert_allclose(
            probabilities, 1 / (1 + np.exp(-model.outputs(table))), atol=1e-6
        )
        save_model(tmp_path / "m", model)
        loaded = load_model(tmp_path / "m").model
        np.testing.assert_array_equal(loaded.predict(table), model.predict(table))
        assert evaluate(loaded, table, y).loss == pytest.approx(history.best.validation_loss)

    @pytest.mark.parametrize("names", [(0, 1), (1, 2), ("no", "yes"), (False, True)])
    def test_two_classes_with_a_single_output(self, table, names):
        y = np.array(names)[(table[:, 0] > 0).astype(int)]
        model = nn.Sequential([nn.Dense(1)])
        train(model, table, y, loss="binary_crossentropy", epochs=60)
        assert (model.predict(table) == y).mean() > 0.95
        probabilities = model.predict_proba(table)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
        assert probabilities.shape == (COUNT, 2)
        found = evaluate(model, table, y)
        assert found.confusion.shape == (2, 2)
        assert found.accuracy > 0.95

    @pytest.mark.parametrize("shape", [(COUNT,), (COUNT, 1), (COUNT, 2)])
    def test_values(self, table, shape, tmp_path):
        y = (2 * table[:, 0] - table[:, 1])[:, None] + np.zeros((1, 2))
        y = y[:, : shape[1] if len(shape) > 1 else 1].reshape(shape)
        model = nn.Sequential([nn.Dense(shape[1] if len(shape) > 1 else 1)])
        history = train(
            model, table, y, validation=(table, y), loss="mse", epochs=80, metrics=["mae", "r2"]
        )
        assert model.predict(table).shape == shape
        assert history[-1].metrics["r2"] > 0.95
        assert history[-1].accuracy is history[-1].validation_accuracy is None
        assert history.best.validation_loss == min(history.values("validation_loss"))
        with pytest.raises(ValueError, match="values, which have no probabilities"):
            model.predict_proba(table)
        found = evaluate(model, table, y, metrics="rmse")
        assert found.metrics["rmse"] == pytest.approx(np.sqrt(found.loss), rel=1e-5)
        assert not found.has_accuracy
        save_model(tmp_path / "m", model)
        np.testing.assert_array_equal(
            load_model(tmp_path / "m").model.predict(table), model.predict(table)
        )

    def test_images_as_targets(self, images):
        x = images[0] / 255
        model = nn.Sequential([nn.Conv2D(6, 3, padding="same"), "relu", nn.Conv2D(1, 1)])
        history = train(model, x, x, loss="mse", epochs=30)
        assert history[-1].loss < 0.2 * history[0].loss
        assert model.predict(x).shape == (COUNT, 6, 6, 1)
        flat = nn.Sequential([nn.Flatten(), nn.Dense(36)])
        train(flat, x, x, loss="mse", epochs=1)
        assert flat.predict(x).shape == (COUNT, 36)

    @pytest.mark.parametrize(
        ("outputs", "y", "loss", "message"),
        [
            (3, [0.5, 1, 2], None, 'which is no class.*loss="mse"'),
            (1, [0.5, 1, 2], None, 'y holds values such as 0.5.*loss="mse"'),
            (1, [0, 1, 1], None, r'Dense\(2\), or give loss="binary_crossentropy"'),
            (3, [0, 1, 5], None, None),
            (3, [0, 5, 5], None, r"y has 2 classes \(0, 5\), and the model has 3 outputs"),
            (2, ["a", "b", "c"], None, r"end the model with Dense\(3\)"),
            (1, ["a", "b", "c"], "bce", "end the model with Dense"),
            (2, np.zeros((3, 3)), "mse", r"outputs are \(2,\); end the model with Dense\(3\)"),
            (2, [[0, 2], [1, 0], [0, 1]], "bce", "outside 0 to 1"),
            (2, [1.0, 2.0, 3.0], "mse", r"end the model with Dense\(1\)"),
            (2, [0, None, 1], None, "y has the type object"),
            (2, [0, np.nan, 1], None, "y holds NaN"),
        ],
    )
    def test_what_does_not_fit_the_outputs_is_refused(self, outputs, y, loss, message):
        model = nn.Sequential([nn.Dense(outputs)])
        if message is None:
            train(model, np.zeros((3, 2)), y, loss=loss, epochs=1)
            return
        with pytest.raises(ValueError, match=message):
            train(model, np.zeros((3, 2)), y, loss=loss)

    def test_validation_has_the_names_of_the_training(self, images):
        x, y = images
        names = np.array(["a", "b", "c"])
        with pytest.raises(ValueError, match=r"y holds .*'d'"):
            train(network(), x, names[y], validation=(x[:2], ["a", "d"]))
        history = train(network(), x, names[y], validation=(x[y == 2], ["c"] * (y == 2).sum()))
        assert history[-1].validation_accuracy > 0.9


class TestWeights:
    def test_an_example_of_weight_0_teaches_nothing(self, images):
        x, y = images
        weights = np.ones(COUNT)
        weights[80:] = 0
        wrong = np.concatenate([y[:80], (y[80:] + 1) % 3])
        model = network()
        train(model, x, wrong, sample_weight=weights)
        assert (model.predict(x) == y).mean() > 0.95
        with pytest.raises(ValueError, match="sample_weight has the shape"):
            train(network(), x, y, sample_weight=[1, 2])
        with pytest.raises(ValueError, match="numbers below 0"):
            train(network(), x, y, sample_weight=-weights)

    def test_class_weights_by_number(self, images):
        x, y = images
        model = network()
        train(model, x, y, loss=nn.SoftmaxCrossEntropy(class_weights={1: 0.0}))
        assert 1 not in model.predict(x)


class TestMemoryMap:
    def test_it_is_not_copied_and_gives_the_same_bits(self, images, tmp_path):
        x, y = images
        np.save(tmp_path / "x.npy", x)
        mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
        one, other = network(), network()
        first = train(one, x, y, epochs=2, validation_split=0.25)
        second = train(other, mapped, y, epochs=2, validation_split=0.25)
        np.testing.assert_array_equal(one.parameters, other.parameters)
        assert first.values("val_loss") == second.values("val_loss")

    def test_a_split_of_it_shares_its_memory(self, images):
        x, y = images
        part, rest = split_validation(Examples(x, y.astype(np.int64)), 0.25, 0)
        assert np.shares_memory(part.inputs, x)
        assert len(part) + len(rest) == COUNT
        np.testing.assert_array_equal(np.concatenate([*part.parts()]), part.view[:])


class Sequence:
    """Batches that can be asked for again."""

    def __init__(self, x, y, size=32):
        self.x, self.y, self.size, self.asked = x, y, size, []

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, place):
        self.asked.append(place)
        part = slice(place * self.size, (place + 1) * self.size)
        return self.x[part], self.y[part]


class TestBatches:
    def network(self):
        return nn.Sequential([nn.Rescaling(), nn.Flatten(), nn.Dense(3)])

    def test_a_sequence_is_shuffled_and_resumed_with_the_same_bits(self, images, tmp_path):
        source = Sequence(*images)
        whole = self.network()
        train(whole, source, epochs=4, validation=images)
        orders = [source.asked[1 + 5 * e : 6 + 5 * e] for e in range(4)]
        assert all(sorted(order) == [*range(5)] for order in orders)
        assert len({*map(tuple, orders)}) > 1
        parts = self.network()
        for epochs in (2, 4):
            train(
                parts,
                Sequence(*images),
                epochs=epochs,
                validation=images,
                checkpoint=tmp_path / "c",
                resume=True,
            )
        np.testing.assert_array_equal(whole.parameters, parts.parameters)

    def test_a_generator_an_iterable_and_a_function(self, images):
        x, y = images

        def batches():
            for place in range(5):
                yield x[32 * place : 32 * place + 32], y[32 * place : 32 * place + 32]

        def forever():
            while True:
                yield from batches()

        class Loader:
            def __iter__(self):
                return batches()

            def __len__(self):
                return 5

        found = []
        for source, steps in ((forever(), 5), (Loader(), None), (batches, 5)):
            model = self.network()
            train(model, source, steps_per_epoch=steps, epochs=3)
            found.append(model.parameters)
        np.testing.assert_array_equal(found[0], found[1])
        np.testing.assert_array_equal(found[0], found[2])

    def test_what_cannot_be_done_with_them_is_said(self, images, tmp_path):
        x, y = images
        with pytest.raises(ValueError, match="give steps_per_epoch"):
            train(self.network(), iter([(x, y)]))
        with pytest.raises(ValueError, match=r"ended after 1 of 3 batches of epoch 1"):
            train(self.network(), iter([(x, y)]), steps_per_epoch=3)
        with pytest.raises(ValueError, match="only be gone through from its start"):
            train(
                self.network(),
                iter([(x, y)]),
                steps_per_epoch=1,
                checkpoint=tmp_path / "c",
                resume=True,
            )
        with pytest.raises(ValueError, match="cannot be divided or weighted"):
            train(self.network(), Sequence(x, y), validation_split=0.1)
        with pytest.raises(ValueError, match=r"give \(X, y\) or"):
            train(self.network(), iter([x, y]), steps_per_epoch=1)
        with pytest.raises(ValueError, match="give a sequence of batches"):
            train(self.network(), iter([(x[0], 1)]), steps_per_epoch=1)
        with pytest.raises(ValueError, match="Normalization was not adapted"):
            train(network(), Sequence(x, y))
        with pytest.raises(ValueError, match="y holds classes by names"):
            train(self.network(), Sequence(x, np.array(["a", "b", "c"])[y]))


class TestWhatIsMonitored:
    def test_the_best_epoch_by_another_number(self, table):
        y = table[:, 0]
        model = nn.Sequential([nn.Dense(1)])
        history = train(
            model, table, y, validation=(table, y), loss="mse", metrics="mae", monitor="val_mae"
        )
        assert history.best.metrics["mae"] == min(history.values("validation_mae"))
        with pytest.raises(
            ValueError, match="monitor 'validation_f1' is not measured; there are epoch"
        ):
            train(model, table, y, validation=(table, y), loss="mse", monitor="val_f1")

    @pytest.mark.parametrize(("mode", "stops"), [("min", False), ("max", True)])
    def test_early_stopping_by_a_number_and_a_least_gain(self, images, mode, stops):
        x, y = images
        callback = EarlyStopping(2, monitor="loss", mode=mode)
        history = train(network(), x, y, callbacks=callback, epochs=6)
        assert (len(history) < 6) == stops
        patient = EarlyStopping(1, monitor="loss", min_delta=100.0)
        assert len(train(network(), x, y, callbacks=[patient])) == 2
        with pytest.raises(ValueError, match="min_delta is 1 and monitor is None"):
            EarlyStopping(2, min_delta=1)

    def test_functions_of_scikit_learn_are_metrics(self, images):
        sklearn_metrics = pytest.importorskip("sklearn.metrics")
        x, y = images

        def macro(truth, predicted):
            return sklearn_metrics.f1_score(truth, predicted, average="macro")

        history = train(network(), x, y, validation=(x, y), metrics=["f1", macro])
        for record in history:
            assert record.metrics["f1"] == pytest.approx(record.metrics["macro"])

    def test_callbacks_see_optimizer_and_rate(self, images):
        from numcnn.training import Callback

        x, y = images
        seen = []

        class Watch(Callback):
            def batch_end(self, moment):
                seen.append((moment.optimizer, moment.learning_rate))

        optimizer = nn.SGD(learning_rate=lambda epoch, _: 0.01 / (1 + epoch))
        train(network(), x, y, callbacks=Watch(), optimizer=optimizer, epochs=2)
        assert all(each is optimizer for each, _ in seen)
        rates = [rate for _, rate in seen]
        assert rates == sorted(rates, reverse=True)
        assert rates[0] == 0.01
        assert rates[5] == 0.005


def test_resuming_with_more_epochs(images, tmp_path):
    x, y = images
    whole, parts = network(), network()
    train(whole, x, y, epochs=5)
    train(parts, x, y, epochs=2, checkpoint=tmp_path / "c")
    train(parts, x, y, epochs=5, checkpoint=tmp_path / "c", resume=True)
    np.testing.assert_array_equal(whole.parameters, parts.parameters)
    from numcnn.training import ReproducibilityWarning

    schedule = {"optimizer": nn.Adam(learning_rate=nn.Cosine(0.01)), "checkpoint": tmp_path / "d"}
    train(network(), x, y, epochs=2, **schedule)
    schedule["optimizer"] = nn.Adam(learning_rate=nn.Cosine(0.01))
    with pytest.warns(ReproducibilityWarning, match="a schedule over 2 epochs"):
        train(network(), x, y, epochs=4, resume=True, **schedule)
