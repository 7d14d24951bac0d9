import numpy as np
import pytest
from PIL import Image

from tests.cli.outcome import tree
from tests.handwriting.reader.drawings import page


@pytest.fixture
def number(here):
    page(["207"]).save(here / "number.png")
    return "number.png"


@pytest.mark.slow
def test_an_explanation_is_drawn(numcnn, number, here):
    assert numcnn("explain", number, "-o", "why.png").status == 0
    assert numcnn("explain", number, "-o", "third.png", "--digit", "3").status == 0
    first, third = (np.asarray(Image.open(here / name)) for name in ("why.png", "third.png"))
    assert min(first.shape[:2]) > 300
    assert first.shape != third.shape or (first != third).any()


@pytest.mark.slow
def test_a_digit_that_is_not_there_cannot_be_explained(numcnn, number, here):
    message = numcnn("explain", number, "-o", "why.png", "--digit", "4").error()
    assert "--digit is 4, and 3 things were found in number.png" in message
    assert set(tree(here)) == {"number.png"}


def test_a_blank_picture_cannot_be_explained(numcnn, here):
    Image.new("L", (90, 80), "white").save(here / "blank.png")
    assert "nothing is written here" in numcnn("explain", "blank.png", "-o", "why.png").error()


def test_a_picture_that_takes_too_long_is_one_line(numcnn, number, monkeypatch):
    monkeypatch.setattr("numcnn.handwriting.reader.reader.MAX_SECONDS", 0)
    message = numcnn("explain", number, "-o", "why.png").error()
    assert message.startswith(f"numcnn: {number}: stopped after 0 s")


def test_what_belongs_to_a_model_is_another_commands(numcnn, number, model):
    words = "explain", model, number, "-o", "why.png"
    assert "unexpected extra argument" in numcnn(*words).usage_error()
    assert "numcnn features" in numcnn("explain", "--help").out


def test_the_picture_to_write_must_be_named(numcnn, number):
    assert "Missing option '-o' / '--output'" in numcnn("explain", number).usage_error()
