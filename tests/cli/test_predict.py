from pathlib import Path

import numpy as np
import pytest

from numcnn.data import Dataset
from numcnn.experiments.ensemble import Ensemble
from numcnn.model_files import load_model, save_model
from tests.cli.outcome import tree
from tests.cli.tables import write_table


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
@pytest.mark.parametrize("labeled", [False, True])
def test_the_answers_are_in_kaggles_format(numcnn, model, judged, tmp_path, here, suffix, labeled):
    table = write_table(tmp_path / f"test{suffix}", judged, labeled=labeled)
    outcome = numcnn("predict", model, table, "-o", "submission.csv")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == "80 predictions in submission.csv\n"
    predicted = load_model(model).model.predict(judged.images)
    rows = [f"{number},{label}" for number, label in enumerate(predicted, start=1)]
    assert (here / "submission.csv").read_bytes().decode() == (
        "\n".join(["ImageId,Label", *rows]) + "\n"
    )


def test_classes_that_are_numbers_are_written_as_these(numcnn, model, table, tmp_path, here):
    # As those of a folder of images that has some of the digits, in an order of its own.
    classes = tuple("9876543210")
    save_model(tmp_path / "turned.safetensors", load_model(model).model, classes)
    numcnn("predict", tmp_path / "turned.safetensors", table, "-o", "turned.csv")
    numcnn("predict", model, table, "-o", "plain.csv")
    turned, plain = (
        [int(line.split(",")[1]) for line in (here / name).read_text().splitlines()[1:]]
        for name in ("turned.csv", "plain.csv")
    )
    assert turned == [9 - label for label in plain]


def test_classes_with_other_names_are_written_as_positions(numcnn, model, table, tmp_path, here):
    save_model(tmp_path / "named.safetensors", load_model(model).model, tuple("abcdefghij"))
    numcnn("predict", tmp_path / "named.safetensors", table, "-o", "named.csv")
    numcnn("predict", model, table, "-o", "plain.csv")
    assert (here / "named.csv").read_text() == (here / "plain.csv").read_text()


def test_an_output_that_cannot_be_written_leaves_nothing(numcnn, model, table, here):
    (here / "file").write_text("in the way")
    before = tree(here)
    numcnn("predict", model, table, "-o", "file/submission.csv").error()
    assert tree(here) == before


def test_images_of_another_size_are_refused(numcnn, model, tmp_path, here):
    small = Dataset(np.zeros((1, 3, 3, 1), np.uint8), None, ("0",), "small")
    table = write_table(tmp_path / "small.csv", small, labeled=False)
    message = numcnn("predict", model, table, "-o", "submission.csv").error()
    assert "small.csv: the model takes images of 8 x 8 x 1, and these are 3 x 3 x 1" in message
    assert tree(here) == {}


def test_the_output_must_be_named(numcnn, model, table):
    assert "'-o' / '--output'" in numcnn("predict", model, table).usage_error()


def test_several_models_predict_together(numcnn, model, small, table, judged, here):
    assert numcnn(*small, "--seed", 1, "--out", "second").status == 0
    second = here / "second/model.safetensors"
    assert numcnn("predict", model, second, table, "-o", "both.csv").status == 0
    mean = sum(load_model(path).model.predict_proba(judged.images) for path in (model, second))
    predicted = [int(line.split(",")[1]) for line in Path("both.csv").read_text().splitlines()[1:]]
    assert predicted == mean.argmax(axis=1).tolist()
    numcnn("predict", "second", table, "-o", "second.csv")
    assert Path("second.csv").read_text() != Path("both.csv").read_text()


def test_views_are_averaged_where_asked(numcnn, model, table, judged):
    assert numcnn("predict", model, table, "--tta", "-o", "views.csv").status == 0
    expected = Ensemble.load([model], views=True).predict_proba(judged.images).argmax(axis=1)
    predicted = [int(line.split(",")[1]) for line in Path("views.csv").read_text().splitlines()[1:]]
    assert predicted == expected.tolist()
