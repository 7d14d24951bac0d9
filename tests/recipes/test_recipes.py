import json
import pkgutil
from importlib import import_module

import numpy as np
import pytest

from numcnn import recipes
from numcnn.data import describe, names
from numcnn.experiments.settings import RunSettings
from numcnn.nn import Dense, Flatten, ReLU, Rescaling, Residual, Sequential, Sigmoid
from numcnn.recipes import DEFAULTS, RECIPES, Recipe, find
from numcnn.recipes.dense_sigmoid import read_layers


def test_every_recipe_of_every_module_is_registered():
    found = set()
    for module in pkgutil.iter_modules(recipes.__path__):
        values = vars(import_module(f"{recipes.__name__}.{module.name}")).values()
        found |= {value.name for value in values if isinstance(value, Recipe)}
    assert found == set(RECIPES)


def test_a_recipe_is_registered_under_its_name():
    assert all(recipe.name == name for name, recipe in RECIPES.items())
    assert all(recipe.summary for recipe in RECIPES.values())


def test_defaults_are_for_data_sets_that_exist():
    assert set(DEFAULTS) <= set(names())


@pytest.mark.parametrize("dataset", names())
@pytest.mark.parametrize("recipe", [None, *RECIPES])
def test_every_recipe_fits_every_data_set(dataset, recipe):
    described = describe(dataset)
    model = find(recipe, dataset).network(described.image_shape, len(described.classes))
    assert model.build(described.image_shape, seed=0) == (len(described.classes),)
    images = np.zeros((2, *described.image_shape), np.uint8)
    assert model.predict_proba(images).shape == (2, len(described.classes))


@pytest.mark.parametrize(
    ("dataset", "recipe"),
    [
        ("digits", "digits"),
        ("mnist", "convnet"),
        ("fashion-mnist", "fashion"),
        ("pictures/", "convnet"),
    ],
)
def test_a_data_set_has_a_default(dataset, recipe):
    assert find(None, dataset).name == recipe


def test_a_recipe_that_is_named_is_taken():
    assert all(find(name, "digits") is recipe for name, recipe in RECIPES.items())


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one():
    with pytest.raises(ValueError, match="did you mean 'lenet5'"):
        find("LeNet5", "mnist")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_images_that_are_too_small_are_told_by_their_size(recipe):
    smallest = recipe.smallest_side
    for side in range(smallest, 40):
        recipe.new_network((smallest, side, 1), 10).build((smallest, side, 1))
        recipe.new_network((side, side, 3), 10).build((side, side, 3))
    with pytest.raises(ValueError, match=f"images are {smallest - 1} x 9 pixels"):
        recipe.new_network((smallest - 1, 9, 1), 10)


@pytest.mark.parametrize("name", ["", "LeNet5", "lenet", "recipe"])
def test_an_unknown_recipe_is_told_with_those_that_there_are(name):
    with pytest.raises(ValueError, match="is unknown; choose one of") as caught:
        find(name, "digits")
    assert repr(name) in str(caught.value)
    assert all(known in str(caught.value) for known in RECIPES)


def test_lenet5_has_the_numbers_of_its_paper():
    # Weights and biases: 6 x 26, 16 x (6 x 25 + 1), 400 x 120 + 120, 120 x 84 + 84, 84 x 10 + 10.
    model = RECIPES["lenet5"].network((28, 28, 1), 10)
    model.build((28, 28, 1), seed=0)
    assert model.summary().parameters == 156 + 2_416 + 48_120 + 10_164 + 850 == 61_706


def test_lenet5_sees_5_by_5_features_of_16_kinds_as_in_its_paper():
    model = RECIPES["lenet5"].network((28, 28, 1), 10)
    model.build((28, 28, 1), seed=0)
    assert "5 x 5 x 16" in str(model.summary())


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 2, 1), (3, 40, 3)])
def test_lenet5_refuses_images_below_4_pixels(shape):
    with pytest.raises(ValueError, match="larger images"):
        RECIPES["lenet5"].network(shape, 10).build(shape, seed=0)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_each_training_gets_an_optimizer_of_its_own(recipe):
    one, other = recipe.new_optimizer(), recipe.new_optimizer()
    assert one is not other
    assert repr(one) == repr(other)
    numbers = np.ones(3, np.float32)
    one.step(numbers, numbers.copy(), 0.1, np.ones(3, bool))
    assert (one.iterations, other.iterations) == (1, 0)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_learning_rate_is_the_schedules_highest(recipe):
    schedule = recipe.new_optimizer().schedule
    rates = [schedule(epoch / 50 * recipe.epochs, recipe.epochs) for epoch in range(50)]
    # What is faded in while it falls does not quite get there.
    assert 0.75 * recipe.learning_rate < max(rates) <= recipe.learning_rate


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_a_recipe_comes_down_to_is_json(recipe):
    found = RunSettings(recipe=recipe).resolved_recipe()
    told = {
        "architecture": found.network((8, 8, 1), 10).config(),
        "augmentation": found.augmentation and found.augmentation.config(),
    }
    assert json.loads(json.dumps(told, allow_nan=False))["architecture"]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipe_names_its_file(recipe):
    module = import_module(f"{recipes.__name__}.{recipe.name.replace('-', '_')}")
    assert recipe in vars(module).values()


def built(name: str, shape: tuple[int, ...] = (28, 28, 1)) -> Sequential:
    """A recipe's network, for images of a shape and ten classes."""
    model = RECIPES[name].new_network(shape, 10)
    model.build(shape, seed=0)
    return model


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # Weights and biases, layer by layer.
        ("two-layer", 7_850 + 110),
        ("dense-sigmoid", 100_480 + 8_256 + 650),
        ("two-conv-adam", 208 + 1_608 + 102_528 + 1_290),
        ("two-conv-momentum", 208 + 1_608 + 8_010),
        ("cifar10-resnet", 1_645_546),
    ],
)
def test_the_parameters_of_mnists_networks(name, parameters):
    assert built(name).summary().parameters == parameters


def test_four_conv_batchnorm_has_as_many_parameters_as_keras_counts():
    model = built("four-conv-batchnorm")
    learned = 320 + 64 + 9_248 + 64 + 18_496 + 128 + 36_928 + 2_048 + 524_800 + 1_024 + 5_130
    assert model.summary().parameters == learned == 598_250
    # Keras counts the running means and variances too.
    assert model.parameters.size + model.statistics.size == 601_578


def test_two_conv_cifar10_has_16_filters_each():
    model = built("two-conv-cifar10", (32, 32, 3))
    weights = [layer.params["weight"].shape for layer in model.layers if layer.params]
    assert weights == [(5, 5, 3, 16), (5, 5, 16, 16), (12 * 12 * 16, 10)]


def test_mnist_best_has_seven_convolutions_that_leave_one_pixel():
    shapes = [row.output_shape for row in built("mnist-best").summary().rows if "conv" in row.name]
    sides = [26, 24, 12, 10, 8, 4, 1]
    assert shapes == [
        (side, side, filters)
        for side, filters in zip(sides, [32, 32, 32, 64, 64, 64, 128], strict=True)
    ]


def test_the_residual_network_goes_around_two_parts():
    model = built("cifar10-resnet", (32, 32, 3))
    around = [layer for layer in model.layers if isinstance(layer, Residual)]
    assert [layer.branch[0].filters for layer in around] == [64, 256]


def test_two_layer_takes_all_images_in_one_step():
    assert RECIPES["two-layer"].batch_size is None
    assert RECIPES["two-layer"].epochs == 500


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("relu:128,sigmoid:64", [("relu", 128), ("sigmoid", 64)]),
        (" ReLU : 5 ", [("relu", 5)]),
        ("sigmoid:1,sigmoid:2,relu:3", [("sigmoid", 1), ("sigmoid", 2), ("relu", 3)]),
    ],
)
def test_layers_are_read_from_a_list(text, layers):
    assert read_layers(text) == layers


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "''"),
        ("relu", "'relu'"),
        ("relu:", "'relu:'"),
        ("relu:0", "'relu:0'"),
        ("relu:-3", "'relu:-3'"),
        ("relu:1.5", "'relu:1.5'"),
        ("relu:²", "'relu:²'"),
        ("tanh:3", "'tanh:3'"),
        ("relu:3,,relu:4", "''"),
        ("relu:3,64", "'64'"),
    ],
)
def test_a_list_of_layers_that_is_none_is_told_with_its_part(text, part):
    with pytest.raises(ValueError, match="such as relu:128,sigmoid:64") as caught:
        RECIPES["dense-sigmoid"].with_layers(text)
    assert f"where {part} is no layer" in str(caught.value)


def test_each_layer_of_the_list_is_built():
    recipe = RECIPES["dense-sigmoid"].with_layers("sigmoid:5,relu:6,relu:7")
    model = recipe.new_network((4, 4, 3), 2)
    model.build((4, 4, 3), seed=0)
    kinds = [type(layer) for layer in model.layers]
    assert kinds == [Rescaling, Flatten, Dense, Sigmoid, Dense, ReLU, Dense, ReLU, Dense]
    widths = [layer.params["weight"].shape for layer in model.layers if layer.params]
    assert widths == [(48, 5), (5, 6), (6, 7), (7, 2)]


def test_a_recipe_of_fixed_layers_takes_none():
    with pytest.raises(ValueError, match="the layers of lenet5 are fixed"):
        RECIPES["lenet5"].with_layers("relu:3")
