"""``numcnn explain``."""

from pathlib import Path

import click

from numcnn.cli import options


@click.command(
    epilog="""\b
Examples:
  numcnn explain number.jpg -o why.png
  numcnn explain number.jpg --digit 3 -o third.png
"""
)
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The picture to write: PNG, SVG or PDF.",
)
@click.option(
    "--digit",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Which of the things found to show layer by layer, in reading order.",
)
@options.reader_model
def explain(image: Path, output: Path, digit: int, model: Path | None) -> None:
    """Draw what the network saw in IMAGE, and why it answered as it did.

    The picture with what was found in it; each finding as the network saw it, and where in it the
    evidence was; and layer by layer, what the network made of one of them.
    """
    from numcnn import plots
    from numcnn.reader import Digit, Reader

    reader = Reader(model)
    told = reader.explain(image)
    if digit > len(told.seen):
        raise ValueError(
            f"--digit is {digit}, and {len(told.seen)} things were found in {image}; give one of "
            "them"
        )
    names = (*"0123456789", "several", "other")
    findings = []
    for seen in told.seen:
        answer = seen.answer
        best = sorted(zip(seen.probabilities, names, strict=True), reverse=True)[:3]
        is_read = isinstance(answer, Digit)
        findings.append(
            plots.Finding(
                told.picture.to_working(answer.box),
                str(answer.digit) if isinstance(answer, Digit) else answer.reason,
                is_read,
                seen.frame,
                seen.evidence,
                [(name, float(probability)) for probability, name in best],
            )
        )
    network, classes = reader.model_file.model, reader.model_file.classes
    frame = told.seen[digit - 1].frame[None, :, :, None]
    layers = [(name, output[0]) for name, output in network.activations(frame)]
    figure = plots.explanation(told.picture.pixels, findings, layers, classes, digit - 1)
    plots.save(figure, output)
