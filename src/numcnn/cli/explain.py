"""``numcnn explain``."""

from pathlib import Path
from typing import Any

import click
import numpy as np

from numcnn.cli import options
from numcnn.cli.output import require_no_input
from numcnn.drawing import draw_or_raise
from numcnn.features import layer_outputs
from numcnn.handwriting.class_names import CLASS_NAMES


@click.command(
    epilog="""\b
Examples:
  numcnn explain number.jpg -o why.png
  numcnn explain number.jpg --digit 3 -o third.png
"""
)
@click.argument("picture", type=options.path)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=options.path,
    help="The picture to write, PNG, SVG or PDF; missing folders are made.",
)
@click.option(
    "--digit",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Which of the things found to show layer by layer, in reading order.",
)
@options.reader_model
def explain(picture: Path, output: Path, digit: int, model: Path | None) -> None:
    """Draw what the reader saw in PICTURE, and why it answered as it did.

    PICTURE is a picture of handwriting. Drawn are: what was found in it; each finding as the
    network saw it, and where in it the evidence was; and layer by layer, what the network made of
    one of them.

    What the layers of any model make of any image is drawn by numcnn features.
    """
    from numcnn.handwriting.reader import DeadlineExceeded, PictureError, Reader, evidence
    from numcnn.handwriting.reader.reader import BLANK, MAX_SECONDS
    from numcnn.handwriting.vision import deadline, load_picture

    require_no_input("--output", [output], [picture, *([model] if model else [])])
    reader = Reader(model)
    try:
        with deadline(MAX_SECONDS):
            loaded = load_picture(picture)
            reading = reader.read(loaded)
    except DeadlineExceeded as error:
        raise ValueError(f"{picture}: {error}") from error
    if not reading.findings:
        raise PictureError(BLANK, reading.name)
    if digit > len(reading.findings):
        raise ValueError(
            f"--digit is {digit}, and {len(reading.findings)} things were found in {picture}; give "
            "one of them"
        )
    network, classes = reader.model_file.model, reader.model_file.classes
    layers = layer_outputs(network, reading.findings[digit - 1].frame[..., np.newaxis])

    def figure(plots: Any) -> Any:
        from numcnn.plots.explanation import MOST_FINDINGS

        panels = []
        for place, finding in enumerate(reading.findings):
            best = sorted(zip(finding.class_probabilities, CLASS_NAMES, strict=True), reverse=True)
            panels.append(
                plots.FindingPanel(
                    loaded.to_working(finding.box),
                    finding.rejection or str(finding.digit),
                    not finding.rejection,
                    finding.frame,
                    # Of up to 300 things, it would take a while to compute what is not drawn.
                    evidence(network, finding.frame)
                    if place < MOST_FINDINGS
                    else np.zeros(finding.frame.shape),
                    [(name, probability) for probability, name in best[: options.MOST_CLASSES]],
                )
            )
        return plots.explanation(loaded.pixels, panels, layers, classes, digit - 1)

    options.tell(draw_or_raise(output, figure))
