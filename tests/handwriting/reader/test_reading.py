import json

import numpy as np
import pytest

from numcnn.handwriting.reader import Finding, Reading, Remark
from numcnn.handwriting.reader.reading import Separator

FRAME = np.zeros((28, 28), np.uint8)
SEVEN = Finding((1, 2, 3, 4), (*(0.0,) * 7, 0.72, 0.08, 0.0, 0.05, 0.15), FRAME)
LETTER = Finding((5, 6, 7, 8), (*(0.01,) * 10, 0.1, 0.8), FRAME, "not a digit")


def test_a_digit_is_the_most_probable_of_the_ten():
    assert (SEVEN.digit, SEVEN.remark) == (7, None)
    assert SEVEN.confidence == pytest.approx(0.9)
    assert SEVEN.probabilities == pytest.approx((*(0,) * 7, 0.9, 0.1, 0))


def test_what_was_rejected_has_a_remark_and_no_digit():
    assert LETTER.digit is None
    assert LETTER.remark == Remark((5, 6, 7, 8), "not a digit")
    assert LETTER.as_dict() == {"box": [5, 6, 7, 8], "reason": "not a digit"}


def test_probabilities_of_what_is_surely_no_digit_are_zero():
    blot = Finding((0, 0, 9, 9), (*(0.0,) * 11, 1.0), FRAME, "not a digit")
    assert blot.probabilities == (0.0,) * 10
    assert blot.confidence == 0


def test_rows_without_a_digit_are_no_lines_of_the_text():
    reading = Reading("a.png", (30, 20), ((LETTER,), (SEVEN, LETTER, SEVEN), (SEVEN,)))
    assert reading.text == "77\n7"
    assert reading.digits == (SEVEN,) * 3
    assert reading.findings == (LETTER, SEVEN, LETTER, SEVEN, SEVEN)


def test_remarks_are_those_of_findings_and_then_of_the_picture():
    reading = Reading("a.png", (30, 20), ((SEVEN, LETTER),), ("too many marks",))
    assert reading.remarks == (LETTER.remark, Remark((0, 0, 30, 20), "too many marks"))
    assert reading.notes == ("7 x 8 pixels at 5, 6: not a digit", "too many marks")
    assert str(reading) == "7\n(7 x 8 pixels at 5, 6: not a digit)\n(too many marks)"
    assert str(Reading("a.png", (30, 20), (), ("blank",))) == "(blank)"


def test_a_reading_as_json_can_hold_it():
    dot = Separator((8, 9, 1, 1), ".")
    rows = ((SEVEN, SEVEN, LETTER),)
    reading = Reading("a.png", (30, 20), rows, ("too many marks",), (dot,))
    assert json.loads(json.dumps(reading.as_dict())) == {
        "text": "77",
        "lines": [{"text": "77", "digits": [SEVEN.as_dict()] * 2}],
        "separators": [{"symbol": ".", "box": [8, 9, 1, 1]}],
        "rejected": [
            {"box": [5, 6, 7, 8], "reason": "not a digit"},
            {"box": [0, 0, 30, 20], "reason": "too many marks"},
        ],
    }
    assert list(SEVEN.as_dict()) == ["digit", "confidence", "probabilities", "box"]
    assert SEVEN.as_dict()["box"] == [1, 2, 3, 4]


def test_findings_are_compared_without_their_frames():
    same = Finding(SEVEN.box, SEVEN.class_probabilities, FRAME + 1)
    assert same == SEVEN
    assert hash(same) == hash(SEVEN)
    assert Finding((9, 2, 3, 4), SEVEN.class_probabilities, FRAME) != SEVEN
