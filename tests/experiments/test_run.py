import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from numcnn.data import Dataset, Splits, load_digits, names, write_idx
from numcnn.data.dataset import DIGITS
from numcnn.data.download_sources import IDX_FILES
from numcnn.data.emnist import LETTERS, held_out
from numcnn.engine import TrainingEngine
from numcnn.experiments.run import Run, load_part, train
from numcnn.experiments.settings import RunSettings
from numcnn.handwriting.synthesis import real_letters
from numcnn.model_files import ModelFile, load_model
from numcnn.nn import Dense, Flatten, Sequential
from numcnn.recipes import RECIPES


def found_model(*shape: int, classes: tuple[str, ...] = DIGITS) -> ModelFile:
    """A model for images of a shape."""
    model = Sequential([Flatten(), Dense(len(classes))])
    model.build(shape, seed=0)
    return ModelFile(model, classes)


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Two colored images of each of two classes, and a test part."""
    for name in (
        "train/b/1.png",
        "train/b/2.png",
        "train/a/1.png",
        "train/a/2.png",
        "test/b/1.png",
    ):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 5), (200, 0, 0)).save(path)
    return tmp_path / "pictures"


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> Run:
    """One epoch on the default data."""
    settings = RunSettings(recipe="lenet5", epochs=1, seed=3)
    return train(settings, tmp_path_factory.mktemp("runs") / "run", progress="none")


def test_a_run_is_what_its_files_say(short):
    loaded = load_model(short.folder / "model.safetensors")
    np.testing.assert_array_equal(loaded.model.parameters, short.model.parameters)
    assert loaded.classes == DIGITS
    assert json.loads((short.folder / "metrics.json").read_text()) == short.metrics


def test_the_whole_test_part_judges(short):
    test = load_digits().test
    assert test is not None
    right = (short.model.predict(test.images) == test.labels).sum()
    assert short.test.confusion.sum() == 359
    assert short.metrics["test_accuracy"] == short.test.accuracy == right / 359


def test_the_card_says_how_the_model_came_about(short):
    card = load_model(short.folder / "model.safetensors").card
    assert (card["dataset"], card["recipe"], card["seed"]) == ("digits", "lenet5", 3)
    assert card["test_accuracy"] == short.metrics["test_accuracy"]
    assert card["training_images"] == 1438 - 143
    assert set(card["versions"]) == {"numcnn", "numpy", "python"}
    # A time would make the same run write another file.
    assert not {"seconds", "images_per_second"} & card.keys()


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_the_settings_came_down_to_is_written_as_json(tmp_path, recipe, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    # Some recipes are for 28 x 28 alone. The settings are there before anything is learned.
    rng = np.random.default_rng(0)
    for images, labels in (IDX_FILES[:2], IDX_FILES[2:]):
        write_idx(tmp_path / "mnist" / images, rng.integers(0, 256, (40, 28, 28), np.uint8))
        write_idx(tmp_path / "mnist" / labels, np.arange(40, dtype=np.uint8) % 10)
    letters = Dataset(np.zeros((52, 28, 28, 1), np.uint8), np.arange(52) // 2, LETTERS, "letters")
    monkeypatch.setattr(real_letters, "load_emnist_letters", lambda _: Splits(*held_out(letters)))
    monkeypatch.setattr(TrainingEngine, "backward", stop)
    settings = RunSettings(dataset="mnist", data_dir=str(tmp_path), recipe=recipe, epochs=1)
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "run", progress="none")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["settings.json"]
    told = json.loads((tmp_path / "run/settings.json").read_text())
    resolved = told["resolved"]
    assert resolved["recipe"] == recipe
    assert resolved["architecture"][0]["layer"] in ("Normalization", "Rescaling")
    assert resolved["epochs"] == 1
    assert resolved["batch_size"] == (RECIPES[recipe].batch_size or 40 - 10)
    assert resolved["optimizer"] == repr(RECIPES[recipe].new_optimizer())


def test_settings_are_read_back_as_they_were(tmp_path):
    settings = RunSettings(
        dataset="pictures/",
        data_dir="files",
        recipe="lenet5",
        seed=5,
        epochs=2,
        batch_size=7,
        learning_rate=0.5,
        validation_split=0.25,
        augment=False,
        layers="relu:3",
        size=(5, 6),
        color="rgb",
    )
    (tmp_path / "settings.json").write_text(json.dumps({"settings": settings.as_arguments()}))
    assert RunSettings.load(tmp_path / "settings.json") == settings


def test_what_is_not_said_is_as_the_recipe_says():
    assert RunSettings(recipe="lenet5").resolved_recipe() == RECIPES["lenet5"]


def test_what_is_said_changes_the_recipe():
    settings = RunSettings(
        epochs=2, batch_size=7, learning_rate=0.5, validation_split=0.0, augment=False
    )
    recipe = settings.resolved_recipe()
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == (2, 7, 0.5)
    assert (recipe.validation_split, recipe.augmentation) == (0.0, None)


def test_layers_change_a_recipe_that_takes_them():
    recipe = RunSettings(recipe="dense-sigmoid", layers="sigmoid:7", epochs=2).resolved_recipe()
    model = recipe.new_network((8, 8, 1), 10)
    assert [repr(layer) for layer in model.layers[2:4]] == [
        "Dense(units=7, use_bias=True, initializer='glorot_normal')",
        "Sigmoid()",
    ]
    assert recipe.epochs == 2


@pytest.mark.parametrize("name", names())
def test_the_default_recipe_does_not_depend_on_capitals(name):
    assert (
        RunSettings(dataset=name.upper()).resolved_recipe()
        == RunSettings(dataset=name).resolved_recipe()
    )


@pytest.mark.parametrize(
    ("dataset", "folder"),
    [
        ("digits", "digits-lenet5"),
        ("MNIST", "mnist-lenet5"),
        ("train.csv", "train-lenet5"),
        ("some/where/train.csv.gz", "train-lenet5"),
        ("some/pictures/", "pictures-lenet5"),
        (".", "place-lenet5"),
        ("/", "data-lenet5"),
    ],
)
def test_a_run_is_called_by_data_set_and_recipe(tmp_path, monkeypatch, dataset, folder):
    (tmp_path / "place").mkdir()
    monkeypatch.chdir(tmp_path / "place")
    settings = RunSettings(dataset=dataset, recipe="lenet5")
    assert settings.free_folder() == Path("runs", f"{folder}-1")
    Path("runs", f"{folder}-1").mkdir(parents=True)
    assert settings.free_folder() == Path("runs", f"{folder}-2")


def test_a_part_is_labeled_by_the_models_classes(pictures):
    found = found_model(5, 6, 3, classes=("c", "b", "a"))
    judged = load_part(str(pictures), "train", found)
    assert judged.classes == ("c", "b", "a")
    assert judged.labels is not None
    assert judged.labels.tolist() == [2, 2, 1, 1]


def test_the_test_part_is_taken_where_there_is_one(pictures):
    found = found_model(5, 6, 3, classes=("a", "b"))
    assert len(load_part(str(pictures), "test", found)) == 1
    assert len(load_part(str(pictures / "train"), "test", found)) == 4


@pytest.mark.parametrize("shape", [(3, 4, 1), (9, 9, 3)])
def test_images_are_brought_to_the_models_size_and_colors(pictures, shape):
    assert load_part(
        str(pictures), "test", found_model(*shape, classes=("a", "b"))
    ).image_shape == (shape)


def test_a_run_reads_images_as_the_settings_say(pictures):
    settings = RunSettings(dataset=str(pictures), size=(3, 4), color="gray")
    assert settings.load_splits().train.image_shape == (3, 4, 1)


@pytest.mark.parametrize("name", ["model.safetensors", "metrics.json", "checkpoint.safetensors"])
def test_a_folder_with_a_part_of_a_run_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match="holds a run already"):
        train(RunSettings(), tmp_path, progress="none")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_run_that_is_not_there_is_not_resumed(tmp_path):
    with pytest.raises(ValueError, match=r"no run here to resume \(no settings.json\)"):
        train(RunSettings(), tmp_path / "run", resume=True, progress="none")
    assert not (tmp_path / "run").exists()
