"""Which column of a table is the label, which is an index, and which pixel each other one is."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

_LABELS = {"label", "labels", "class", "classes", "classlabel", "target", "targets", "digit", "y"}
_INDEX = re.compile(r"(image|row|sample)?(id|idx|index|no|nr)|unnamed\d*|")
_ONE_NUMBER = re.compile(r"(\D*)(\d{1,9})\D?")
_TWO_NUMBERS = re.compile(r"(\D*)(\d{1,9})(\D+)(\d{1,9})\D?")
# So many numbers in a row are the names of columns, as of a table without any; fewer may be pixels.
_FEWEST_NUMBERED = 9


@final
@dataclass(frozen=True)
class Columns:
    """What a table's columns are.

    Attributes:
        names: As in the header; "column 1" and so on where there is none.
        pixels: The positions of the pixels' columns, row by row of the image.
        shape: The height and width of the image.
        label: The position of the label's column, if it is known.
        open: Positions of columns of which one is the label, or an index, and one a pixel: their
            values tell. In ``pixels`` and ``shape`` they are left out then.
    """

    names: tuple[str, ...]
    pixels: tuple[int, ...]
    shape: tuple[int, int]
    label: int | None = None
    open: tuple[int, ...] = ()


def is_header(cells: Sequence[str]) -> bool:
    """Whether a table's first row says what the columns are."""
    words = [cell for cell in cells if not _is_number(cell)]
    if len(words) > len(cells) / 2:
        return True
    # Pixels may be called 0, 1, 2 and so on. A few such numbers may be pixels themselves, unless
    # what stands beside them is certainly a name.
    numbers = [int(cell) for cell in cells if re.fullmatch(r"\d{1,9}", cell)]
    certain = any(_plain(word) in _LABELS for word in words)
    if len(numbers) < (1 if certain else _FEWEST_NUMBERED) or numbers[0] not in (0, 1):
        return False
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def named_columns(names: Sequence[str]) -> Columns:
    """Tell columns by their names.

    Raises:
        ValueError: A name says nothing, comes twice, or a pixel is missing.
    """
    labels, rest = [], []
    for position, name in enumerate(names):
        plain = _plain(name)
        if plain in _LABELS:
            labels.append(position)
        elif not _INDEX.fullmatch(plain):
            rest.append(position)
    if len(labels) > 1:
        first, second = (names[position] for position in labels[:2])
        raise ValueError(f"columns {first!r} and {second!r} may both be the label; remove one")
    label = labels[0] if labels else None
    shown = tuple(names)
    bare = all(names[position].isdecimal() for position in rest)
    if bare and label is None and _side(len(rest)) is None and _side(len(rest) - 1):
        return _open(shown, rest)
    pixels, shape = _ordered(names, rest)
    return Columns(shown, pixels, shape, label)


def unnamed_columns(cells: Sequence[str]) -> Columns:
    """Tell columns by how many there are, and by a first row.

    Raises:
        ValueError: They make no image.
    """
    count = len(cells)
    names = tuple(f"column {number}" for number in range(1, count + 1))
    words = [position for position, cell in enumerate(cells) if not _is_number(cell)]
    everything = list(range(count))
    if len(words) == 1 and words[0] in (0, count - 1):
        pixels = [position for position in everything if position != words[0]]
        return Columns(names, tuple(pixels), _square(len(pixels)), words[0])
    if _side(count) is not None:
        return Columns(names, tuple(everything), _square(count))
    if _side(count - 1) is not None:
        return _open(names, everything)
    if _side(count - 2) is not None and count > 2:
        return Columns(names, tuple(everything[2:-1]), _square(count - 2), open=(0, 1, count - 1))
    raise ValueError(
        f"{count} columns make no square image, with or without a label (28 x 28 has 784); are "
        "columns missing?"
    )


def _open(names: tuple[str, ...], positions: list[int]) -> Columns:
    ends = (positions[0], positions[-1])
    return Columns(names, tuple(positions[1:-1]), _square(len(positions) - 1), open=ends)


def _ordered(names: Sequence[str], positions: list[int]) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Put the pixels' columns into order by the numbers in their names."""
    if not positions:
        raise ValueError(
            "0 pixel columns make no square image (28 x 28 has 784); are columns missing?"
        )
    for pattern in (_TWO_NUMBERS, _ONE_NUMBER):
        matches = {
            position: match
            for position in positions
            if (match := pattern.fullmatch(names[position].strip()))
        }
        if len(matches) == len(positions) or (pattern is _ONE_NUMBER and matches):
            break
    unknown = [position for position in positions if position not in matches]
    prefixes = Counter(match[1] for match in matches.values())
    if matches and not unknown:
        common = prefixes.most_common(1)[0][0]
        unknown = [position for position, match in matches.items() if match[1] != common]
    if unknown:
        raise ValueError(
            f"column {names[unknown[0]][:40]!r} is neither label, index nor pixel; remove it, or "
            "call the columns label (if known), pixel0, pixel1 and so on"
        )
    numbers = {
        position: tuple(map(int, match.groups()[1::2])) for position, match in matches.items()
    }
    ordered = sorted(positions, key=lambda position: numbers[position])
    found = [numbers[position] for position in ordered]
    for one, following in pairwise(ordered):
        if numbers[one] == numbers[following]:
            raise ValueError(f"column {names[following]!r} comes twice; remove one")
    shape = _require_complete(names[ordered[0]], found)
    return tuple(ordered), shape


def _require_complete(example: str, found: list[tuple[int, ...]]) -> tuple[int, int]:
    """Hold pixels' numbers against those that an image has; they begin at 0 or at 1."""
    start = min(min(numbers) for numbers in found)
    start = start if start in (0, 1) else 0
    wanted: Iterator[tuple[int, ...]] = ((number + start,) for number in range(len(found)))
    height, width = 0, 0
    if len(found[0]) == 2:
        height, width = (max(axis) - start + 1 for axis in zip(*found, strict=True))
        # Made one after another, as the numbers in the names may be of any size.
        wanted = ((row + start, column + start) for row in range(height) for column in range(width))
    for expected, numbers in zip(wanted, [*found, ()], strict=False):
        if numbers != expected:
            words = re.split(r"\d+", example)
            name = "".join(f"{word}{number}" for word, number in zip(words, expected, strict=False))
            raise ValueError(f"column {name} is missing from the header; are columns missing?")
    return (height, width) if height else _square(len(found))


def _square(pixels: int) -> tuple[int, int]:
    side = _side(pixels)
    if side is None:
        raise ValueError(
            f"{pixels} pixel columns make no square image (28 x 28 has 784); are columns missing?"
        )
    return side, side


def _side(pixels: int) -> int | None:
    if pixels < 1 or math.isqrt(pixels) ** 2 != pixels:
        return None
    return math.isqrt(pixels)


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
