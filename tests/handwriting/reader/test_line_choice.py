"""Which of two answers counts for a line: digit by digit, or as a whole."""

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw

from numcnn.handwriting.class_names import CLASS_NAMES
from numcnn.handwriting.reader.line_choice import choose, is_better, rated, row_probability
from numcnn.handwriting.reader.line_reader import LineReading, LineSymbol
from numcnn.handwriting.reader.reading import Finding
from numcnn.handwriting.vision import find_digits

FRAME = np.zeros((28, 28), np.uint8)


def finding(digit, confidence=1.0, rejection=""):
    rest = (1 - confidence) / 9
    digits = [confidence if each == digit else rest for each in range(10)]
    return Finding((0, 0, 9, 9), (*digits, 0.0, 0.0), FRAME, rejection)


def symbols(text):
    """The symbols of a text, evenly along the line, each digit with 0.9."""
    found = []
    for place, symbol in enumerate(text):
        classes = np.full(len(CLASS_NAMES), 0.1 / 11)
        if symbol.isdigit():
            classes[int(symbol)] = 0.9
        left, right = place / len(text), (place + 1) / len(text)
        found.append(LineSymbol(symbol, left, right, tuple(classes.tolist())))
    return tuple(found)


class Says:
    """Reads the same in every line, and remembers the lines' sizes."""

    def __init__(self, text, probability):
        self.reading = LineReading(symbols(text), probability)
        self.shapes = []

    def read(self, gray):
        self.shapes.append(gray.shape)
        return self.reading

    def glance(self, gray):
        return self.reading


def bars(width, height, *boxes):
    """Black bars on white paper, as `numcnn.handwriting.vision` finds them."""
    image = Image.new("L", (width, height), 255)
    for box in boxes:
        ImageDraw.Draw(image).rectangle(box, 0)
    return find_digits(np.asarray(image))


def test_a_row_is_as_probable_as_all_of_its_digits():
    assert row_probability((finding(1, 0.9), finding(2, 0.8))) == pytest.approx(0.72)
    assert row_probability((finding(1, 0.9), finding(2, 0.8, "no"))) == pytest.approx(0.27)
    assert row_probability((finding(1, 0.9, "no"),)) == 0
    assert row_probability(()) == 0


@pytest.mark.parametrize(
    ("text", "probability", "row", "is_whole", "expected"),
    [
        ("12", 0.9, (finding(1, 0.5), finding(3, 0.5)), False, True),
        ("12", 0.4, (finding(1), finding(3)), False, False),
        ("12", 0.4, (finding(1), finding(3)), True, True),
        ("12", 0.16, (finding(1, 0.2), finding(3, 0.2)), True, False),
        # The same text: boxes are kept, unless something was rejected beside it.
        ("12", 0.9, (finding(1, 0.5), finding(2, 0.5)), True, False),
        ("12", 0.9, (finding(1, 0.5), finding(2, 0.5), finding(4, 0.5, "no")), True, True),
        # Where no digit was found, it takes more, and a single digit is not enough.
        ("12", 0.6, (), False, False),
        ("12", 0.6, (), True, True),
        ("12", 0.4, (), True, False),
        ("1", 0.99, (), True, False),
        ("-", 0.99, (), True, False),
    ],
)
def test_the_more_probable_answer_is_taken(text, probability, row, is_whole, expected):
    line = LineReading(symbols(text), probability)
    assert is_better(line, row, is_whole=is_whole) is expected


def test_a_line_that_is_all_of_the_picture_gets_its_digits_and_separators():
    page = bars(120, 40, (10, 4, 20, 36), (50, 4, 60, 36), (90, 4, 100, 36))
    reader = Says("1.4", 0.81)
    chosen = choose(page, ((finding(1), finding(7, 1, "no")),), reader)
    assert reader.shapes == [(40, 120)]
    (row,) = chosen.rows
    assert [each.digit for each in row] == [1, 4]
    assert math.prod(each.confidence for each in row) == pytest.approx(0.81, rel=0.02)
    assert [each.box for each in row] == [(10, 4, 11, 33), (90, 4, 11, 33)]
    assert all(each.frame.any() for each in row)
    (separator,) = chosen.separators
    assert (separator.symbol, separator.box) == (".", (57, 4, 4, 33))


def test_what_is_read_alike_keeps_its_boxes_and_is_as_probable_as_the_line():
    page = bars(120, 40, (10, 4, 20, 36), (90, 4, 100, 36))
    rows = ((finding(1, 0.9), finding(4, 0.99)),)
    chosen = choose(page, rows, Says("1-4", 0.6))
    assert [each.box for each in chosen.rows[0]] == [(0, 0, 9, 9)] * 2
    assert [each.digit for each in chosen.rows[0]] == [1, 4]
    assert row_probability(chosen.rows[0]) == pytest.approx(0.6, rel=0.02)
    assert chosen.rows[0][0].confidence < chosen.rows[0][1].confidence
    assert [each.symbol for each in chosen.separators] == ["-"]


def test_what_a_line_contradicts_is_less_probable():
    page = bars(120, 40, (10, 4, 20, 36), (90, 4, 100, 36))
    rows = ((finding(1), finding(4)),)
    (row,) = choose(page, rows, Says("17", 0.001)).rows
    assert [each.digit for each in row] == [1, 4]
    assert row_probability(row) == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("probability", [1.0, 0.5, 0.01])
def test_rated_digits_stay_what_they_are(probability):
    row = (finding(1, 0.5), finding(2, 0.3, "no"), finding(3), finding(4, 0.999))
    found = rated(row, probability)
    assert [each.digit for each in found] == [1, None, 3, 4]
    assert found[1] == row[1]
    for each in found:
        assert sum(each.class_probabilities) == pytest.approx(1)


def test_specks_above_a_line_that_fills_the_picture_are_no_row():
    page = bars(160, 60, (10, 18, 20, 58), (50, 18, 60, 58), (100, 2, 112, 12))
    rows = tuple(tuple(finding(1, 0.9) for _ in line) for line in page.lines)
    assert len(rows) == 2
    (row,) = choose(page, rows, Says("17", 0.6)).rows
    assert [each.digit for each in row] == [1, 7]
    # Two lines that share the height are two.
    page = bars(160, 60, (10, 2, 20, 24), (50, 2, 60, 24), (10, 34, 20, 58), (50, 34, 60, 58))
    rows = tuple(tuple(finding(1, 0.9) for _ in line) for line in page.lines)
    assert len(choose(page, rows, Says("17", 0.6)).rows) == 2


def test_of_a_large_picture_a_row_with_its_margin_is_read():
    page = bars(900, 700, (200, 300, 220, 400), (300, 300, 320, 400))
    reader = Says("14", 0.9)
    rows = (tuple(finding(1, 0.3) for _ in page.lines[0]),)
    assert [each.digit for each in choose(page, rows, reader).rows[0]] == [1, 4]
    ((height, width),) = reader.shapes
    assert 120 <= height <= 140
    assert 180 <= width <= 200


def test_a_sure_row_of_a_large_picture_is_only_glanced_at():
    page = bars(900, 700, (200, 300, 220, 400), (300, 300, 320, 400))
    reader = Says("1.4", 0.9)
    rows = ((finding(1, 0.9), finding(4, 0.9)),)
    chosen = choose(page, rows, reader)
    assert reader.shapes == []
    assert chosen.rows == rows
    assert [each.symbol for each in chosen.separators] == ["."]
    # What is read otherwise says nothing of this row's separators.
    assert choose(page, rows, Says("1.7", 0.9)).separators == ()


def test_blank_paper_stays_blank_unless_the_line_is_probable():
    page = bars(300, 60)
    assert choose(page, (), Says("14", 0.4)).rows == ()
    (row,) = choose(page, (), Says("14", 0.6)).rows
    assert [each.digit for each in row] == [1, 4]
    # A tall picture is none of a line.
    assert choose(bars(60, 300), (), Says("14", 0.9)).rows == ()


def test_a_page_of_many_rows_is_not_read_line_by_line():
    page = bars(200, 200, (10, 10, 20, 40))
    reader = Says("14", 0.9)
    rows = tuple((finding(1, 0.2),) for _ in range(7))
    assert choose(page, rows, reader).rows is rows
    assert reader.shapes == []
