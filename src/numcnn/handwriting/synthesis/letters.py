"""Letters and signs, as strokes: those that nobody takes for a digit.

O, I, l, S, Z, B, b, g, q and some others are missing: what looks like a digit may be read as one.
"""

import numpy as np

from numcnn.handwriting.synthesis.pen import Image, Stroke, by_hand, draw, pen_width, smooth

# Points are two digits, x from 0 to 4 and y from 0 (as high as a capital) to 8 (as low as a p); the
# base line is 6. Strokes are parted by commas; ~ begins one that is a curve through its points.
_GLYPHS: dict[str, tuple[str, ...]] = {
    "A": ("06 20 46, 14 34", "~06 01 10 30 41 46, 03 43", "06 20 46, 04 44"),
    "C": ("~41 20 02 04 26 45", "~42 30 10 02 04 16 36 44"),
    "D": ("00 06, 00 30 43 36 06", "00 06, ~00 32 43 34 06"),
    "E": ("40 00 06 46, 03 33", "~41 20 01 13 23, ~13 04 26 45", "00 06, 00 40, 03 33, 06 46"),
    "F": ("40 00 06, 03 33", "00 40, 10 16, 13 33"),
    "G": ("~41 20 02 04 26 44, 24 44 46", "~41 30 10 02 04 16 36, 24 44 47"),
    "H": ("00 06, 40 46, 03 43", "~00 03 06, ~40 43 46, ~04 23 42"),
    "K": ("00 06, 40 03 46", "~00 03 06, ~40 22 03, ~13 34 46"),
    "L": ("00 06 46", "~10 13 05 06 16 46"),
    "M": ("06 00 24 40 46", "06 10 24 30 46", "~06 02 00 24 40 42 46"),
    "N": ("06 00 46 40", "~06 02 00 23 46 44 40"),
    "P": ("06 00, ~00 30 41 42 33 03", "16 10, ~00 20 41 33 13", "00 06, ~10 40 52 34 13"),
    "R": ("06 00, ~00 30 41 42 33 03, 23 46", "~06 02 00 30 41 33 13 46"),
    "T": ("00 40, 20 26", "00 40, ~20 23 16"),
    "U": ("~00 03 15 26 35 43 40", "00 05 16 36 45 40"),
    "V": ("00 26 40", "~00 14 26 34 40"),
    "W": ("00 16 22 36 40", "~00 14 16 22 36 34 40"),
    "X": ("00 46, 40 06", "~00 13 24 46, ~40 32 14 06"),
    "Y": ("00 23 40, 23 26",),
    "a": (
        "~13 23 43 44 46, ~44 14 05 16 36 44",
        "~43 23 05 16 35 43, 43 46 56",
        "~02 11 31 42 44 46, ~43 13 05 16 36 45",
        "~12 22 33 34 36 46, ~34 14 05 16 25 34",
    ),
    "d": ("40 46, ~44 33 13 05 16 36 44", "~40 43 46, ~44 23 04 05 26 45"),
    "e": ("04 44 43 23 04 05 26 45", "~04 24 43 23 04 15 26 45"),
    "f": ("~40 30 21 22 26, 03 43", "~40 20 12 14 18, 04 34"),
    "h": ("00 06, ~04 13 33 44 46", "~00 03 06, ~05 23 34 46"),
    "k": ("00 06, 33 04, 15 36", "~10 13 06, ~43 24 05, ~14 35 46"),
    "m": ("03 06, ~04 13 24 26, ~24 33 44 46", "~03 06, ~05 13 26, ~25 33 46 56"),
    "n": ("03 06, ~04 13 33 44 46", "~03 04 06, ~05 13 34 46 56"),
    "p": ("03 08, ~04 23 44 45 26 05", "~03 05 08, ~04 13 33 45 16 05"),
    "r": ("03 06, ~05 14 23 43", "~03 05 06, ~05 23 43"),
    "t": ("~20 23 25 36 45, 02 42", "20 25 36 46, 12 42"),
    "u": ("~03 05 16 36 44, 43 46", "~03 05 26 44 43, 43 46 56"),
    "v": ("03 26 43",),
    "w": ("03 16 24 36 43", "~03 05 16 24 36 45 43"),
    "x": ("03 46, 43 06", "~03 14 35 46, ~43 34 15 06"),
    "y": ("~03 05 16 36 43, ~43 46 28 08", "03 26, 43 08"),
    "alpha": ("~43 35 16 05 13 33 45 56",),
    "gamma": ("~03 13 25 27 18 16 34 43",),
    "lambda": ("~00 10 24 46, 23 06",),
    "pi": ("03 43, 13 16, 33 36", "~04 13 43, ~13 15 06, ~33 35 46"),
    "Sigma": ("40 00 23 06 46",),
    "Omega": ("06 16 ,~16 03 11 30 42 44 36, 36 46",),
    "Delta": ("06 20 46 06",),
    "Gamma": ("40 00 06",),
    "Psi": ("~00 02 14 34 42 40, 20 26",),
    "Phi": ("~13 01 20 41 33 13, 20 26", "~22 12 04 26 44 32 22, 20 28"),
    "Theta": ("~20 02 04 26 44 42 20, 03 43",),
    "Zhe": ("20 26, 00 46, 40 06",),
    "De": ("07 05 45 47, 15 20 35",),
    "Sha": ("00 06 46 40, 20 26",),
    "ampersand": ("~46 22 10 20 32 04 06 25 43",),
    "at": ("~33 23 14 25 34 33, ~33 35 44 42 20 02 04 26 46",),
    "hash": ("10 06, 40 36, 02 42, 04 44",),
    "question": ("~01 10 30 41 33 24 25, 26 26",),
    "plus": ("20 24, 02 42",),
    "asterisk": ("20 24, 01 43, 41 03",),
    "euro": ("~41 20 02 04 26 45, 02 32, 04 34",),
    "percent": ("~01 10 11 02 01, 40 06, ~35 44 45 36 35",),
    "brackets": ("10 00 06 16, 30 40 46 36",),
    "less": ("41 03 45",),
    "equals": ("02 42, 04 44",),
    "divide": ("03 43, 20 20, 26 26",),
    "times": ("02 46, 42 06",),
    "not equal": ("02 42, 04 44, 30 16",),
    "greater": ("01 43 05",),
    "at most": ("41 03 45, 06 46",),
    "plus or minus": ("20 24, 02 42, 06 46",),
    "therefore": ("21 21, 05 05, 45 45",),
    "infinity": ("~22 11 02 04 15 24 33 42 44 35 24 22",),
    "for all": ("00 26 40, 13 33",),
    "exists": ("00 40 46 06, 13 43",),
    "element": ("~41 11 03 15 45, 03 43",),
    "bracket": ("30 10 16 36", "10 30 36 16"),
    "brace": ("~40 20 21 03 24 25 46",),
    "tilde": ("~03 12 23 34 43",),
    "root": ("04 14 26 30 60",),
    "arrow": ("03 43, 32 43 34", "20 26, 04 26 44"),
}

LETTERS = tuple(_GLYPHS)
"""The names of all letters and signs."""


def letter(rng: np.random.Generator, name: str | None = None) -> Image:
    """Write a letter or sign by a hand drawn at random.

    Args:
        rng: The random generator.
        name: Which one, of `LETTERS`; any if None.

    Returns:
        Light on dark in MNIST's frame, uint8 ``(28, 28)``.
    """
    strokes = glyph(rng, name)
    style = rng.random()
    factors: list[float] = []
    if style < 0.15:  # a broad nib
        factors = list(rng.uniform(0.5, 1.2, len(strokes)))
    elif style < 0.4:  # printed, with serifs
        factors = [1.0] * len(strokes)
        for serif in _serifs(strokes):
            strokes.append(serif)
            factors.append(0.6)
    return draw(strokes, pen_width(rng), factors=factors)


def _serifs(strokes: list[Stroke]) -> list[Stroke]:
    """Give short level strokes at the ends of all strokes that end upright."""
    height = float(np.ptp(np.concatenate(strokes)[:, 1])) or 1.0
    serifs = []
    for stroke in strokes:
        for end, before in ((stroke[0], stroke[1]), (stroke[-1], stroke[-2])):
            across, down = np.abs(end - before)
            if down > across:
                reach = np.array([0.13 * height, 0])
                serifs.append(np.stack([end - reach, end + reach]))
    return serifs


def glyph(rng: np.random.Generator, name: str | None = None) -> list[Stroke]:
    """Give the strokes of a letter or sign, as one hand writes it; see `letter`."""
    name = name or LETTERS[rng.integers(len(LETTERS))]
    variants = _GLYPHS[name]
    text = variants[rng.integers(len(variants))]
    parts = [part.strip() for part in text.split(",")]
    points = [
        np.array([(int(point[0]), int(point[1])) for point in part.lstrip("~").split()], np.float64)
        for part in parts
    ]
    hand = by_hand(points, rng)
    # Hasty hands round every corner.
    is_hasty = rng.random() < 0.3
    return [
        smooth(stroke) if len(stroke) > 2 and (part.startswith("~") or is_hasty) else stroke
        for part, stroke in zip(parts, hand, strict=True)
    ]
