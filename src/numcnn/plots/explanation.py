"""The explanation of a reading: what was found where, what the network saw, and the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from numcnn.plots.feature_maps import LayerRows, check_layers
from numcnn.plots.figure import BLUE, MUTED, NORMAL, RULE, SIGNED_COLORS, VERMILION, percent
from numcnn.plots.sheet import HEADER, MARGIN, Sheet, fit

MOST_FINDINGS: Final = 12
"""How many findings are drawn, each with its frame and its evidence."""

_PICTURE: Final = 4.6  # inches at most
_TILE: Final = 1.05
_GAP, _SPACE = 0.12, 0.3
_COLUMNS: Final = 2


@final
@dataclass(frozen=True, eq=False)
class FindingPanel:
    """What is drawn of something that was found in a picture.

    Attributes:
        box: ``(x, y, width, height)`` in pixels of the picture.
        answer: What it was read as, or why it was not.
        is_read: Whether it was read.
        frame: What the network saw, uint8 ``(height, width)``.
        evidence: For each of its pixels, how much more ink there would speak for the answer, or
            against it; ``(height, width)``, signed.
        best: The most probable classes, the first one first: names and probabilities.
    """

    box: tuple[int, int, int, int]
    answer: str
    is_read: bool
    frame: NDArray[np.uint8]
    evidence: NDArray[np.float64]
    best: Sequence[tuple[str, float]]


def explanation(
    picture: NDArray[np.uint8],
    findings: Sequence[FindingPanel],
    activations: Sequence[tuple[str, ArrayLike]],
    classes: Sequence[str],
    chosen: int = 0,
) -> Figure:
    """Draw a picture with what was found in it, and how one of the findings was read.

    Beside the picture, each finding shows what the network saw, brought into one frame, and the
    evidence: where ink speaks for the answer, orange, and where against it, blue, compared with
    the second best answer. Below, layer by layer, what the network makes of one finding.

    Args:
        picture: uint8 ``(height, width, 3)``.
        findings: What was found, at least one; the first 12 are drawn.
        activations: For the chosen finding, a pair per layer, as `feature_maps` takes it.
        classes: The classes' names.
        chosen: Which finding the activations belong to.

    Raises:
        ValueError: There is no finding, or an array has another shape.
    """
    if not 0 <= chosen < len(findings):
        raise ValueError(f"chosen is {chosen} of {len(findings)} findings; give one of them")
    rows = LayerRows.of(check_layers(activations), list(classes))
    shown = findings[:MOST_FINDINGS]
    picture_width, picture_height = fit(picture.shape, _PICTURE)
    lines = -(-len(shown) // _COLUMNS)
    height = max(picture_height, lines * (_TILE + _GAP + 0.2))
    tile_width = 2 * _TILE + 1.15
    width = max(
        2 * MARGIN + 1.75 + rows.width,
        2 * MARGIN + picture_width + _SPACE + min(len(shown), _COLUMNS) * (tile_width + _GAP),
    )
    sheet = Sheet.blank(width, HEADER + height + _SPACE + 0.5 + rows.height + MARGIN)
    more = f"; {len(shown)} of {len(findings)} findings" if len(findings) > len(shown) else ""
    sheet.title(
        "What the network saw",
        "Beside each frame the evidence: ink on orange speaks for the answer, ink on blue for the "
        f"second best{more}",
    )
    _picture(sheet, picture, findings, MARGIN, HEADER, picture_width)
    for place, finding in enumerate(shown):
        line, column = divmod(place, _COLUMNS)
        left = MARGIN + picture_width + _SPACE + column * (tile_width + _GAP)
        _finding(sheet, finding, place + 1, left, HEADER + line * (_TILE + _GAP + 0.2))
    top = HEADER + height + _SPACE
    sheet.text(
        MARGIN,
        top + 0.1,
        f"Number {chosen + 1}, layer by layer",
        size=NORMAL,
        weight="bold",
    )
    sheet.text(
        MARGIN,
        top + 0.28,
        "White is zero, orange above, blue below; each layer its own scale",
        color=MUTED,
    )
    rows.draw(sheet, MARGIN, top + 0.5)
    return sheet.figure


def _picture(
    sheet: Sheet,
    picture: NDArray[np.uint8],
    findings: Sequence[FindingPanel],
    left: float,
    top: float,
    width: float,
) -> None:
    scale = width / picture.shape[1]
    sheet.image(picture, left, top, width, picture.shape[0] * scale)
    sheet.box(left, top, width, picture.shape[0] * scale, edge=RULE)
    for number, finding in enumerate(findings, 1):
        x, y, across, down = (value * scale for value in finding.box)
        color = BLUE if finding.is_read else VERMILION
        sheet.box(left + x, top + y, across, down, edge=color, line_width=1.2)
        sheet.text(left + x + 0.02, top + y - 0.04, str(number), color=color, weight="bold")


def _finding(sheet: Sheet, finding: FindingPanel, number: int, left: float, top: float) -> None:
    color = BLUE if finding.is_read else VERMILION
    title = f"{number}: {finding.answer}"
    sheet.text(left, top + 0.12, title, size=NORMAL, weight="bold", color=color)
    top += 0.2
    sheet.image(finding.frame, left, top, _TILE, _TILE)
    # Strong where the ink is, faint around it, so that the digit can be recognized.
    shown = finding.evidence * (0.25 + 0.75 * finding.frame / 255)
    limit = float(np.abs(shown).max()) or 1.0
    middle = left + _TILE + 0.05
    sheet.image(shown, middle, top, _TILE, _TILE, colors=SIGNED_COLORS, low=-limit, high=limit)
    sheet.box(middle, top, _TILE, _TILE, edge=RULE)
    for line, (name, probability) in enumerate(finding.best):
        y = top + 0.16 + 0.2 * line
        sheet.text(middle + _TILE + 0.08, y, name, weight="bold" if line == 0 else "normal")
        sheet.text(middle + _TILE + 0.98, y, percent(probability), align="right")
