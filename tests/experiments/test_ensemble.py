from pathlib import Path

import numpy as np
import pytest

from numcnn.augmentation import HorizontalFlip, RandomAffine
from numcnn.data import Dataset
from numcnn.experiments.ensemble import Ensemble, evaluate_together, model_files
from numcnn.model_files import load_model, save_model
from numcnn.nn import Conv2D, Dense, Flatten, ReLU, Rescaling, Sequential

CLASSES = ("cat", "dog", "owl")


def saved(
    path: Path,
    seed: int = 0,
    shape: tuple[int, int, int] = (6, 5, 1),
    classes: tuple[str, ...] = CLASSES,
    **card: object,
) -> Path:
    """A file of a small model whose answers differ with the image's place."""
    model = Sequential([Rescaling(), Conv2D(3, 3), ReLU(), Flatten(), Dense(len(classes))])
    model.build(shape, seed=seed)
    save_model(path, model, classes, card)
    return path


@pytest.fixture
def data() -> Dataset:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (40, 6, 5, 1)).astype(np.uint8)
    return Dataset(images, rng.integers(0, 3, 40), CLASSES, "noise")


def test_the_probabilities_are_the_mean_of_the_models(tmp_path, data):
    files = [saved(tmp_path / f"{seed}.safetensors", seed) for seed in range(3)]
    each = [load_model(file).model.predict_proba(data.images) for file in files]
    together = Ensemble.load(files)
    for found, expected in zip(together.member_probabilities(data.images), each, strict=True):
        np.testing.assert_array_equal(found, expected)
    found = together.predict_proba(data.images)
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    assert found.dtype == np.float32


def test_one_model_says_what_it_says(tmp_path, data):
    file = saved(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(
        Ensemble.load([file]).predict_proba(data.images),
        load_model(file).model.predict_proba(data.images),
    )


def test_batches_change_nothing(tmp_path, data):
    together = Ensemble.load([saved(tmp_path / "a", 1), saved(tmp_path / "b", 2)])
    np.testing.assert_allclose(
        together.predict_proba(data.images, 7), together.predict_proba(data.images), rtol=1e-5
    )
    assert together.predict_proba(data.images[:0]).shape == (0, 3)


def test_each_model_is_shown_the_views_of_its_own_training(tmp_path, data):
    turned, mirrored = RandomAffine(rotation=40, shift=0.4), HorizontalFlip()
    files = [
        saved(tmp_path / "a.safetensors", 1, augmentation=turned.config()),
        saved(tmp_path / "b.safetensors", 2, augmentation=mirrored.config()),
    ]
    images = data.images.astype(np.float32)
    found = Ensemble.load(files, views=True).member_probabilities(data.images)
    for file, augmentation, said in zip(files, (turned, mirrored), found, strict=True):
        model = load_model(file).model
        views = [model.predict_proba(view) for view in augmentation.views(images)]
        np.testing.assert_allclose(said, np.mean(views, axis=0), rtol=1e-5)
        assert not np.allclose(said, views[0])


@pytest.mark.parametrize("card", [{}, {"augmentation": None}])
def test_a_model_that_saw_images_as_they_are_has_no_views(tmp_path, card):
    file = saved(tmp_path / "model.safetensors", **card)
    with pytest.raises(ValueError, match="trained on images as they are") as caught:
        Ensemble.load([file], views=True)
    assert str(file) in str(caught.value)


def test_an_unknown_augmentation_on_a_card_is_told(tmp_path):
    file = saved(tmp_path / "model.safetensors", augmentation={"type": "Melting"})
    with pytest.raises(ValueError, match="its card tells of an unknown augmentation"):
        Ensemble.load([file], views=True)
    assert Ensemble.load([file]).views == (None,)


def test_models_of_other_images_are_named(tmp_path):
    files = [saved(tmp_path / "a"), saved(tmp_path / "b", shape=(7, 5, 1))]
    with pytest.raises(ValueError, match=r"b takes images of 7 x 5 x 1, and .*a 6 x 5 x 1"):
        Ensemble.load(files)


def test_models_of_other_classes_are_named(tmp_path):
    files = [saved(tmp_path / "a"), saved(tmp_path / "b", classes=("cat", "owl", "dog"))]
    with pytest.raises(ValueError, match=r"b takes the classes cat, owl, dog, and .*a cat, dog"):
        Ensemble.load(files)


def test_no_model_is_no_ensemble():
    with pytest.raises(ValueError, match="paths is empty"):
        Ensemble.load([])


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        Ensemble.load([tmp_path / "nothing.safetensors"])


def test_a_folder_stands_for_its_finished_models(tmp_path):
    for seed in (0, 2, 10):
        (tmp_path / f"seed-{seed}").mkdir()
        saved(tmp_path / f"seed-{seed}/model.safetensors", seed)
    (tmp_path / "seed-3").mkdir()
    (tmp_path / "other").mkdir()
    saved(tmp_path / "other/model.safetensors")
    names = [file.parent.name for file in model_files(tmp_path)]
    assert names == ["seed-0", "seed-2", "seed-10"]
    (tmp_path / "seed-2/checkpoint.safetensors").touch()
    assert [file.parent.name for file in model_files(tmp_path)] == ["seed-0", "seed-10"]
    assert model_files(tmp_path / "seed-2") == [tmp_path / "seed-2/model.safetensors"]
    assert len(Ensemble.load([tmp_path, tmp_path / "other"]).members) == 3


def test_a_folder_without_models_is_told(tmp_path):
    with pytest.raises(ValueError, match="no finished model in this folder"):
        Ensemble.load([tmp_path])


def test_accuracy_together_and_alone(tmp_path, data):
    models = Ensemble.load([saved(tmp_path / f"{seed}", seed) for seed in range(4)])
    together, alone = evaluate_together(models, data)
    said = models.member_probabilities(data.images)
    assert alone == [float(np.mean(one.argmax(axis=1) == data.labels)) for one in said]
    mean = np.mean(said, axis=0)
    assert together.accuracy == float(np.mean(mean.argmax(axis=1) == data.labels))
    assert together.loss == pytest.approx(-np.log(mean[np.arange(40), data.labels]).mean())
    assert together.confusion.trace() == round(40 * together.accuracy)


def test_images_of_another_size_are_not_judged(tmp_path, data):
    models = Ensemble.load([saved(tmp_path / "a", shape=(5, 5, 1))])
    with pytest.raises(ValueError, match="takes images of 5 x 5 x 1, and those of noise are 6 x 5"):
        evaluate_together(models, data)
