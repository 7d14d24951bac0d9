"""Reads a whole line with one network, without cutting it into digits first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from numcnn.handwriting.class_names import CLASS_NAMES, DIGITS, OTHER
from numcnn.handwriting.line_frame import HEIGHT, WIDTH, line_frame
from numcnn.handwriting.reader.beam_search import beam_search
from numcnn.model_files import ModelFile
from numcnn.nn.ctc_loss import CTCLoss, ctc_path
from numcnn.nn.layers.activation import softmax

SYMBOLS_IN_CARD = "line_symbols"
"""The entry of a model's card that says what lines are spelled with."""

_VIEWS = ((1.0, 0.0), (0.85, 0.0), (0.75, 0.0), (0.85, 0.05), (1.0, 0.07), (1.12, 0.0))
"""In which a line is shown: how much wider, and which share is cut off above and below.

What is read alike in all of them is right more often than what the network is sure of in one: of
621 cheques to develop on, 61% are read in the first view alone, 68% in all of them together.
"""

_TEMPERATURE = 2.0
"""What the logits are divided by: at 1, the network is sure of too much that is wrong.

C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks", 2017.
"""

_ODDS = 4.0
"""By how much the odds that the views' mean says of a text are too low.

Of 620 cheques to develop on, what is then called 31 to 50% probable is right in 43%, 50 to 63%
in 59%, 63 to 73% in 67%, 73 to 80% in 75%, and above in 95%.
"""


@final
@dataclass(frozen=True)
class LineSymbol:
    """A symbol of a line, and where it stands.

    Attributes:
        symbol: A digit, "." or "-".
        left: Its left edge, as a share of the line's width.
        right: Its right edge.
        class_probabilities: Of `numcnn.handwriting.class_names.CLASS_NAMES`, 12 numbers.
    """

    symbol: str
    left: float
    right: float
    class_probabilities: tuple[float, ...]

    @property
    def is_digit(self) -> bool:
        """Whether it is a digit, and no separator."""
        return self.symbol in DIGITS


@final
@dataclass(frozen=True)
class LineReading:
    """What a line says.

    Attributes:
        symbols: From left to right.
        probability: That the line says just these digits, whatever the separators, 0 to 1.
    """

    symbols: tuple[LineSymbol, ...]
    probability: float

    @property
    def text(self) -> str:
        """The digits alone."""
        return "".join(each.symbol for each in self.symbols if each.is_digit)


@final
class LineReader:
    """A network for whole lines. It keeps nothing of a call, so many threads may share it."""

    def __init__(self, model_file: ModelFile) -> None:
        """Take a model.

        Args:
            model_file: A network as ``numcnn train-lines`` makes them; its card names the symbols.

        Raises:
            ValueError: The network is for something else.
        """
        self._model = model_file.model
        symbols = model_file.card.get(SYMBOLS_IN_CARD)
        shape = self._model.output_shape
        if (
            not isinstance(symbols, str)
            or self._model.input_shape != (HEIGHT, WIDTH, 1)
            or len(shape) != 3
            or shape[-1] != len(symbols) + 1
            or not set(DIGITS) <= set(symbols)
        ):
            raise ValueError(
                "the model is none for lines of digits; give one that numcnn train-lines made"
            )
        self._symbols = symbols
        self._digits = [symbols.index(digit) for digit in DIGITS]

    def glance(self, gray: NDArray[np.floating]) -> LineReading:
        """Read a line in one view by its best path: quicker, and less sure than `read`.

        Args:
            gray: As for `read`.
        """
        frame, scale = line_frame(np.asarray(gray, np.float32))
        outputs = self._model.outputs(frame[np.newaxis, :, :, np.newaxis])[0, 0]
        probabilities = softmax(outputs.astype(np.float64) / _TEMPERATURE)
        symbols = [symbol for symbol, _, _ in ctc_path(outputs[np.newaxis])[0]]
        located = self._located(symbols, outputs, probabilities, gray.shape[1] * scale)
        return LineReading(located, float(probabilities.max(axis=1).prod()))

    def read(self, gray: NDArray[np.floating]) -> LineReading:
        """Read a line.

        Args:
            gray: ``(height, width)``, from 0 to 255: the line with a little of what is around it.
        """
        views = [line_frame(_view(gray, *view)) for view in _VIEWS]
        frames = np.stack([frame for frame, _ in views])
        outputs = self._model.outputs(frames[..., np.newaxis])[:, 0]
        probabilities = softmax(outputs.astype(np.float64) / _TEMPERATURE)
        found = [beam_search(each, self._digits) for each in probabilities]
        told: dict[tuple[int, ...], float] = defaultdict(float)
        for spellings in found:
            for each in spellings:
                told[each.counted] += each.probability / len(_VIEWS)
        answer = max(told, key=lambda each: told[each])
        # Where the symbols stand is asked of the view in which this is said most clearly.
        _, place, symbols = max(
            (each.probability, -place, each.symbols)
            for place, spellings in enumerate(found)
            for each in spellings
            if each.counted == answer
        )
        view = -place
        width = views[view][1] * gray.shape[1] * _VIEWS[view][0]
        located = self._located(list(symbols), outputs[view], probabilities[view], width)
        p = min(told[answer], 1.0)
        # The odds that the views say, times a factor.
        return LineReading(located, _ODDS * p / (1 - p + _ODDS * p))

    def _located(
        self,
        labels: list[int],
        outputs: NDArray[np.float32],
        probabilities: NDArray[np.floating],
        width: float,
    ) -> tuple[LineSymbol, ...]:
        """Say where each symbol stands: between the middles of the spaces around it."""
        if not labels:
            return ()
        steps = len(outputs)
        # How much of each step's probability goes to each symbol of this very sequence.
        middles = _middles(labels, outputs)
        # A step of the network is so many pixels of the frame, and its first looks at the second.
        pixel = WIDTH / (steps + 2)
        places = (np.array(middles) + 1.5) * pixel / width
        between = (places[1:] + places[:-1]) / 2
        reach = 0.6 * HEIGHT / width
        lefts = np.maximum(places - reach / 2, np.concatenate([[0.0], between]))
        rights = np.minimum(places + reach / 2, np.concatenate([between, [1.0]]))
        found = []
        for label, middle, left, right in zip(labels, middles, lefts, rights, strict=True):
            row = probabilities[min(round(middle), steps - 1)]
            classes = np.zeros(len(CLASS_NAMES))
            classes[: len(DIGITS)] = row[self._digits]
            classes[CLASS_NAMES.index(OTHER)] = max(0.0, 1 - classes.sum())
            found.append(
                LineSymbol(
                    self._symbols[label],
                    float(min(left, 1.0)),
                    float(min(max(right, left), 1.0)),
                    tuple(classes.tolist()),
                )
            )
        return tuple(found)


def _view(gray: NDArray[np.floating], wider: float, cut: float) -> NDArray[np.float32]:
    """Show a line wider or narrower, and cut off a share of its height above and below."""
    rows = round(cut * gray.shape[0])
    shown = np.asarray(gray[rows : gray.shape[0] - rows], np.float32)
    if wider == 1:
        return shown
    size = max(4, round(gray.shape[1] * wider)), shown.shape[0]
    return np.asarray(Image.fromarray(shown).resize(size, Image.Resampling.BILINEAR))


def _middles(labels: list[int], outputs: NDArray[np.float32]) -> list[float]:
    """The step at which each label is most probable, in order.

    By the gradient of the loss: softmax minus gradient is the probability that a path that spells
    the labels is at a label at that step.
    """
    path = ctc_path(outputs[np.newaxis])[0]
    if [each[0] for each in path] == labels:
        return [(start + end - 1) / 2 for _, start, end in path]
    target = np.array(labels, np.int64)[np.newaxis]
    _, gradient, _ = CTCLoss().terms(outputs[np.newaxis].astype(np.float64), target)
    share = softmax(outputs.astype(np.float64)) - gradient[0]
    middles: list[float] = []
    begin = 0
    for place, label in enumerate(labels):
        # Room for those that follow.
        end = max(begin + 1, len(outputs) - (len(labels) - 1 - place))
        middles.append(float(begin + share[begin:end, label].argmax()))
        begin = int(middles[-1]) + 1
        if begin >= len(outputs):
            begin = len(outputs) - 1
    return middles
