import json

import numpy as np
import pytest
from PIL import Image

from numcnn.model_files import load_model
from tests.cli.outcome import tree

PICTURES = {"explained", "explained/feature_maps.png", "explained/filters.png"}


@pytest.mark.slow
def test_an_image_of_a_data_set_has_its_features_drawn(numcnn, model, files, judged, here):
    words = "mnist", "--data-dir", files, "--index", 7, "--out", "explained"
    outcome = numcnn("features", model, *words)
    assert (outcome.status, outcome.err) == (0, "")
    said = load_model(model).model.predict_proba(judged.images[7:8])[0]
    best = int(said.argmax())
    assert outcome.out.startswith(f"{best} ({said[best]:.1%}), ")
    assert f"; it is {judged.labels[7]}\n" in outcome.out
    assert outcome.out.endswith("pictures in explained/: feature_maps.png, filters.png\n")
    assert set(tree(here)) == PICTURES


@pytest.mark.slow
def test_json_is_one_object(numcnn, model, files, judged):
    words = "mnist", "--data-dir", files, "--out", "explained", "--json"
    found = json.loads(numcnn("features", model, *words).out)
    said = load_model(model).model.predict_proba(judged.images[:1])[0]
    assert found["probabilities"] == pytest.approx(dict(zip("0123456789", said, strict=True)))
    assert found["predicted"] == str(said.argmax())
    assert found["true"] == str(judged.labels[0])
    assert found["pictures"] == ["explained/feature_maps.png", "explained/filters.png"]


@pytest.mark.slow
def test_another_image_is_another_picture(numcnn, model, files, here):
    for index in (0, 1):
        words = "mnist", "--data-dir", files, "--index", index, "--out", f"image-{index}"
        numcnn("features", model, *words)
    first, second = here / "image-0", here / "image-1"
    assert (first / "filters.png").read_bytes() == (second / "filters.png").read_bytes()
    name = "feature_maps.png"
    assert (first / name).read_bytes() != (second / name).read_bytes()


@pytest.mark.slow
def test_an_image_file_is_brought_to_the_models_size(numcnn, model, judged, here):
    large = np.kron(judged.images[3, ..., 0], np.ones((5, 5), np.uint8))
    Image.fromarray(large).convert("RGB").save(here / "digit.png")
    outcome = numcnn("features", model, "digit.png", "--out", "explained", "--json")
    found = json.loads(outcome.out)
    assert found["true"] is None
    assert found["predicted"] in "0123456789"
    assert set(tree(here)) == {*PICTURES, "digit.png"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--index", 80), "index is 80, but mnist has images 0 to 79"),
        (("--part", "train", "--index", 240), "index is 240, but mnist has images 0 to 239"),
    ],
)
def test_an_index_out_of_range_is_told(numcnn, model, files, here, words, message):
    source = "mnist", "--data-dir", files
    assert message in numcnn("features", model, *source, *words, "--out", "explained").error()
    assert tree(here) == {}


def test_images_of_another_size_are_told(numcnn, model, tmp_path, here):
    pixels = ",".join(f"pixel{number}" for number in range(9))
    (tmp_path / "small.csv").write_text(f"{pixels}\n{','.join('0' * 9)}\n")
    message = numcnn("features", model, tmp_path / "small.csv", "--out", "explained").error()
    assert "the model takes images of 8 x 8 x 1, and these are 3 x 3 x 1" in message
    assert tree(here) == {}


def test_a_file_that_is_no_image_is_told(numcnn, model, here):
    (here / "notes.png").write_text("no picture")
    message = numcnn("features", model, "notes.png", "--out", "explained").error()
    assert "notes.png: not a readable image" in message


def test_the_folder_must_be_named(numcnn, model):
    assert "Missing option '--out'" in numcnn("features", model, "mnist").usage_error()
