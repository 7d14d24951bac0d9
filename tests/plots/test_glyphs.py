import matplotlib as mpl
import pytest

from numcnn.plots.glyphs import legible


@pytest.mark.parametrize("name", ["cat", "$x$", "café", "→ ✗", "a b", "naïve ß Ж ω"])
def test_what_the_font_has_stays(name):
    assert legible([name, "dog"]) == [name, "dog"]


def test_what_it_lacks_becomes_an_escape_and_is_told():
    with pytest.warns(UserWarning, match=r"has no glyph for \\u72d7 \\u732b, .*font\.family"):
        assert legible(["猫a", "狗"]) == ["\\u732ba", "\\u72d7"]


def test_bytes_that_are_no_utf_8_become_escapes():
    assert legible(["caf\udce9", "\ud800"]) == ["caf\\xe9", "\\ud800"]


def test_many_letters_are_counted():
    with pytest.warns(UserWarning, match="and 12 more"):
        legible(["".join(map(chr, range(0x4E00, 0x4E14)))])


def test_a_font_of_ones_own_is_asked():
    with mpl.rc_context({"font.family": ["no such font", "STIXGeneral"]}):
        assert legible(["∭"]) == ["∭"]
