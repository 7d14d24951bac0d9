import json
import shutil

import pytest

from tests.cli.outcome import tree


@pytest.fixture
def two(model, here):
    """Two runs in the usual place."""
    for name in ("mnist-lenet5-1", "mnist-lenet5-2"):
        shutil.copytree(model.parent, here / "runs" / name)


def test_where_there_are_none_it_says_how_to_train_one(numcnn, here):
    outcome = numcnn("models")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == "no models here; train one with: numcnn train\n"
    assert json.loads(numcnn("models", "--json").out) == []
    assert tree(here) == {}


def test_each_model_is_a_line(numcnn, two, trained):
    outcome = numcnn("models")
    accuracy = trained.metrics["test_accuracy"]
    assert outcome.out == "".join(
        f"runs/mnist-lenet5-{number}/model.safetensors  mnist, lenet5, seed 0: "
        f"{accuracy:.2%} on the test part, {trained.metrics['parameters']:,} parameters\n"
        for number in (1, 2)
    )


def test_the_list_as_json(numcnn, two, trained):
    first, second = json.loads(numcnn("models", "runs", "--json").out)
    assert second["path"] == "runs/mnist-lenet5-2/model.safetensors"
    assert first["input_shape"] == [8, 8, 1]
    assert first["classes"] == list("0123456789")
    assert first["parameters"] == trained.metrics["parameters"]
    assert first["card"]["recipe"] == "lenet5"
    assert first["card"]["test_accuracy"] == trained.metrics["test_accuracy"]


def test_one_model_is_shown_in_full(numcnn, model):
    shown = numcnn("models", model).out
    for part in ("conv2d_1", "dense_3", "total", "classes: 0, 1, 2", "recipe", "lenet5", "seed"):
        assert part in shown


def test_a_folder_without_models_has_none(numcnn, here):
    assert numcnn("models", here).out.startswith("no models here")


def test_a_missing_file_is_named(numcnn):
    assert (
        "nothing.safetensors: there is no such file"
        in numcnn("models", "nothing.safetensors").error()
    )
