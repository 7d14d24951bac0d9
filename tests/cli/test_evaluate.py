import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from numcnn.augmentation import augmentation_from_config
from numcnn.data import load_mnist
from numcnn.model_files import load_model
from tests.cli.outcome import tree
from tests.cli.tables import write_table


@pytest.fixture
def right(model, judged) -> int:
    """How many of the images to judge by the model gets right."""
    return int((load_model(model).model.predict(judged.images) == judged.labels).sum())


def test_json_is_one_object_with_the_measures(numcnn, model, files, judged, right):
    outcome = numcnn("evaluate", model, "mnist", "--data-dir", files, "--json")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.count("\n") == 1
    found = json.loads(outcome.out)
    assert found["accuracy"] == right / 80
    assert found["loss"] > 0
    assert found["images"] == 80
    assert found["classes"] == list("0123456789")
    confusion = np.array(found["confusion"])
    assert confusion.sum(axis=1).tolist() == judged.label_counts().tolist()
    assert confusion.trace() == right


def test_the_metrics_of_the_run_are_measured_again(numcnn, model, files):
    found = json.loads(numcnn("evaluate", model, "mnist", "--data-dir", files, "--json").out)
    metrics = json.loads((model.parent / "metrics.json").read_text())
    assert found["accuracy"] == metrics["test_accuracy"]
    assert found["loss"] == pytest.approx(metrics["test_loss"])


def test_the_text_has_a_line_for_each_class(numcnn, model, files, judged, right):
    outcome = numcnn("evaluate", model, "mnist", "--data-dir", files)
    assert (outcome.status, outcome.err) == (0, "")
    assert f"accuracy  {right / 80:.2%}  ({80 - right} of 80 wrong)\n" in outcome.out
    rows = re.findall(r"^(\d) +(\d+) +(\d+) +([\d.]+)%", outcome.out, re.MULTILINE)
    assert [int(images) for _, images, _, _ in rows] == judged.label_counts().tolist()
    assert sum(int(wrong) for _, _, wrong, _ in rows) == 80 - right
    for _, images, wrong, error in rows:
        assert float(error) == pytest.approx(100 * int(wrong) / int(images), abs=0.01)


@pytest.mark.slow
def test_the_pictures_are_drawn_where_asked(numcnn, model, files, here):
    outcome = numcnn("evaluate", model, "mnist", "--data-dir", files, "--out", "judged")
    assert outcome.status == 0
    names = {"confusion.png", "mistakes.png", "predictions.png"}
    assert set(tree(here)) == {"judged", *(f"judged/{name}" for name in names)}
    for name in names:
        with Image.open(here / "judged" / name) as picture:
            assert picture.format == "PNG"
    assert outcome.out.endswith(
        "pictures in judged/: confusion.png, mistakes.png, predictions.png\n"
    )


def test_nothing_is_written_unless_asked(numcnn, model, files, here):
    numcnn("evaluate", model, "mnist", "--data-dir", files)
    assert tree(here) == {}


@pytest.mark.slow
def test_json_stays_one_object_when_pictures_are_drawn(numcnn, model, files):
    outcome = numcnn("evaluate", model, "mnist", "--data-dir", files, "--out", "judged", "--json")
    assert "accuracy" in json.loads(outcome.out)
    assert Path("judged/mistakes.png").exists()


def test_the_training_part_can_be_judged_by(numcnn, model, files):
    outcome = numcnn("evaluate", model, "mnist", "--data-dir", files, "--part", "train", "--json")
    train = load_mnist(files).train
    found = json.loads(outcome.out)
    assert found["images"] == 240
    assert found["accuracy"] == pytest.approx(
        (load_model(model).model.predict(train.images) == train.labels).mean()
    )


def test_a_folder_of_some_classes_is_matched_by_name(numcnn, model, pictures, judged):
    # Its own numbers for 1, 3 and 7 are 0, 1 and 2.
    found = json.loads(numcnn("evaluate", model, pictures, "--json").out)
    predicted = load_model(model).model.predict(judged.images)
    chosen = np.isin(judged.labels, [1, 3, 7])
    assert found["images"] == chosen.sum()
    assert found["accuracy"] == pytest.approx((predicted == judged.labels)[chosen].mean())
    counts = np.array(found["confusion"]).sum(axis=1)
    assert counts.nonzero()[0].tolist() == [1, 3, 7]


def test_a_folder_of_large_color_images_is_brought_to_the_models_size(numcnn, model, tmp_path):
    (tmp_path / "pictures/4").mkdir(parents=True)
    Image.new("RGB", (40, 30), "white").save(tmp_path / "pictures/4/1.png")
    outcome = numcnn("evaluate", model, tmp_path / "pictures", "--json")
    assert json.loads(outcome.out)["images"] == 1


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_labeled_table_is_judged_whole(numcnn, model, judged, right, tmp_path, suffix):
    path = write_table(tmp_path / f"judged{suffix}", judged)
    found = json.loads(numcnn("evaluate", model, path, "--json").out)
    assert (found["images"], found["accuracy"]) == (80, right / 80)


def test_a_class_that_the_model_does_not_know_is_named(numcnn, model, tmp_path):
    (tmp_path / "pictures/cat").mkdir(parents=True)
    Image.new("L", (8, 8)).save(tmp_path / "pictures/cat/1.png")
    message = numcnn("evaluate", model, tmp_path / "pictures").error()
    assert "has the class 'cat', which is not among 0, 1" in message


@pytest.fixture
def second(numcnn, small, here) -> Path:
    """A model of another seed."""
    assert numcnn(*small, "--seed", 1, "--out", "second").status == 0
    return here / "second/model.safetensors"


@pytest.mark.slow
def test_several_models_answer_together(numcnn, model, second, files, judged):
    outcome = numcnn("evaluate", model, second, "mnist", "--data-dir", files, "--json")
    found = json.loads(outcome.out)
    each = [load_model(path).model.predict_proba(judged.images) for path in (model, second)]
    assert found["alone"] == [np.mean(one.argmax(axis=1) == judged.labels) for one in each]
    mean = (each[0] + each[1]) / 2
    assert found["accuracy"] == np.mean(mean.argmax(axis=1) == judged.labels)
    text = numcnn("evaluate", model, second, "mnist", "--data-dir", files).out
    low, high = sorted(found["alone"])
    assert f"alone     {low:.2%} to {high:.2%}, mean {(low + high) / 2:.2%} (2 models)" in text


def test_a_runs_folder_stands_for_its_model(numcnn, model, files):
    words = "mnist", "--data-dir", files, "--json"
    assert numcnn("evaluate", model.parent, *words).out == numcnn("evaluate", model, *words).out


def test_views_change_what_is_said(numcnn, model, files, judged):
    words = "evaluate", model, "mnist", "--data-dir", files, "--json"
    plain, averaged = (json.loads(numcnn(*words, *more).out) for more in ((), ("--tta",)))
    assert plain["loss"] != averaged["loss"]
    loaded = load_model(model)
    augmentation = augmentation_from_config(loaded.card["augmentation"])
    views = list(augmentation.views(judged.images.astype(np.float32)))
    assert len(views) == 7
    mean = np.mean([loaded.model.predict_proba(view) for view in views], axis=0)
    assert averaged["accuracy"] == np.mean(mean.argmax(axis=1) == judged.labels)


@pytest.mark.slow
def test_a_model_trained_on_images_as_they_are_has_no_views(numcnn, small, files):
    numcnn(*small, "--no-augment", "--out", "plain")
    message = numcnn("evaluate", "plain", "mnist", "--data-dir", files, "--tta").error()
    assert "trained on images as they are" in message
