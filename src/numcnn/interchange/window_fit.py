"""Paddings of others as numcnn's: "valid", "same", or a kernel that grows by zeros.

Other programs say how many rows and columns surround an image. numcnn knows two ways, of which
"same" adds as many as make ``ceil(size / stride)`` positions, the odd one at the end. A convolution
with another number at the beginning can still be had exactly: with zeros around its kernel, "same"
adds more, and the kernel's own cells meet the same pixels as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Span:
    """A window along one axis of an image.

    Attributes:
        length: Pixels of the image.
        size: Cells of the window.
        stride: Pixels from one position to the next.
        begin: Pixels added before the image.
        end: Pixels added after it.
        dilation: Pixels from one cell of the window to the next.
        is_ceil: Whether a last position that reaches beyond what is added counts, if it begins in
            the image or in what is added before it.
    """

    length: int
    size: int
    stride: int
    begin: int
    end: int
    dilation: int = 1
    is_ceil: bool = False

    def __post_init__(self) -> None:
        for name in ("length", "size", "stride", "dilation"):
            if getattr(self, name) < 1:
                raise ValueError(f"its {name} is {getattr(self, name)}; only positive ones are had")
        if min(self.begin, self.end) < 0:
            raise ValueError("its padding is negative, and no layer crops an image")

    @property
    def reach(self) -> int:
        """Pixels from the window's first cell to its last, both counted."""
        return (self.size - 1) * self.dilation + 1

    @property
    def positions(self) -> int:
        """How many there are."""
        left = self.length + self.begin + self.end - self.reach
        if left < 0:
            raise ValueError(
                f"a window of {self.reach} does not fit into {self.length} pixels with their "
                "padding"
            )
        count = left // self.stride + 1
        if self.is_ceil and left % self.stride:
            begins = count * self.stride
            count += begins < self.length + self.begin
        return count

    @property
    def is_valid(self) -> bool:
        """Whether all positions are inside the image, and no more would be."""
        inside = self.length - self.reach
        return self.begin == 0 and inside >= 0 and self.positions == inside // self.stride + 1

    def growth(self) -> tuple[int, int] | None:
        """Zeros before and after the window with which "same" has the same positions.

        ``begin`` pixels come before the image, and ``before`` more if so many zeros come before the
        window. "same" adds half of what is missing for the grown window, rounded down::

            begin + before = (missing + before + after) // 2

        Returns:
            The fewest; None if there are none, as "same" has another number of positions.
        """
        if self.positions != -(-self.length // self.stride):
            return None
        missing = (self.positions - 1) * self.stride + self.reach - self.length
        if max(missing, 0) // 2 == self.begin:
            return 0, 0
        if missing <= 2 * self.begin:
            return 0, 2 * self.begin - missing
        return missing - 2 * self.begin - 1, 0


def fitted_padding(spans: Sequence[Span]) -> str:
    """The padding of height and width in numcnn's words.

    Raises:
        ValueError: It has none.
    """
    if all(span.is_valid for span in spans):
        return "valid"
    if all(span.growth() == (0, 0) for span in spans):
        return "same"
    raise ValueError(_refused(spans))


def fitted_kernel(spans: Sequence[Span]) -> tuple[str, tuple[tuple[int, int], tuple[int, int]]]:
    """The padding in numcnn's words, and the zeros around the kernel.

    Returns:
        "valid" or "same", and zeros (above, below), (left, right).

    Raises:
        ValueError: There is none.
    """
    if all(span.is_valid for span in spans):
        return "valid", ((0, 0), (0, 0))
    rows, columns = (span.growth() for span in spans)
    if rows is None or columns is None:
        raise ValueError(_refused(spans))
    return "same", (rows, columns)


def _refused(spans: Sequence[Span]) -> str:
    sides = " and ".join(f"{span.begin} before and {span.end} after" for span in spans)
    sizes, images, steps = (
        " x ".join(str(getattr(span, name)) for span in spans)
        for name in ("size", "length", "stride")
    )
    return (
        f'its padding, {sides}, is neither "valid" nor "same" for a window of {sizes} with stride '
        f"{steps} on {images} pixels"
    )
