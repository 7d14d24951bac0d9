import doctest

import numpy as np
import pytest

from numcnn.plots import sheet as sheet_module
from numcnn.plots.sheet import Sheet, shorten, text_width
from tests.plots.helpers import rendered


def test_an_image_lies_where_its_inches_say():
    sheet = Sheet.blank(3, 2)
    sheet.image(np.zeros((4, 4)), left=1, top=0.5, width=1, height=1)
    dark = rendered(sheet.figure)[:, :, 0] < 128
    rows, columns = np.nonzero(dark)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (100, 199, 50, 149)


def test_the_first_row_of_an_image_is_above():
    sheet = Sheet.blank(1, 1)
    sheet.image(np.array([[0.0], [255.0]]), 0, 0, 1, 1)
    pixels = rendered(sheet.figure)[:, :, 0]
    assert pixels[10, 50] == 0
    assert pixels[90, 50] == 255


def test_text_width_is_that_of_the_drawn_text():
    sheet = Sheet.blank(5, 1)
    for weight in ("normal", "bold"):
        text = sheet.text(1, 0.5, "Ankle boot", size=10, weight=weight)
        drawn = text.get_window_extent().width / 100
        assert text_width("Ankle boot", 10, weight) == pytest.approx(drawn, abs=0.03)


def test_shorten_keeps_what_fits_and_cuts_the_rest():
    assert shorten("cat", 2) == "cat"
    assert shorten("two\nlines", 2) == "two lines"
    cut = shorten("a very long name", 0.6)
    assert cut.endswith("…")
    assert text_width(cut) <= 0.6
    assert shorten("cat", 0) == "…"
    assert shorten("", 1) == ""


def test_docstring_examples():
    assert doctest.testmod(sheet_module).failed == 0
