"""The reader's thresholds: how probable an answer has to be, and what is rejected.

`RejectionThresholds` belong to a network: they are set on validation data and kept in the model's
card. The constants below belong to the reader. They were chosen on generated pictures of
handwriting (`numcnn.handwriting.evaluation`) whose digits no training has seen.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, final

SURE: Final = 0.9
"""The probability above which a digit counts as sure."""

SURE_DIGITS_OF_A_LINE: Final = 2
"""So many sure digits in a line make it probable that what stands beside them is a digit, too."""

SURE_AT_FIRST: Final = 0.99
"""The probability of a class above which an image is not classified again in other poses."""

MOST_CLUTTER: Final = 0.08
"""The share of `numcnn.handwriting.vision.Ink.clutter` above which a picture is not one of writing.

Of 340 generated pictures of writing none has more than 0.05; most photographs have more than 0.1.
"""

DRAWING_FINDINGS: Final = 4
"""Fewer findings than these are not taken for parts of a drawing."""

DRAWING_SHARE: Final = 0.2
"""The share of the ink that is read below which findings are taken for parts of a drawing."""

CERTAIN_INK: Final = 1.5
"""The `numcnn.handwriting.vision.Ink.certainty` above which ink and paper are not exchanged."""

LIKELY_PAGE: Final = 0.9
"""The score of a page, from -1 to 1, above which no other way to find its digits is tried."""

AS_LIKELY: Final = 0.02
"""The difference between the scores of two pages that does not count."""

CLEARLY_LIKELIER: Final = 0.1
"""The difference between the scores of two pages that decides by itself."""

SLIVER: Final = 0.3
"""The width of a 1, or of what is seen of a sheet's edge, at most; of the typical height."""


@final
@dataclass(frozen=True)
class RejectionThresholds:
    """What a network's answers are measured by.

    Attributes:
        temperature: What the logits are divided by, so that of the answers with a probability of
            90% about nine in ten are right. C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On
            calibration of modern neural networks", 2017.
        most_other: The probability of not being one digit above which a region is rejected.
        most_other_in_line: The same for a region in a line with at least two sure digits: there, a
            digit is more probable than elsewhere.
        zero: What is subtracted from the logit of the class "other" where the most probable digit
            is a 0: a hasty 0 is hard to tell from an oval or a rounded square, and far more often
            written.
        least_confidence: The probability among the ten digits below which a digit is rejected.

    Raises:
        ValueError: A value is out of range.
    """

    temperature: float = 1.0
    most_other: float = 0.6
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
        """Take them from the entry "reader" of a model's card; the defaults if there is none.

        Raises:
            ValueError: The entry has unknown names, or values that are out of range.
        """
        found = card.get("reader", {})
        if not isinstance(found, Mapping) or not set(found) <= set(asdict(cls())):
            raise ValueError(f"the card's reader is {found!r}; give {', '.join(asdict(cls()))}")
        return cls(**found)
