import json

import numpy as np
import pytest
from PIL import Image

from tests.cli.outcome import Outcome, tree
from tests.handwriting.reader.drawings import board, digit, page


@pytest.fixture
def number(here):
    page(["207"]).save(here / "number.png")
    return "number.png"


def test_the_text_is_printed(numcnn, number):
    assert numcnn("read", number) == Outcome(0, "207\n", "")


def test_several_pictures_are_told_apart_and_notes_go_to_the_error_stream(numcnn, number, here):
    page(["31", "45"]).save(here / "page.jpg")
    Image.new("L", (90, 80), "white").save(here / "blank.png")
    outcome = numcnn("read", number, "page.jpg", "blank.png")
    assert outcome.status == 0
    assert outcome.out == "number.png: 207\npage.jpg: 31\npage.jpg: 45\n"
    assert outcome.err == "blank.png: nothing is written here\n"


def test_json_holds_everything_and_an_error_where_there_is_one(numcnn, number, here):
    (here / "text.png").write_text("no picture")
    outcome = numcnn("read", number, "text.png", "missing.png", "--json")
    assert outcome.status == 2
    read, text, missing = map(json.loads, outcome.out.splitlines())
    assert (read["path"], read["text"], read["rejected"]) == (number, "207", [])
    ((line),) = read["lines"]
    assert line["text"] == "207"
    assert [found["digit"] for found in line["digits"]] == [2, 0, 7]
    for found in line["digits"]:
        assert set(found) == {"digit", "confidence", "probabilities", "box"}
        assert sum(found["probabilities"]) == pytest.approx(1)
        assert len(found["box"]) == 4
    assert set(text) == {"path", "error"}
    assert "not a picture of a known kind" in text["error"]
    assert missing == {"path": "missing.png", "error": "no such file"}


def test_a_picture_shows_what_was_read(numcnn, number, here):
    assert numcnn("read", number, "--show", "shown.png").status == 0
    before, after = (np.asarray(Image.open(here / name)) for name in (number, "shown.png"))
    assert before.shape == after.shape
    assert (before != after).any()


def test_several_pictures_are_shown_in_a_folder(numcnn, number, here):
    board([digit("4", 50, 50, 150)]).save(here / "four.png")
    message = numcnn("read", number, "four.png", "--show", "shown.png").error()
    assert "--show draws one picture; for 2, give a folder" in message
    (here / "shown").mkdir()
    assert numcnn("read", number, "four.png", "--show", "shown").status == 0
    assert set(tree(here / "shown")) == {"number.png.png", "four.png.png"}


BAD = {
    "text.png": b"no picture at all",
    "empty.png": b"",
    "truncated.png": None,
    "pixel.png": (1, 1),
    "strip.png": (1, 10_000),
    "bomb.png": (30_000, 30_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BAD, "missing.png", "folder"])
@pytest.mark.parametrize("command", ["read", "explain"])
def test_bad_pictures_are_told_in_one_line(numcnn, here, name, command):
    content = BAD.get(name)
    if isinstance(content, bytes):
        (here / name).write_bytes(content)
    elif name == "truncated.png":
        page(["207"]).save(here / "whole.png")
        whole = (here / "whole.png").read_bytes()
        (here / name).write_bytes(whole[: len(whole) // 2])
    elif content:
        Image.new("1", content).save(here / name)
    elif name == "folder":
        (here / name).mkdir()
    before = tree(here)
    words = [command, name, *(["-o", "why.png"] if command == "explain" else [])]
    assert name in numcnn(*words).error()
    assert tree(here) == before


def test_another_model_may_read(numcnn, number, here):
    assert "no such file" in numcnn("read", number, "--model", "no.safetensors").error().lower()


def test_a_model_of_other_images_is_refused(numcnn, number, model):
    message = numcnn("read", number, "--model", model).error()
    assert "images of 8 x 8 x 1" in message


def test_a_picture_that_takes_too_long_is_one_line_and_the_others_are_read(
    numcnn, number, monkeypatch
):
    from numcnn.handwriting.reader import DeadlineExceeded, Reader

    read = Reader.read

    def slow(reader, path):
        if path.name == "slow.png":
            raise DeadlineExceeded("stopped after 20 s; the picture is too complicated")
        return read(reader, path)

    monkeypatch.setattr(Reader, "read", slow)
    error = "slow.png: stopped after 20 s; the picture is too complicated"
    assert numcnn("read", "slow.png", number) == Outcome(
        2, f"{number}: 207\n", f"numcnn: {error}\n"
    )
    outcome = numcnn("read", "slow.png", "--json")
    assert json.loads(outcome.out) == {"path": "slow.png", "error": error[len("slow.png: ") :]}
