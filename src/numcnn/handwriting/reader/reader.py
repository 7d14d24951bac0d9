"""Finds what is written in a picture, and classifies it with a network."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.handwriting.class_names import CLASS_NAMES, DIGITS, OTHER, SEVERAL
from numcnn.handwriting.reader.digit_classifier import DigitClassifier, Probabilities
from numcnn.handwriting.reader.line_choice import choose
from numcnn.handwriting.reader.line_reader import LineReader
from numcnn.handwriting.reader.reading import Finding, Reading, Separator
from numcnn.handwriting.reader.region_classifier import RegionClassifier
from numcnn.handwriting.reader.thresholds import (
    AS_LIKELY,
    CERTAIN_INK,
    CLEARLY_LIKELIER,
    DRAWING_FINDINGS,
    DRAWING_SHARE,
    LIKELY_PAGE,
    MOST_CLUTTER,
    SLIVER,
    SURE,
    SURE_DIGITS_OF_A_LINE,
    RejectionThresholds,
)
from numcnn.handwriting.vision import Budget, Page, Region, deadline, find_digits
from numcnn.handwriting.vision.picture import MAX_BYTES, Source
from numcnn.model_files import ModelFile, load_model
from numcnn.picture_file import MAX_PIXELS

BLANK = "nothing is written here"
NO_DIGIT = "not a digit"
SEVERAL_DIGITS = "several digits that cannot be told apart"
DRAWING = "part of a drawing"
CLUTTER = "part of a picture, not of writing on plain paper"
LEFT_OUT = "too many marks for handwriting; {} of them were not looked at"
NOT_DIVIDED = "too many marks for handwriting; {} of them were not looked at for digits that touch"
MAX_SECONDS = 20.0  # a photograph takes half a second, the hardest picture known about four

Rows = tuple[tuple[Finding, ...], ...]
_SEVERAL, _OTHER = CLASS_NAMES.index(SEVERAL), CLASS_NAMES.index(OTHER)


@final
class Reader:
    """Reads pictures with one network, which is loaded once; many threads may read at a time.

    >>> from numcnn.handwriting.reader import Reader
    >>> reader = Reader()
    >>> reader.read("number.jpg").text  # doctest: +SKIP
    '4071'
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | ModelFile | None = None,
        thresholds: RejectionThresholds | None = None,
        line_model: str | os.PathLike[str] | ModelFile | None = None,
    ) -> None:
        """Load a network, or two.

        Args:
            model: A model file, or one that is loaded already; the one that comes with the package
                if None. It takes images of 28 x 28 pixels and knows the digits, as ``numcnn train
                mnist`` makes them; with ``--recipe reader``, also what is no digit.
            thresholds: What its answers are measured by; those of its card if None.
            line_model: A network that reads whole lines, as ``numcnn train-lines`` makes it. If
                None, the one that comes with the package where ``model`` is None as well, and else
                none: then digits are read one by one alone.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is damaged, or for something else than digits.
        """
        if model is None:
            model = shipped_model()
            line_model = shipped_line_model() if line_model is None else line_model
        self.model_file = model if isinstance(model, ModelFile) else load_model(model)
        self.classifier = DigitClassifier(self.model_file, thresholds)
        self.line_reader = None
        if line_model is not None:
            if not isinstance(line_model, ModelFile):
                line_model = load_model(line_model)
            self.line_reader = LineReader(line_model)

    def read(
        self,
        image: Source | NDArray[Any],
        *,
        max_bytes: int = MAX_BYTES,
        max_pixels: int = MAX_PIXELS,
        max_seconds: float = MAX_SECONDS,
    ) -> Reading:
        """Read what is written in a picture.

        Args:
            image: A path, a file's content as bytes or as an open binary file, a Pillow image, an
                array, or a picture that is loaded already; see
                `numcnn.handwriting.vision.load_picture`.
            max_bytes: The largest file to read.
            max_pixels: The largest picture to decode.
            max_seconds: The longest that reading may take, see `numcnn.deadline`.

        Returns:
            The text, and each finding with its box, its probabilities and what the network was
            shown of it.

        Raises:
            PictureError: The picture cannot be read; the message says why, in one line.
            DeadlineExceeded: It took longer than ``max_seconds``.
        """
        with deadline(max_seconds):
            classifier = RegionClassifier(self.classifier)
            found = find_digits(image, max_bytes=max_bytes, max_pixels=max_pixels)
            page = self._most_likely(found, classifier)
            rows = self._rows(page, classifier) if page.lines else ()
            separators: tuple[Separator, ...] = ()
            if self.line_reader is not None:
                chosen = choose(page, rows, self.line_reader)
                rows, separators = chosen.rows, chosen.separators
            counts = ((page.left_out, LEFT_OUT), (page.not_divided, NOT_DIVIDED))
            notices = [notice.format(count) for count, notice in counts if count]
            if not rows and not notices:
                notices = [BLANK]
            picture = page.picture
            return Reading(picture.name, picture.original_size, rows, tuple(notices), separators)

    def _most_likely(self, page: Page, classifier: RegionClassifier) -> Page:
        """Tell digits apart, and try other ways to find them where few are likely to be digits."""
        budget = Budget()
        best = page.grouped(classifier.score, budget)
        likely = _likelihood(best, classifier)
        if page.ink.certainty <= CERTAIN_INK and likely < LIKELY_PAGE:
            inverted = page.inverted().grouped(classifier.score, budget)
            if (found := _likelihood(inverted, classifier)) > likely:
                best, likely = inverted, found
        if page.paper_mask is not None:
            # What was taken for a desk may be paper in the shadow.
            whole = page.uncropped().grouped(classifier.score, budget)
            # What is seen of the paper's edge looks like a 1, and does not count.
            has_more = _count_broad(whole) > _count_broad(best)
            margin = -AS_LIKELY if has_more else CLEARLY_LIKELIER
            if _likelihood(whole, classifier) > likely + margin:
                best = whole
        return best

    def _rows(self, page: Page, classifier: RegionClassifier) -> Rows:
        rows = tuple(self._row(page, regions, classifier) for regions in page.lines)
        rejection = DRAWING if _is_drawing(page, rows) else ""
        if page.ink.clutter > MOST_CLUTTER and not _is_a_row_sure(rows):
            rejection = CLUTTER
        if not rejection:
            return rows
        return tuple(
            tuple(replace(each, rejection=each.rejection or rejection) for each in row)
            for row in rows
        )

    def _row(
        self, page: Page, regions: Sequence[Region], classifier: RegionClassifier
    ) -> tuple[Finding, ...]:
        thresholds, probabilities = self.classifier.thresholds, classifier.probabilities(regions)
        sure = sum(each[: len(DIGITS)].max() > SURE for each in probabilities)
        is_line = sure >= SURE_DIGITS_OF_A_LINE
        most_other = thresholds.most_other_in_line if is_line else thresholds.most_other
        found = zip(regions, probabilities, classifier.images(regions), strict=True)
        return tuple(
            Finding(page.box(region), tuple(row.tolist()), frame, self._rejection(row, most_other))
            for region, row, frame in found
        )

    def _rejection(self, probabilities: Probabilities, most_other: float) -> str:
        """Say why a region is not read; nothing if it is."""
        several, other = probabilities[_SEVERAL], probabilities[_OTHER]
        if several + other > most_other:
            return SEVERAL_DIGITS if several > other else NO_DIGIT
        digits = probabilities[: len(DIGITS)]
        among = digits / digits.sum()
        best, second = np.argsort(-among, kind="stable")[:2]
        if among[best] < self.classifier.thresholds.least_confidence:
            return f"unclear, perhaps {best} or {second}"
        return ""


def _is_a_row_sure(rows: Rows) -> bool:
    """Tell whether some row has so many sure digits that they are no coincidence."""
    return any(
        sum(not each.rejection and each.confidence > SURE for each in row)
        > max(SURE_DIGITS_OF_A_LINE, len(row) / 2)
        for row in rows
    )


def _is_drawing(page: Page, rows: Rows) -> bool:
    """Tell whether hardly anything in a picture is a digit: then those are parts of a drawing.

    Some stroke of every drawing looks like a 1.
    """
    findings = [finding for row in rows for finding in row]
    masses = [region.mass for region in page.regions]
    read = sum(
        mass for mass, finding in zip(masses, findings, strict=True) if not finding.rejection
    )
    return len(findings) >= DRAWING_FINDINGS and read < DRAWING_SHARE * sum(masses)


def _likelihood(page: Page, classifier: RegionClassifier) -> float:
    """Score how likely a page's regions are digits: 1 if all of them are, -1 if none is."""
    heights = [region.height for region in page.regions]
    if not heights:
        return -1.0
    digits = [np.exp(score.digit) for score in classifier.score(page.regions)]
    return float(2 * np.average(digits, weights=heights) - 1)


def _count_broad(page: Page) -> int:
    """Count the regions that are too broad for the edge of a sheet."""
    typical = float(np.median([region.height for region in page.regions] or [0]))
    return sum(region.width > SLIVER * typical for region in page.regions)


def shipped_line_model() -> Path:
    """Return the file of the network for lines that comes with the package."""
    return Path(__file__).parents[2] / "weights" / "line_reader.safetensors"


def shipped_model() -> Path:
    """Return the file of the model that comes with the package."""
    return Path(__file__).parents[2] / "weights" / "reader.safetensors"


@functools.cache
def _shipped_reader() -> Reader:
    return Reader()


def read(image: Source | NDArray[Any]) -> Reading:
    """Read what is written in a picture, with the network that comes with the package.

    >>> import numcnn
    >>> print(numcnn.read("number.jpg"))  # doctest: +SKIP
    4071

    Args:
        image: A path, a file's content as bytes or as an open binary file, a Pillow image, or an
            array; see `numcnn.handwriting.vision.load_picture`.

    Returns:
        The text, each digit with its box and confidence, and what was rejected and why.

    Raises:
        PictureError: The picture cannot be read; the message says why, in one line.
        DeadlineExceeded: It took longer than 20 seconds.
    """
    return _shipped_reader().read(image)
