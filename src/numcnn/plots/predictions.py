"""Pages of images with their predictions, and the worst mistakes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from numcnn.nn.validation import whole
from numcnn.plots.argument import (
    check_classes,
    check_images,
    check_labels,
    check_probabilities,
)
from numcnn.plots.figure import INK, LARGE, MUTED, NORMAL, RULE, VERMILION, percent
from numcnn.plots.sheet import HEADER, MARGIN, Sheet, drawable, fit, shorten, text_width

_COLUMNS: Final = 8
_TILE: Final = 0.95
_ACROSS: Final = 1.15  # from one image to the next
_LINE: Final = 0.14  # from one line of a caption to the next


def prediction_page(
    images: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    labels: ArrayLike | None = None,
    count: int = 24,
) -> Figure:
    """Draw the first images with their predicted classes and confidences.

    With ``labels``, a wrong prediction is framed, crossed and followed by the true class, so that
    it shows without color too; a right one stays quiet.

    Args:
        images: uint8, shape (n, height, width, 1 or 3).
        probabilities: Shape (n, classes), each row with the sum 1.
        classes: A name per class.
        labels: The true class numbers, integers of shape (n,).
        count: How many images to draw at most.

    Raises:
        ValueError: An argument has another shape, type or range, or they do not fit together.
    """
    pixels = check_images(images)
    shares = check_probabilities(probabilities, len(pixels))
    names = check_classes(classes, shares.shape[1], "probabilities")
    truth = None if labels is None else check_labels(labels, *shares.shape)
    shown = min(whole("count", count), len(pixels))
    predicted = shares.argmax(axis=1)

    subtitle = "The predicted class and its confidence"
    title = f"{shown:,} prediction{'s' * (shown != 1)}"
    if truth is not None:
        errors = int((predicted[:shown] != truth[:shown]).sum())
        title += f", {errors:,} wrong" if errors else ", all correct"
        if errors:
            subtitle += "; a wrong one is framed and marked ✗, with the true class below"
    captions = []
    for k in range(shown):
        wrong = truth is not None and predicted[k] != truth[k]
        captions.append(
            _Caption(
                ("✗ " if wrong else "") + names[predicted[k]],
                percent(float(shares[k, predicted[k]])),
                f"true: {names[truth[k]]}" if truth is not None and wrong else "",
                flagged=wrong,
            )
        )
    sheet = _page(pixels[:shown], captions, title, subtitle)
    return sheet.figure


def mistakes(
    images: ArrayLike,
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    limit: int = 48,
) -> Figure:
    """Draw the images that the network gets wrong, those first of which it is surest.

    They are the first to look at: such an image is mislabeled, hard, or shows something that the
    network has not learned. Without a mistake, the page says so.

    Args:
        images: uint8, shape (n, height, width, 1 or 3).
        labels: The true class numbers, integers of shape (n,).
        probabilities: Shape (n, classes), each row with the sum 1.
        classes: A name per class.
        limit: How many mistakes to draw at most.

    Raises:
        ValueError: An argument has another shape, type or range, or they do not fit together.
    """
    pixels = check_images(images)
    shares = check_probabilities(probabilities, len(pixels))
    names = check_classes(classes, shares.shape[1], "probabilities")
    truth = check_labels(labels, *shares.shape)
    most = whole("limit", limit)

    predicted = shares.argmax(axis=1)
    confidence = shares.max(axis=1)
    wrong = np.flatnonzero(predicted != truth)
    if not wrong.size:
        return _no_mistakes(len(pixels))
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    shown = wrong[:most]

    title = f"{wrong.size:,} mistake{'s' * (wrong.size != 1)} in {_images(len(pixels))}"
    subtitle = "True class → predicted class, and the confidence in it; the surest come first"
    if shown.size < wrong.size:
        title += f" (the worst {shown.size:,} are shown)"
    captions = [_mistake(names[truth[k]], names[predicted[k]], confidence[k]) for k in shown]
    return _page(pixels[shown], captions, title, subtitle).figure


class _Caption(NamedTuple):
    """The words below an image: its class, beside it the confidence, and a line below."""

    name: str
    confidence: str
    below: str = ""
    flagged: bool = False


def _mistake(true: str, predicted: str, confidence: float) -> _Caption:
    pair = f"{true} → {predicted}"
    if _fits(pair, sure := percent(float(confidence))):
        return _Caption(pair, sure)
    return _Caption(true, sure, f"→ {predicted}")


def _fits(name: str, confidence: str) -> bool:
    return text_width(name, weight="bold") + text_width(f"  {confidence}") <= _TILE


def _page(images: NDArray[np.uint8], captions: list[_Caption], title: str, subtitle: str) -> Sheet:
    """Return a page of images in rows of eight, each with its caption."""
    # Where a name needs the whole width, all confidences of the page move to a line of their own.
    beside = all(_fits(caption.name, caption.confidence) for caption in captions)
    lines = 1 + any(caption.below for caption in captions) + (not beside)
    down = _TILE + 0.25 + lines * _LINE
    rows = math.ceil(len(images) / _COLUMNS)
    content = min(len(images), _COLUMNS) * _ACROSS - (_ACROSS - _TILE)
    needed = max(content, text_width(title, LARGE, "bold"), text_width(subtitle, NORMAL))
    sheet = Sheet.blank(2 * MARGIN + needed, HEADER + rows * down + MARGIN - 0.15)
    sheet.title(title, subtitle)
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(place, _COLUMNS)
        x, y = MARGIN + column * _ACROSS, HEADER + row * down
        _image(sheet, image, x, y, flagged=caption.flagged)
        _write(sheet, caption, x, y + _TILE + 0.17, beside=beside)
    return sheet


def _image(sheet: Sheet, pixels: NDArray[np.uint8], x: float, y: float, *, flagged: bool) -> None:
    width, height = fit(pixels.shape, _TILE)
    x, y = x + (_TILE - width) / 2, y + (_TILE - height) / 2
    sheet.image(drawable(pixels), x, y, width, height)
    if flagged:
        sheet.box(x - 0.03, y - 0.03, width + 0.06, height + 0.06, edge=VERMILION, line_width=2.2)
    else:
        sheet.box(x, y, width, height, edge=RULE)


def _write(sheet: Sheet, caption: _Caption, x: float, y: float, *, beside: bool) -> None:
    color, weight = (VERMILION, "bold") if caption.flagged else (INK, "normal")
    room = _ACROSS - 0.1
    sheet.text(x, y, shorten(caption.name, room, weight=weight), color=color, weight=weight)
    if caption.below:
        sheet.text(x, y + _LINE, shorten(caption.below, room))
    if beside:
        sheet.text(x + _TILE, y, caption.confidence, color=MUTED, align="right")
    else:
        last = y + (2 if caption.below else 1) * _LINE
        sheet.text(x, last, caption.confidence, color=MUTED)


def _images(count: int) -> str:
    return f"{count:,} image{'s' * (count != 1)}"


def _no_mistakes(count: int) -> Figure:
    sheet = Sheet.blank(6.0, 2.2)
    sheet.title("No mistakes")
    all_of_them = f"All {_images(count)} are" if count != 1 else "The one image is"
    sheet.text(
        3.0,
        1.2,
        f"✓  {all_of_them} classified correctly.",
        size=LARGE,
        align="center",
    )
    sheet.text(
        3.0,
        1.52,
        "If that seems too good, see that none of them was trained on.",
        size=NORMAL,
        color=MUTED,
        align="center",
    )
    return sheet.figure
