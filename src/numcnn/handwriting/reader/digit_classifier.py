"""The judge: a network that says which digit something is, how surely, and whether it is one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.handwriting.class_names import OTHER, SEVERAL
from numcnn.handwriting.vision import Region, RegionScore, stroke_width, to_mnist_frame
from numcnn.model_files import ModelFile

Probabilities = NDArray[np.float64]

_DIGITS = tuple("0123456789")
_SURE, _FIRST = 0.99, 2  # of one look no other is needed; how often the first look counts
_SOFTER = 1.5  # the temperature of opinions
_ROUND, _SOLID, _BROAD = 0.6, 0.6, 0.4  # of a blot: its sides, how full its box is, its stroke
_BLOT_SIDE = 80  # pixels; of a larger blot, not all are looked at
_NONE = 11  # the place of "other"


@final
@dataclass(frozen=True)
class RejectionThresholds:
    """What a network's answers are measured by; set on validation data, kept in its card.

    Attributes:
        temperature: What the logits are divided by, so that of what is called 90% about nine in
            ten are right. C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of
            modern neural networks", 2017.
        most_other: What is more probably no digit than this is rejected.
        most_other_in_line: The same for what stands in a line with at least two sure digits:
            there, a digit is more probable than elsewhere.
        zero: What is taken from the logit of "other" where the digit would be a 0: a hasty 0 is
            hard to tell from an oval or a rounded square, and far more often written.
        least_confidence: A digit that is less probable than this among the ten is rejected.
    """

    temperature: float = 1.0
    most_other: float = 0.5
    most_other_in_line: float = 0.97
    zero: float = 1.5
    least_confidence: float = 0.5

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            top = 100.0 if name in ("temperature", "zero") else 1.0
            if not isinstance(value, int | float) or not 0 < value <= top:
                raise ValueError(f"{name} is {value!r}; give a number above 0, at most {top:g}")

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> "RejectionThresholds":
        """Take them from a model's card; the defaults where it has none.

        Raises:
            ValueError: They are there, but make no sense.
        """
        found = card.get("reader", {})
        if not isinstance(found, Mapping) or not set(found) <= set(asdict(cls())):
            raise ValueError(f"the card's reader is {found!r}; give {', '.join(asdict(cls()))}")
        return cls(**found)


@final
class DigitClassifier:
    """A network and its standards. It keeps nothing of a call, so many threads may share it."""

    def __init__(self, model_file: ModelFile, standards: RejectionThresholds | None = None) -> None:
        """Take a model.

        Args:
            model_file: A network for images of ``(28, 28, 1)`` whose classes hold the digits "0"
                to "9", and perhaps "other" and "several" (digits that touch); no more.
            standards: Those of the model's card if None.

        Raises:
            ValueError: The network is for something else.
        """
        self._model = model_file.model
        self.standards = standards or RejectionThresholds.from_card(model_file.card)
        classes = model_file.classes
        if missing := [name for name in _DIGITS if name not in classes]:
            raise ValueError(
                f"the model has no class {missing[0]!r}, and a reader needs all digits; "
                "give a model that was trained on MNIST"
            )
        if unknown := set(classes) - {*_DIGITS, OTHER, SEVERAL}:
            raise ValueError(
                f"the model has the class {min(unknown)!r}, and a reader knows digits, "
                f"{OTHER!r} and {SEVERAL!r}; give a model that was trained on MNIST"
            )
        if self._model.input_shape != (28, 28, 1):
            sides = " x ".join(map(str, self._model.input_shape))
            raise ValueError(
                f"the model takes images of {sides}, and a reader makes images of 28 x 28 x 1; "
                "give a model that was trained on MNIST"
            )
        self._places = [classes.index(name) for name in _DIGITS]
        self._others = [
            classes.index(name) if name in classes else None for name in (SEVERAL, OTHER)
        ]

    @property
    def knows_others(self) -> bool:
        """Whether the network has learned what is no digit."""
        return None not in self._others

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Compute what the network says before any standard.

        Args:
            images: In MNIST's frame, ``(count, 28, 28)``.

        Returns:
            ``(count, 12)``: for the digits, for several, for what is none; minus infinity where
            the network knows no such class.
        """
        outputs = self._model.outputs(images[..., np.newaxis]).astype(np.float64)
        unknown = np.full(len(images), -np.inf)
        others = [unknown if place is None else outputs[:, place] for place in self._others]
        return np.concatenate([outputs[:, self._places], np.stack(others, axis=1)], axis=1)

    def probabilities(self, images: NDArray[np.uint8]) -> Probabilities:
        """Say how probable each digit is, that there are several, and that it is none.

        Where the network is not sure, it looks again: at the image turned and leaning a little
        both ways. The logits' weighted mean counts then.

        Args:
            images: In MNIST's frame, ``(count, 28, 28)``.

        Returns:
            ``(count, 12)``: of the digits, of several, of none; each row's sum is 1.
        """
        logits = self.logits(images)
        unsure = np.flatnonzero(_shares(logits).max(axis=1) < _SURE)
        if unsure.size:
            again = self.logits(_turned(images[unsure])).reshape(-1, len(unsure), logits.shape[1])
            logits[unsure] = (_FIRST * logits[unsure] + again.sum(axis=0)) / (_FIRST + len(again))
        logits[logits[:, :10].argmax(axis=1) == 0, _NONE] -= self.standards.zero
        return _shares(logits / self.standards.temperature)


def _is_blot(region: Region) -> bool:
    """Tell whether a region is one solid spot, whose outline would be read once it is framed."""
    low, high = sorted((region.height, region.width))
    if low < _ROUND * high or region.mass < _SOLID * low * high:
        return False
    # A share of the whole can be told from fewer pixels, and distances take a while.
    step = max(1, high // _BLOT_SIDE)
    return step * stroke_width(region.ink[step // 2 :: step, step // 2 :: step]) > _BROAD * high


def _shares(logits: NDArray[np.float64]) -> Probabilities:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _turned(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn and lean images both ways, ``(4 * count, 28, 28)``: first all of them one way."""
    turn, lean, center = np.radians(8), 0.18, 14.0
    cos, sin = np.cos(turn), np.sin(turn)
    ways = [
        np.array(way).reshape(2, 2)
        for way in ((cos, -sin, sin, cos), (cos, sin, -sin, cos), (1, 0, lean, 1), (1, 0, -lean, 1))
    ]
    turned = [
        ndimage.affine_transform(
            image.astype(np.float32), way, center - way @ (center, center), order=1
        )
        for way in ways
        for image in images
    ]
    return np.rint(turned).astype(np.uint8)


@final
class RegionClassifier:
    """What a judge says of the regions of one picture, each of which is looked at once."""

    def __init__(self, judge: DigitClassifier) -> None:
        """Take the judge."""
        self._judge = judge
        self._said: dict[Region, Probabilities] = {}
        self._images: dict[Region, NDArray[np.uint8]] = {}

    def probabilities(self, regions: Sequence[Region]) -> list[Probabilities]:
        """Say what each region is, as `DigitClassifier.probabilities` does."""
        new = [region for region in regions if region not in self._said]
        if new:
            images = np.stack([to_mnist_frame(region.ink) for region in new])
            self._images.update(zip(new, images, strict=True))
            said = self._judge.probabilities(images)
            if self._judge.knows_others:
                said[[_is_blot(region) for region in new]] = np.eye(said.shape[1])[_NONE]
            self._said.update(zip(new, said, strict=True))
        return [self._said[region] for region in regions]

    def images(self, regions: Sequence[Region]) -> NDArray[np.uint8]:
        """Return regions as the network saw them, ``(regions, 28, 28)``."""
        self.probabilities(regions)
        images = [self._images[region] for region in regions]
        return np.stack(images) if images else np.zeros((0, 28, 28), np.uint8)

    def score(self, regions: Sequence[Region]) -> list[RegionScore]:
        """Say what each region is, as those ask who find regions.

        Most of what they ask about was never written as it stands there, so the probabilities are
        softened.
        """
        opinions = []
        for row in self.probabilities(regions):
            soft = row ** (1 / _SOFTER)
            soft /= soft.sum()
            digit, several, neither = soft[:10].max(), soft[10], soft[11]
            if not self._judge.knows_others:
                several, neither = 1.0, 0.0
            logs = np.log(np.maximum([digit, several, neither], 1e-9))
            opinions.append(RegionScore(*logs.tolist()))
        return opinions
