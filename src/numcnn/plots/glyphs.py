"""Which characters the font can draw, so that a class name is never shown as empty boxes."""

import warnings
from collections.abc import Sequence

from matplotlib.font_manager import FontProperties, findfont, get_font

_MOST_TOLD = 8


def legible(texts: Sequence[str]) -> list[str]:
    r"""Write letters that the font has no glyph for as escapes, as in ``"\\u732b"``.

    What stands for bytes that are no UTF-8, as in the names of some files, becomes an escape too.
    A warning says which letters the font lacks, for which another one may help.

    Args:
        texts: Names of classes or the like.

    Returns:
        The same, to be drawn.
    """
    letters = {letter for text in texts for letter in text if not letter.isspace()}
    # Nearly always ASCII, which every font has.
    known = {letter for letter in letters if letter.isascii() and letter.isprintable()}
    if known != letters:
        families, glyphs = _font()
        known |= {letter for letter in letters if ord(letter) in glyphs and letter.isprintable()}
        if lacking := sorted(filter(_is_unicode, letters - known)):
            told = " ".join(map(_escaped, lacking[:_MOST_TOLD]))
            more = f" and {len(lacking) - _MOST_TOLD} more" if len(lacking) > _MOST_TOLD else ""
            warnings.warn(
                f"the font ({', '.join(families)}) has no glyph for {told}{more}, so escapes "
                "stand for them; name a font that has them as font.family in a matplotlibrc",
                stacklevel=3,
            )
    return [
        "".join(
            letter if letter in known or letter.isspace() else _escaped(letter) for letter in text
        )
        for text in texts
    ]


def _font() -> tuple[list[str], set[int]]:
    """The families that text is drawn in, and the letters that one of them has."""
    families, glyphs = FontProperties().get_family(), set()
    for family in families:
        try:
            path = findfont(FontProperties(family=[family]), fallback_to_default=False)
        except ValueError:  # not installed
            continue
        glyphs |= set(get_font(path).get_charmap())
    if not glyphs:
        glyphs |= set(get_font(findfont(FontProperties())).get_charmap())
    return list(families), glyphs


def _is_unicode(letter: str) -> bool:
    """Whether it is a letter, and no surrogate, as Python holds a byte that is no UTF-8."""
    return not "\ud800" <= letter <= "\udfff"


def _escaped(letter: str) -> str:
    r"""Like ``\u732b``, or like ``\xe9`` for a byte."""
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")
