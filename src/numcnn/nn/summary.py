"""The summary of a model: output shapes, parameters and multiply-accumulates by layer."""

from dataclasses import dataclass
from typing import final

from numcnn.nn.arrays import Shape, size_text


@final
@dataclass(frozen=True)
class SummaryRow:
    """One layer of a summary.

    Attributes:
        name: The layer's name.
        output_shape: Without the batch axis.
        parameters: How many learned numbers it has, inner layers included.
        macs: How many multiplications with an addition its products take for one example.
        frozen: How many of the parameters training leaves as they are.
    """

    name: str
    output_shape: Shape
    parameters: int
    macs: int
    frozen: int = 0


@final
@dataclass(frozen=True)
class Summary:
    """What a model is made of. Printed, it is a table.

    Attributes:
        input_shape: Without the batch axis.
        rows: One for each layer.
    """

    input_shape: Shape
    rows: tuple[SummaryRow, ...]

    @property
    def parameters(self) -> int:
        """How many learned numbers there are."""
        return sum(row.parameters for row in self.rows)

    @property
    def frozen(self) -> int:
        """How many of these training leaves as they are."""
        return sum(row.frozen for row in self.rows)

    @property
    def macs(self) -> int:
        """How many multiply-adds one example takes."""
        return sum(row.macs for row in self.rows)

    def __str__(self) -> str:
        cells = [
            ("Layer", "Output", "Parameters", "Multiply-adds"),
            ("input", size_text(self.input_shape), "", ""),
            *(
                (
                    row.name,
                    size_text(row.output_shape),
                    _count(row.parameters) + " frozen" * bool(row.frozen),
                    _count(row.macs),
                )
                for row in self.rows
            ),
            ("total", "", f"{self.parameters:,}", f"{self.macs:,}"),
            *([("frozen", "", f"{self.frozen:,}", "")] if self.frozen else []),
        ]
        widths = [max(len(line[column]) for line in cells) for column in range(4)]
        lines = [
            f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}"
            for a, b, c, d in cells
        ]
        rule = "-" * len(lines[0])
        end = len(self.rows) + 2
        return "\n".join([lines[0], rule, *lines[1:end], rule, *lines[end:]])

    __repr__ = __str__


def _count(number: int) -> str:
    return f"{number:,}" if number else ""
