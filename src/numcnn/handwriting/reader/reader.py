"""The reader itself: find what is written, ask the judge, put the answers together."""

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.handwriting.reader.digit_classifier import (
    DigitClassifier,
    Probabilities,
    RegionClassifier,
    RejectionThresholds,
)
from numcnn.handwriting.reader.explain import Explanation, Seen
from numcnn.handwriting.reader.look import Look
from numcnn.handwriting.reader.reading import Digit, Line, Reading, Rejected
from numcnn.handwriting.vision import Box, Budget, Page, PictureError, Region, deadline, find_digits
from numcnn.handwriting.vision.picture import MAX_BYTES, Source
from numcnn.model_files import ModelFile, load_model
from numcnn.picture_file import MAX_PIXELS

BLANK = "nothing is written here"
NO_DIGIT = "not a digit"
SEVERAL = "several digits that cannot be told apart"
DRAWING = "part of a drawing"
CLUTTER = "part of a picture, not of writing on plain paper"
LEFT_OUT = "too many marks for handwriting; {} of them were not looked at"
NOT_DIVIDED = "too many marks for handwriting; {} of them were not looked at for digits that touch"
MAX_SECONDS = 20.0  # a photograph takes half a second, the hardest picture known about four
# Of 340 generated pictures of writing none has more than 0.05; most photographs have more than 0.1.
_CLUTTERED = 0.08
_CROWD, _LEAST_READ = 4, 0.2  # of things that were found, of their ink
_A_LINE, _SURE = 2, 0.9  # digits, each of which is so probable
_AS_SENSIBLE, _CLEARLY, _SENSIBLE = 0.02, 0.1, 0.9  # of `_sense`
_SLIVER = 0.3  # of the typical height: how broad a 1 is at most, and what is seen of a sheet's edge
_CERTAIN = 1.5  # of which is ink and which is paper; see `numcnn.handwriting.vision.Ink`


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
        standards: RejectionThresholds | None = None,
    ) -> None:
        """Load a network.

        Args:
            model: A model file, or one that is loaded already; the one that comes with the package
                if None. It takes images of 28 x 28 pixels and knows the digits, as ``numcnn train
                mnist`` makes them; with ``--recipe reader``, also what is none.
            standards: What to measure its answers by; those of its card if None.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is damaged, or for something else than digits.
        """
        if model is None:
            model = shipped_model()
        self.model_file = model if isinstance(model, ModelFile) else load_model(model)
        self.judge = DigitClassifier(self.model_file, standards)

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
            image: A path, a file's content as bytes or as an open binary file, a Pillow image, or
                an array; see `numcnn.handwriting.vision.load_picture`.
            max_bytes: The largest file to read.
            max_pixels: The largest picture to decode.
            max_seconds: The longest that reading may take, see `numcnn.deadline`.

        Raises:
            PictureError: The picture cannot be read; the message says why, in one line.
            DeadlineExceeded: It took longer than ``max_seconds``.
        """
        return self.look(
            image, max_bytes=max_bytes, max_pixels=max_pixels, max_seconds=max_seconds
        ).reading

    def look(
        self,
        image: Source | NDArray[Any],
        *,
        max_bytes: int = MAX_BYTES,
        max_pixels: int = MAX_PIXELS,
        max_seconds: float = MAX_SECONDS,
    ) -> Look:
        """Read what is written in a picture, and keep what the network was shown.

        Args:
            image: As for `read`.
            max_bytes: As for `read`.
            max_pixels: As for `read`.
            max_seconds: As for `read`.

        Raises:
            PictureError: The picture cannot be read; the message says why, in one line.
            DeadlineExceeded: It took longer than ``max_seconds``.
        """
        with deadline(max_seconds):
            hearing = RegionClassifier(self.judge)
            found = find_digits(image, max_bytes=max_bytes, max_pixels=max_pixels)
            page = self._grouped(found, hearing)
            answers = self._answers(page, hearing) if page.lines else []
            flat = tuple(answer for line in answers for answer in line)
            return Look(self._judged(page, answers), flat, hearing.images(page.regions))

    def explain(
        self, image: Source | NDArray[Any], *, max_seconds: float = MAX_SECONDS
    ) -> Explanation:
        """Say what the network saw in a picture, and why it answered as it did.

        Args:
            image: As for `read`.
            max_seconds: As for `read`.

        Raises:
            PictureError: The picture cannot be read, or nothing is written there.
            DeadlineExceeded: It took longer than ``max_seconds``.
        """
        with deadline(max_seconds):
            hearing = RegionClassifier(self.judge)
            page = self._grouped(find_digits(image), hearing)
            if not page.regions:
                raise PictureError(f"{page.picture.name}: {BLANK}")
            answers = [answer for line in self._answers(page, hearing) for answer in line]
            probabilities = hearing.probabilities(page.regions)
            frames = hearing.images(page.regions)
            seen = [
                Seen(answer, frame, said, self.model_file.model)
                for answer, frame, said in zip(answers, frames, probabilities, strict=True)
            ]
            return Explanation(page.picture, tuple(seen))

    def _grouped(self, page: Page, hearing: RegionClassifier) -> Page:
        """Tell digits apart, and look again where little of what was found makes sense."""
        budget = Budget()
        best = page.grouped(hearing.score, budget)
        sense = _sense(best, hearing)
        if page.ink.certainty <= _CERTAIN and sense < _SENSIBLE:
            other = page.inverted().grouped(hearing.score, budget)
            if (found := _sense(other, hearing)) > sense:
                best, sense = other, found
        if page.sheet is not None:
            # What was taken for a desk may be paper in the shadow.
            whole = page.uncropped().grouped(hearing.score, budget)
            # What is seen of the sheet's edge looks like a 1, and does not count.
            more = _broad(whole) > _broad(best)
            if _sense(whole, hearing) > sense + (-_AS_SENSIBLE if more else _CLEARLY):
                best = whole
        return best

    def _judged(self, page: Page, answers: list[list[Digit | Rejected]]) -> Reading:
        name, size = page.picture.name, page.picture.original_size
        counts = ((page.left_out, LEFT_OUT), (page.not_divided, NOT_DIVIDED))
        reasons = [reason.format(count) for count, reason in counts if count]
        if not page.lines and not reasons:
            reasons = [BLANK]
        lines = [tuple(answer for answer in line if isinstance(answer, Digit)) for line in answers]
        rejected = [answer for line in answers for answer in line if isinstance(answer, Rejected)]
        rejected += [Rejected((0, 0, *size), reason) for reason in reasons]
        return Reading(name, size, tuple(Line(line) for line in lines if line), tuple(rejected))

    def _answers(self, page: Page, hearing: RegionClassifier) -> list[list[Digit | Rejected]]:
        answers = [self._line(page, regions, hearing) for regions in page.lines]
        reason = DRAWING if self._is_drawing(page, answers) else ""
        if page.ink.clutter > _CLUTTERED and not self._is_a_line_sure(answers):
            reason = CLUTTER
        if not reason:
            return answers
        return [
            [
                answer if isinstance(answer, Rejected) else Rejected(answer.box, reason)
                for answer in line
            ]
            for line in answers
        ]

    def _is_a_line_sure(self, answers: list[list[Digit | Rejected]]) -> bool:
        """Tell whether some line has so many sure digits that they are no coincidence."""
        return any(
            sum(isinstance(answer, Digit) and answer.confidence > _SURE for answer in line)
            > max(_A_LINE, len(line) / 2)
            for line in answers
        )

    def _line(
        self, page: Page, regions: Sequence[Region], hearing: RegionClassifier
    ) -> list[Digit | Rejected]:
        standards, said = self.judge.standards, hearing.probabilities(regions)
        sure = sum(each[:10].max() > _SURE for each in said)
        most = standards.most_other_in_line if sure >= _A_LINE else standards.most_other
        return [
            self._answer(page.box(region), each, most)
            for region, each in zip(regions, said, strict=True)
        ]

    def _is_drawing(self, page: Page, answers: list[list[Digit | Rejected]]) -> bool:
        """Tell whether hardly anything in a picture is a digit: then those are parts of a drawing.

        Some stroke of every drawing looks like a 1.
        """
        flat = [answer for line in answers for answer in line]
        masses = [region.mass for region in page.regions]
        read = sum(m for m, answer in zip(masses, flat, strict=True) if isinstance(answer, Digit))
        return len(flat) >= _CROWD and read < _LEAST_READ * sum(masses)

    def _answer(
        self, box: Box, probabilities: Probabilities, most_other: float
    ) -> Digit | Rejected:
        reason = self._objection(probabilities, most_other)
        if reason:
            return Rejected(box, reason)
        among = probabilities[:10] / probabilities[:10].sum()
        best = int(among.argmax())
        return Digit(best, float(among[best]), tuple(among.tolist()), box)

    def _objection(self, probabilities: Probabilities, most_other: float) -> str:
        """Say why something is not read; nothing if it is."""
        several, none = probabilities[10:]
        if several + none > most_other:
            return SEVERAL if several > none else NO_DIGIT
        among = probabilities[:10] / probabilities[:10].sum()
        best, second = np.argsort(-among, kind="stable")[:2]
        if among[best] < self.judge.standards.least_confidence:
            return f"unclear, perhaps {best} or {second}"
        return ""


def _sense(page: Page, hearing: RegionClassifier) -> float:
    """Say how much sense a page makes: 1 if all of it is digits, -1 if nothing is."""
    heights = [region.height for region in page.regions]
    if not heights:
        return -1.0
    surely = [np.exp(opinion.digit) for opinion in hearing.score(page.regions)]
    return float(2 * np.average(surely, weights=heights) - 1)


def _broad(page: Page) -> int:
    """Count what is too broad for the edge of a sheet."""
    typical = float(np.median([region.height for region in page.regions] or [0]))
    return sum(region.width > _SLIVER * typical for region in page.regions)


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
