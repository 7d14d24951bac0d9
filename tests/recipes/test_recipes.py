import json
import pkgutil
from importlib import import_module

import numpy as np
import pytest

from numcnn import recipes
from numcnn.data import describe, names
from numcnn.recipes import DEFAULTS, RECIPES, Recipe, find
from numcnn.run_settings import RunSettings


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


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_images_that_are_too_small_are_told_by_their_size(recipe):
    smallest = recipe.smallest_side
    recipe.new_network((smallest, smallest, 1), 10).build((smallest, smallest, 1))
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
    assert max(rates) == pytest.approx(recipe.learning_rate, rel=0.02)


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_a_recipe_comes_down_to_is_json(recipe):
    found = RunSettings(recipe=recipe).resolved_recipe()
    told = {
        "architecture": found.network((8, 8, 1), 10).config(),
        "augmentation": found.augmentation and found.augmentation.config(),
    }
    assert json.loads(json.dumps(told, allow_nan=False))["architecture"]
