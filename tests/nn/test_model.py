"""Sequential: building, running, describing and storing a network."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn import (
    AveragePool2D,
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    MaxPool2D,
    ReLU,
    Rescaling,
    Residual,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)
from tests.nn.samples import normal


def lenet() -> list[Layer]:
    return [
        Conv2D(6, 5, padding="same"),
        ReLU(),
        MaxPool2D(),
        Conv2D(16, 5),
        ReLU(),
        MaxPool2D(),
        Flatten(),
        Dense(120),
        ReLU(),
        Dense(84),
        ReLU(),
        Dense(10),
    ]


def small(seed: int = 0) -> Sequential:
    """A little of everything, for images of 6 x 6."""
    model = Sequential(
        [
            Rescaling(),
            Conv2D(4, 3, padding="same", use_bias=False),
            BatchNorm(),
            ReLU(),
            Residual([Conv2D(6, 3, 2, "same"), BatchNorm(), ReLU()], [Conv2D(6, 1, 2)]),
            AveragePool2D(),
            Flatten(),
            Dropout(0.5),
            Dense(5),
        ]
    )
    model.build((6, 6, 1), seed=seed)
    # Statistics as training leaves them.
    model.statistics[:] = 0.5 + np.abs(normal(model.statistics.size))
    return model


def images(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 6, 6, 1), np.uint8)


def dense_only() -> Sequential:
    """Rows in, nothing but matrix products inside."""
    model = Sequential([Dense(4), Tanh(), Dense(3)])
    model.build((5,))
    return model


class TestBuild:
    def test_returns_the_shape_of_the_output(self):
        assert Sequential(lenet()).build((28, 28, 1)) == (10,)

    def test_an_error_names_the_layer_and_a_remedy(self):
        with pytest.raises(ValueError, match=r"dense_1: .*put Flatten\(\) before it"):
            Sequential([Conv2D(3), ReLU(), Dense(10)]).build((8, 8, 1))

    def test_an_error_counts_layers_of_the_same_kind(self):
        with pytest.raises(ValueError, match="conv2d_3: a window of 3 x 3 does not fit"):
            Sequential([Conv2D(3), Conv2D(3), Conv2D(3)]).build((6, 6, 1))

    @pytest.mark.parametrize("shape", [(), (0,), (28, -1, 1)])
    def test_a_shape_of_anything_but_positive_sizes_is_an_error(self, shape):
        with pytest.raises(ValueError, match="give positive sizes without the batch axis"):
            Sequential([Flatten()]).build(shape)

    def test_the_same_seed_gives_the_same_weights_bit_for_bit(self):
        assert_array_equal(small(seed=3).parameters, small(seed=3).parameters)

    def test_another_seed_gives_other_weights(self):
        weight = "conv2d_1.weight"
        assert (small(seed=3).state_dict()[weight] != small(seed=4).state_dict()[weight]).any()

    def test_a_generator_does_as_well_as_a_seed(self):
        model = Sequential(lenet())
        model.build((28, 28, 1), seed=np.random.default_rng(3))
        other = Sequential(lenet())
        other.build((28, 28, 1), seed=3)
        assert_array_equal(model.parameters, other.parameters)

    def test_building_leaves_the_global_generator_alone(self):
        np.random.seed(5)  # noqa: NPY002 (the one that must not be touched)
        expected = np.random.random()  # noqa: NPY002
        np.random.seed(5)  # noqa: NPY002
        model = small()
        model.forward(images(2), Context(training=True, rng=np.random.default_rng(0)))
        assert np.random.random() == expected  # noqa: NPY002

    def test_building_again_starts_afresh(self):
        model = small(seed=3)
        model.parameters[:] = 0
        model.build((6, 6, 1), seed=3)
        assert_array_equal(model.parameters, small(seed=3).parameters)
        assert_array_equal(model.layers[-1].params["bias"], np.zeros(5))

    def test_a_model_can_be_built_for_another_shape(self):
        model = small()
        model.build((8, 8, 3))
        assert model.outputs(np.zeros((2, 8, 8, 3))).shape == (2, 5)

    def test_a_build_that_fails_leaves_the_model_as_it_was(self):
        model = Sequential([Conv2D(2, 3), Conv2D(2, 3), Flatten(), Dense(2)])
        model.build((8, 8, 1), seed=1)
        before = model.state_dict()
        with pytest.raises(ValueError, match="does not fit"):
            model.build((4, 4, 1), seed=2)
        for name, array in model.state_dict().items():
            assert_array_equal(array, before[name])

    def test_no_layers_are_an_error(self):
        with pytest.raises(ValueError, match="layers is empty"):
            Sequential([])

    def test_one_layer_in_two_places_is_an_error(self):
        relu = ReLU()
        with pytest.raises(ValueError, match="relu_2 stands in two places"):
            Sequential([Dense(3), relu, Dense(3), relu])

    def test_one_layer_inside_and_outside_of_a_residual_is_an_error(self):
        dense = Dense(3)
        with pytest.raises(ValueError, match=r"residual_1.branch.dense_1 stands in two places"):
            Sequential([dense, Residual([dense])])

    def test_one_layer_on_both_ways_of_a_residual_is_an_error(self):
        dense = Dense(3)
        with pytest.raises(ValueError, match=r"residual_1.shortcut.dense_1 stands in two places"):
            Sequential([Residual([dense], [dense])])


class TestVectors:
    def test_the_layers_parameters_lie_in_the_models_vector(self):
        model = small()
        model.parameters[:] = 7
        for _, layer in model.named_layers():
            for array in layer.params.values():
                assert np.shares_memory(array, model.parameters)
                assert (array == 7).all()

    def test_the_layers_state_lies_in_the_models_statistics(self):
        model = small()
        model.statistics[:] = 7
        for _, layer in model.named_layers():
            for array in layer.state.values():
                assert np.shares_memory(array, model.statistics)
                assert (array == 7).all()

    def test_what_a_layer_is_given_arrives_in_the_vector(self):
        model = dense_only()
        model.layers[0].params["bias"][:] = 9
        assert_array_equal(model.parameters[20:24], [9, 9, 9, 9])

    def test_every_parameter_has_one_place(self):
        model = small()
        model.parameters[:] = np.arange(model.parameters.size)
        seen = [a.ravel() for _, layer in model.named_layers() for a in layer.params.values()]
        assert_array_equal(np.concatenate(seen), model.parameters)

    @pytest.mark.parametrize("kind", ["params", "state"])
    def test_a_name_cannot_be_bound_to_another_array(self, kind):
        layer = small().layers[2]
        name = next(iter(getattr(layer, kind)))
        with pytest.raises(TypeError, match="does not support item assignment"):
            getattr(layer, kind)[name] = np.zeros(4)

    def test_the_gradient_lies_as_the_parameters_do(self):
        model = small()
        ctx = Context(training=True, rng=np.random.default_rng(0))
        y = model.forward(images(3), ctx)
        model.backward(np.ones_like(y), ctx)
        gradient = model.gradient(ctx)
        expected = [
            ctx.grads[layer][name].ravel()
            for _, layer in model.named_layers()
            for name in layer.params
        ]
        assert_array_equal(gradient, np.concatenate(expected))
        assert gradient.shape == model.parameters.shape
        assert gradient.dtype == np.float32

    def test_a_model_without_parameters_has_empty_vectors(self):
        model = Sequential([Flatten(), ReLU()])
        model.build((2, 2, 1))
        ctx = Context(training=True)
        model.backward(model.forward(np.ones((1, 2, 2, 1)), ctx), ctx)
        assert (
            model.parameters.size == model.gradient(ctx).size == model.weight_decay_mask().size == 0
        )


class TestPredict:
    @pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
    @pytest.mark.parametrize("method", ["outputs", "predict_proba", "predict"])
    def test_in_batches_is_as_all_at_once(self, method, batch_size):
        model, x = small(), images(7)
        at_once = getattr(model, method)(x, batch_size=7)
        in_batches = getattr(model, method)(x, batch_size=batch_size)
        assert_allclose(in_batches, at_once, rtol=1e-5, atol=1e-6)

    def test_probabilities_are_the_softmax_of_the_outputs(self):
        model, x = small(), images(4)
        exponentials = np.exp(model.outputs(x).astype(np.float64))
        expected = exponentials / exponentials.sum(axis=1, keepdims=True)
        assert_allclose(model.predict_proba(x), expected, rtol=1e-5)

    @pytest.mark.parametrize("last", [Softmax, Sigmoid])
    def test_probabilities_are_not_softened_twice(self, last):
        model = Sequential([Dense(3), last()])
        model.build((4,))
        x = normal(5, 4)
        assert_array_equal(model.predict_proba(x), model.outputs(x))

    def test_the_prediction_is_the_class_of_the_largest_output(self):
        model, x = small(), images(9)
        assert_array_equal(model.predict(x), model.outputs(x).argmax(axis=1))

    @pytest.mark.parametrize("method", ["outputs", "predict_proba", "predict"])
    def test_no_rows_give_no_answers(self, method):
        model = dense_only()
        answers = getattr(model, method)(np.zeros((0, 5)))
        assert answers.shape == ((0,) if method == "predict" else (0, 3))

    @pytest.mark.parametrize("method", ["outputs", "predict_proba", "predict"])
    def test_no_images_give_no_answers(self, method):
        answers = getattr(small(), method)(images(0))
        assert answers.shape == ((0,) if method == "predict" else (0, 5))

    def test_a_wrong_shape_is_an_error_even_without_images(self):
        with pytest.raises(ValueError, match="x has the shape"):
            small().predict(np.zeros((0, 7, 6, 1)))

    @pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, bool])
    def test_any_real_type_is_taken_and_float32_comes_out(self, dtype):
        model, x = small(), images(3) // 128
        outputs = model.outputs(x.astype(dtype))
        assert outputs.dtype == np.float32
        assert_array_equal(outputs, model.outputs(x))

    def test_lists_are_taken(self):
        model = dense_only()
        assert_array_equal(
            model.predict([[1, 2, 3, 4, 5]]), model.predict(np.array([[1, 2, 3, 4, 5]]))
        )

    @pytest.mark.parametrize("shape", [(2, 7, 6), (2, 6, 6, 3), (2, 36), ()])
    @pytest.mark.parametrize("method", ["outputs", "predict_proba", "predict"])
    def test_a_wrong_shape_is_an_error_that_says_the_right_one(self, method, shape):
        with pytest.raises(ValueError, match=r"takes \(batch, 6, 6, 1\); reshape or resize x"):
            getattr(small(), method)(np.zeros(shape))

    def test_a_single_number_is_a_wrong_shape_too(self):
        with pytest.raises(ValueError, match="reshape or resize x"):
            small().predict(3.0)

    @pytest.mark.parametrize("batch_size", [0, -1])
    def test_a_batch_size_that_is_not_positive_is_named(self, batch_size):
        with pytest.raises(ValueError, match="batch_size is"):
            small().predict(images(3), batch_size=batch_size)

    def test_a_model_that_is_not_built_is_an_error_with_a_remedy(self):
        with pytest.raises(ValueError, match=r"call build\(input_shape\) first"):
            Sequential(lenet()).predict(np.zeros((1, 28, 28, 1)))

    def test_predicting_does_not_change_the_model(self):
        model = small()
        before = model.state_dict()
        model.predict(images(5))
        for name, array in model.state_dict().items():
            assert_array_equal(array, before[name])

    def test_each_answer_depends_on_its_image_only(self):
        model, x = small(), images(8)
        assert_allclose(model.outputs(x)[3:4], model.outputs(x[3:4]), rtol=1e-5, atol=1e-6)

    def test_many_threads_on_one_model_get_the_same_answers_as_one(self):
        model, x = small(), images(64)
        expected = model.outputs(x)
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: model.outputs(x), range(40)))
        for answer in answers:
            assert_array_equal(answer, expected)

    def test_threads_that_train_do_not_mix_their_gradients(self):
        model, x = small(), images(32)

        def gradient(seed):
            ctx = Context(training=True, rng=np.random.default_rng(seed))
            model.backward(model.forward(x, ctx), ctx)
            return model.gradient(ctx)

        expected = [gradient(seed) for seed in range(8)]
        with ThreadPoolExecutor(8) as threads:
            for found, alone in zip(threads.map(gradient, range(8)), expected, strict=True):
                assert_array_equal(found, alone)


class TestActivations:
    def test_every_layer_shows_its_output(self):
        model, x = small(), images(3)
        shown = list(model.activations(x))
        assert [name for name, _ in shown] == [
            "rescaling_1",
            "conv2d_1",
            "batchnorm_1",
            "relu_1",
            "residual_1",
            "averagepool2d_1",
            "flatten_1",
            "dropout_1",
            "dense_1",
        ]
        assert [y.shape[1:] for _, y in shown] == [row.output_shape for row in model.summary().rows]
        assert_array_equal(shown[-1][1], model.outputs(x))


class TestSummary:
    def test_lenet5_has_its_61706_parameters(self):
        model = Sequential(lenet())
        model.build((28, 28, 1))
        summary = model.summary()
        counts = [row.parameters for row in summary.rows if row.parameters]
        assert counts == [156, 2416, 48_120, 10_164, 850]
        assert summary.parameters == model.parameters.size == 61_706

    def test_lenet5_takes_its_macs(self):
        model = Sequential(lenet())
        model.build((28, 28, 1))
        products = 784 * 6 * 25 + 100 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10
        assert model.summary().macs == products

    def test_a_residual_counts_both_its_ways(self):
        model = Sequential([Residual([Conv2D(4, 3, 2, "same"), BatchNorm()], [Conv2D(4, 1, 2)])])
        model.build((6, 6, 2))
        (row,) = model.summary().rows
        assert row.parameters == model.parameters.size == (72 + 4) + 8 + (8 + 4)
        assert row.macs == 9 * 4 * 18 + 9 * 4 * 2
        assert row.output_shape == (3, 3, 4)

    def test_a_residual_in_a_residual_is_counted(self):
        model = Sequential([Residual([Residual([Dense(3)])])])
        model.build((3,))
        assert model.summary().macs == 9
        assert model.summary().parameters == model.parameters.size == 12

    def test_printed_it_is_a_table(self):
        model = Sequential([Conv2D(6, 5), ReLU(), GlobalAveragePool2D(), Dense(10)])
        model.build((28, 28, 1))
        assert str(model.summary()).splitlines() == [
            "Layer                       Output  Parameters  Multiply-adds",
            "-------------------------------------------------------------",
            "input                  28 x 28 x 1                           ",
            "conv2d_1               24 x 24 x 6         156         86,400",
            "relu_1                 24 x 24 x 6                           ",
            "globalaveragepool2d_1            6                           ",
            "dense_1                         10          70             60",
            "-------------------------------------------------------------",
            "total                                      226         86,460",
        ]

    def test_a_model_that_is_not_built_is_an_error(self):
        with pytest.raises(ValueError, match="no weights yet"):
            Sequential(lenet()).summary()


class TestState:
    def test_it_goes_out_and_in(self):
        model, other = small(seed=1), small(seed=2)
        other.load_state_dict(model.state_dict())
        assert_array_equal(other.parameters, model.parameters)
        assert_array_equal(other.statistics, model.statistics)
        assert_array_equal(other.outputs(images(4)), model.outputs(images(4)))

    def test_the_names_say_the_place(self):
        assert list(small().state_dict()) == [
            "conv2d_1.weight",
            "batchnorm_1.gamma",
            "batchnorm_1.beta",
            "batchnorm_1.mean",
            "batchnorm_1.variance",
            "residual_1.branch.conv2d_1.weight",
            "residual_1.branch.conv2d_1.bias",
            "residual_1.branch.batchnorm_1.gamma",
            "residual_1.branch.batchnorm_1.beta",
            "residual_1.branch.batchnorm_1.mean",
            "residual_1.branch.batchnorm_1.variance",
            "residual_1.shortcut.conv2d_1.weight",
            "residual_1.shortcut.conv2d_1.bias",
            "dense_1.weight",
            "dense_1.bias",
        ]

    def test_it_is_a_copy(self):
        model = small()
        model.state_dict()["dense_1.bias"][:] = 9
        assert_array_equal(model.layers[-1].params["bias"], np.zeros(5))

    def test_what_is_loaded_arrives_in_the_vector(self):
        model, arrays = small(), small(seed=5).state_dict()
        vector = model.parameters
        model.load_state_dict(arrays)
        assert model.parameters is vector
        assert_array_equal(vector, small(seed=5).parameters)

    def refused(self, damage, message):
        model, arrays = small(seed=1), small(seed=2).state_dict()
        before = model.state_dict()
        damage(arrays)
        with pytest.raises(ValueError, match=message):
            model.load_state_dict(arrays)
        for name, array in model.state_dict().items():
            assert_array_equal(array, before[name])

    def test_a_missing_array_is_an_error_and_nothing_is_loaded(self):
        self.refused(lambda arrays: arrays.pop("dense_1.bias"), r"missing \['dense_1.bias'\]")

    def test_an_unknown_array_is_an_error_and_nothing_is_loaded(self):
        self.refused(
            lambda arrays: arrays.update({"dense_2.bias": np.zeros(3)}),
            r"missing none, unknown \['dense_2.bias'\]; load them into the architecture",
        )

    def test_a_wrong_shape_is_an_error_and_nothing_is_loaded(self):
        self.refused(
            lambda arrays: arrays.update({"dense_1.bias": np.zeros(6)}),
            r"dense_1.bias is float64 of shape \(6,\), but this model's is float32 of shape \(5,\)",
        )

    def test_a_shape_that_would_broadcast_is_an_error_too(self):
        self.refused(lambda arrays: arrays.update({"dense_1.bias": np.zeros(1)}), "dense_1.bias is")

    def test_a_wrong_type_is_an_error_and_nothing_is_loaded(self):
        self.refused(
            lambda arrays: arrays.update({"dense_1.bias": np.array(list("abcde"))}), "is <U1"
        )

    def test_a_model_that_is_not_built_is_an_error(self):
        with pytest.raises(ValueError, match="no weights yet"):
            Sequential(lenet()).load_state_dict({})


class TestConfig:
    def test_it_survives_json_and_makes_the_same_model(self):
        model = small(seed=3)
        copy = Sequential.from_config(json.loads(json.dumps(model.config())))
        copy.build((6, 6, 1), seed=3)
        assert_array_equal(copy.parameters, model.parameters)
        assert repr(copy) == repr(model)

    def test_a_model_that_is_not_built_has_one_too(self):
        assert len(Sequential(lenet()).config()) == 12

    def test_an_unknown_layer_is_an_error(self):
        with pytest.raises(ValueError, match="'Magic' is unknown"):
            Sequential.from_config([{"layer": "Magic"}])

    def test_repr_is_the_python_that_makes_it(self):
        model = Sequential([Conv2D(6, 5), ReLU(), Residual([Dropout(0.5)])])
        assert repr(eval(repr(model))) == repr(model)


class TestAstype:
    def test_float64_has_the_same_numbers(self):
        model = small()
        copy = model.astype(np.float64)
        assert copy.parameters.dtype == copy.statistics.dtype == np.float64
        assert_array_equal(copy.parameters, model.parameters)
        assert_array_equal(copy.statistics, model.statistics)
        assert copy.outputs(images(3)).dtype == np.float64
        assert_allclose(copy.outputs(images(3)), model.outputs(images(3)), rtol=1e-4, atol=1e-5)

    def test_float64_keeps_its_digits_in_another_copy(self):
        model = small().astype(np.float64)
        model.parameters += 1e-12
        assert_array_equal(model.astype(np.float64).parameters, model.parameters)

    def test_the_copy_shares_nothing(self):
        model = small()
        copy = model.astype(np.float32)
        copy.parameters[:] = 0
        assert not np.shares_memory(copy.parameters, model.parameters)
        assert model.parameters.any()
        assert not set(copy.layers) & set(model.layers)

    def test_a_model_that_is_not_built_is_copied_too(self):
        assert repr(Sequential(lenet()).astype(np.float64)) == repr(Sequential(lenet()))
