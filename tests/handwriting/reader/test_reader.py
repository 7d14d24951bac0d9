import contextlib
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import numcnn
from numcnn.handwriting.evaluation import CONDITIONS, StrokeWriter
from numcnn.handwriting.reader import (
    DeadlineExceeded,
    PictureError,
    Reader,
    Reading,
    RejectionThresholds,
    Remark,
    annotated,
    evidence,
    shipped_line_model,
    shipped_model,
)
from numcnn.handwriting.reader.reader import BLANK, NO_DIGIT
from numcnn.handwriting.vision import load_picture
from tests.handwriting.reader.drawings import amount, board, digit, page, photograph

READER = Reader()


@pytest.mark.slow
@pytest.mark.parametrize("text", "0123456789")
@pytest.mark.parametrize("place", [(30, 40), (110, 90), (12, 12), (150, 130)])
def test_a_digit_anywhere_on_a_drawing_board(text, place):
    reading = READER.read(board([digit(text, *place, 120)], pen=18))
    assert reading.text == text
    (found,) = reading.digits
    assert found.confidence > 0.5
    x, y, width, height = found.box
    assert (y, height) == pytest.approx((place[1] - 9, 138), abs=5)
    assert place[0] - 12 <= x
    assert x + width <= place[0] + 75 + 12


@pytest.mark.slow
@pytest.mark.parametrize("text", "0123456789")
@pytest.mark.parametrize(
    ("paper", "ink"),
    [
        ("white", "black"),
        ("black", "white"),
        ("#123", "#eed"),
        ("#ccb", "#c33"),
        ("#fff", "#4466bb"),
    ],
)
def test_any_pen_on_any_paper(text, paper, ink):
    assert READER.read(board([digit(text, 80, 70, 140)], 10, paper, ink)).text == text


@pytest.mark.parametrize(("pen", "size"), [(2, 120), (4, 160), (12, 160), (26, 170)])
@pytest.mark.parametrize("text", "235679")
def test_hair_thin_and_thick_pens(pen, size, text):
    assert READER.read(board([digit(text, 60, 50, size)], pen)).text == text


def test_a_transparent_canvas_with_dark_or_light_ink():
    for ink in ((0, 0, 0, 255), (255, 255, 255, 255)):
        image = Image.new("RGBA", (280, 280), (0, 0, 0, 0))
        for line in digit("5", 80, 60, 150):
            ImageDraw.Draw(image).line(line, ink, 16, joint="curve")
        assert READER.read(image).text == "5"


def test_a_page_is_read_line_by_line():
    reading = READER.read(page(["2075", "318", "94"]))
    assert reading.text == "2075\n318\n94"
    assert [len(row) for row in reading.rows] == [4, 3, 2]
    assert len(reading.digits) == 9
    assert reading.remarks == ()


@pytest.mark.slow
def test_a_photograph_of_a_page_in_uneven_light():
    assert READER.read(photograph(page(["2075", "318"]))).text == "2075\n318"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [4, 22, 40])
def test_the_edge_of_the_sheet_is_no_one(seed):
    photo = CONDITIONS["paper on a desk"](
        StrokeWriter(), np.random.default_rng(seed), [3, 2], "spaced"
    )
    assert READER.read(photo.content).text == "\n".join(photo.lines)


@pytest.mark.parametrize(
    "paper", [np.full((200, 300), 255, np.uint8), np.zeros((28, 28), np.uint8), np.eye(9) * 0]
)
def test_a_blank_picture_says_so(paper):
    reading = READER.read(paper)
    assert (reading.text, reading.rows) == ("", ())
    assert reading.remarks == (Remark((0, 0, paper.shape[1], paper.shape[0]), BLANK),)
    assert str(reading) == f"({BLANK})"


HORSE = [
    [(60, 110), (45, 90), (70, 60), (95, 80), (110, 105), (200, 105), (215, 130), (215, 220)],
    [(215, 220), (200, 220), (195, 150), (120, 150), (118, 220), (102, 220), (98, 140), (60, 110)],
    [(215, 120), (240, 170)],
]
STAR = [[(140, 40), (190, 220), (40, 110), (240, 110), (90, 220), (140, 40)]]
LETTERS = {
    "A": [[(70, 230), (140, 50), (210, 230)], [(100, 160), (180, 160)]],
    "M": [[(60, 230), (70, 50), (140, 150), (210, 50), (220, 230)]],
    "R": [
        [(80, 230), (80, 50), (170, 50), (190, 90), (170, 130), (80, 130)],
        [(130, 130), (200, 230)],
    ],
    "W": [[(40, 60), (90, 220), (140, 90), (190, 220), (240, 60)]],
    "K": [[(80, 50), (80, 230)], [(190, 50), (85, 140), (200, 230)]],
    "X": [[(70, 60), (210, 220)], [(210, 60), (70, 220)]],
}


@pytest.mark.slow
@pytest.mark.parametrize("drawing", [HORSE, STAR, *LETTERS.values()])
@pytest.mark.parametrize("pen", [6, 14])
def test_what_is_no_digit_is_rejected(drawing, pen):
    reading = READER.read(board([drawing], pen))
    assert reading.text == ""
    assert reading.remarks
    assert all(finding.rejection and finding.digit is None for finding in reading.findings)


def test_the_probabilities_are_those_of_digits():
    (found,) = READER.read(board([digit("3", 80, 60, 150)])).digits
    assert len(found.probabilities) == 10
    assert sum(found.probabilities) == pytest.approx(1)
    assert found.probabilities[found.digit] == max(found.probabilities) == found.confidence


def test_stricter_thresholds_reject_more():
    picture = board([digit("3", 80, 60, 150)])
    strict = Reader(thresholds=RejectionThresholds(least_confidence=1.0, temperature=20))
    (finding,) = strict.read(picture).findings
    assert finding.rejection.startswith("unclear, perhaps 3 or ")


@pytest.mark.slow
def test_many_threads_read_the_same_as_one():
    pictures = [board([digit(text, 60, 60, 150)]) for text in "0123456789"] * 3
    texts = [""] * len(pictures)

    def work(first):
        for place in range(first, len(pictures), 3):
            texts[place] = READER.read(pictures[place]).text

    threads = [threading.Thread(target=work, args=(first,)) for first in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "".join(texts) == "0123456789" * 3


def test_numcnn_read_prints_the_text_and_what_was_left_out():
    reading = numcnn.read(
        board([digit("4", 40, 60, 150), LETTERS["X"]], size=(520, 280), shift=240)
    )
    assert isinstance(reading, Reading)
    first, second = str(reading).splitlines()
    assert first == "4"
    assert second.startswith("(")
    assert second.endswith(f": {NO_DIGIT})")


def test_a_bad_picture_is_the_one_error():
    with pytest.raises(PictureError, match=r"^missing.png: no such file$"):
        READER.read("missing.png")


def test_the_shipped_model_is_small_and_says_how_it_was_made():
    assert shipped_model().stat().st_size < 2_000_000
    card = READER.model_file.card
    assert card["dataset"] == "mnist"
    assert card["recipe"] == "reader"
    assert card["test_accuracy"] > 0.985
    assert not card["interrupted"]


def test_the_networks_are_small_together():
    assert shipped_model().stat().st_size + shipped_line_model().stat().st_size < 2_000_000


@pytest.mark.parametrize("text", ["47.916", "28.640", "3.000", "5.000"])
def test_overlapping_digits_on_printed_paper_are_read_as_a_line(text):
    picture = amount(text)
    reading = READER.read(picture)
    assert reading.text == text.replace(".", "")
    assert reading.remarks == ()
    lefts = [each.box[0] for each in reading.digits]
    assert lefts == sorted(lefts)
    for each in reading.digits:
        x, _, width, height = each.box
        assert 0 <= x < x + width <= picture.width
        assert height > 0.6 * picture.height
    (dot,) = reading.separators
    assert dot.symbol == "."
    place = text.index(".")
    assert lefts[place - 1] < dot.box[0] < lefts[place] + reading.digits[place].box[2]
    assert dot.box[2] < 0.3 * picture.height


def test_another_network_reads_digit_by_digit_unless_one_for_lines_is_given():
    assert READER.line_reader is not None
    alone = Reader(shipped_model())
    assert alone.line_reader is None
    assert alone.read(amount("47.916")).separators == ()
    both = Reader(shipped_model(), line_model=shipped_line_model())
    assert both.read(amount("47.916")).text == "47916"


def test_the_annotation_is_drawn_around_the_digit():
    picture = board([digit("3", 80, 60, 150)])
    reading = READER.read(picture)
    drawn = annotated(load_picture(picture), reading)
    assert drawn.size == picture.size
    changed = np.any(np.asarray(drawn) != np.asarray(picture), axis=2)
    x, y, width, height = reading.digits[0].box
    assert changed[y + height // 2, x]
    assert changed[y + height - 1, x + width // 2]
    assert not changed[y + height + 15 :].any()


@pytest.mark.slow
def test_a_finding_keeps_what_the_network_was_shown():
    reading = READER.read(board([digit("3", 40, 60, 150), digit("1", 200, 60, 150)]))
    assert [finding.digit for finding in reading.findings] == [3, 1]
    frames = np.stack([finding.frame for finding in reading.findings])
    assert frames.shape == (2, 28, 28)
    np.testing.assert_array_equal(
        [finding.class_probabilities for finding in reading.findings],
        READER.classifier.probabilities(frames),
    )


@pytest.mark.slow
def test_ink_where_there_is_ink_already_speaks_for_the_answer():
    reading = READER.read(board([digit("3", 40, 60, 150), digit("1", 200, 60, 150)]))
    for finding in reading.findings:
        found = evidence(READER.model_file.model, finding.frame)
        assert found.shape == (28, 28)
        assert np.average(found, weights=finding.frame.astype(float)) > 0


def test_a_picture_that_is_loaded_already_is_read_as_its_file_is(tmp_path):
    board([digit("3", 80, 60, 150)]).save(tmp_path / "three.png")
    picture = load_picture(tmp_path / "three.png")
    assert load_picture(picture) is picture
    assert READER.read(picture) == READER.read(tmp_path / "three.png")


def dots(count, step, size):
    image = Image.new("L", (1000, 1000), 255)
    pen = ImageDraw.Draw(image)
    places = [(x, y) for y in range(20, 980 - size, step) for x in range(20, 980 - size, step)]
    for x, y in places[:count]:
        pen.rectangle((x, y, x + size, y + size), 0)
    return image


@pytest.mark.slow
def test_marks_that_were_left_out_are_told():
    reading = READER.read(dots(310, 50, 20), max_seconds=600)
    assert "too many marks for handwriting; 10 of them were not looked at" in reading.notices
    assert reading.as_dict()["rejected"][-1]["box"] == [0, 0, 1000, 1000]
    assert any(note.startswith("too many marks") for note in reading.notes)


@pytest.mark.slow
def test_marks_that_were_not_cut_apart_are_told():
    reading = READER.read(dots(100, 96, 48), max_seconds=600)
    assert "were not looked at for digits that touch" in reading.notices[-1]


def test_a_picture_of_which_all_was_left_out_is_not_called_blank(monkeypatch):
    monkeypatch.setattr("numcnn.handwriting.vision.page.find_lines_and_rest", lambda *_: ([], 7))
    (remark,) = READER.read(board([digit("3", 80, 60, 150)])).remarks
    assert remark.reason == "too many marks for handwriting; 7 of them were not looked at"


def test_reading_ends_at_its_deadline():
    picture = board([digit("3", 80, 60, 150)])
    assert READER.read(picture, max_seconds=600)
    with pytest.raises(DeadlineExceeded, match="after 0 s"):
        READER.read(picture, max_seconds=0)


def test_reading_has_a_deadline_by_default(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "numcnn.handwriting.reader.reader.deadline",
        lambda seconds: asked.append(seconds) or contextlib.nullcontext(),
    )
    numcnn.read(board([digit("3", 80, 60, 150)]))
    assert asked == [20]


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 400)),
    is_upright=st.booleans(),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16", "F"]),
    scale=st.sampled_from([1, 8]),
    seed=st.integers(0, 99),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
)
def test_odd_shapes_and_modes_are_read_or_refused(shape, is_upright, mode, scale, seed, share):
    rng = np.random.default_rng(seed)
    pixels = np.where(rng.random(shape) < share, 20, 230).astype(np.uint8)
    image = Image.fromarray(pixels.T.copy() if is_upright else pixels)
    image = image.resize((scale * image.size[0], scale * image.size[1]), Image.Resampling.NEAREST)
    if mode in ("I;16", "F"):
        image = Image.fromarray(np.asarray(image).astype(np.uint16 if mode == "I;16" else "f4"))
    else:
        image = image.convert("RGB" if mode in ("CMYK", "HSV", "YCbCr") else "L").convert(mode)
    try:
        reading = READER.read(image)
    except PictureError as error:
        assert min(image.size) < 8, error  # noqa: PT017
    else:
        assert reading.digits or reading.remarks
        assert reading == READER.read(image)
