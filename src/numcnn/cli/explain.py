"""``numcnn explain``."""

from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from numcnn import explanation
from numcnn.cli import options
from numcnn.cli.output import make_folder, require_no_input
from numcnn.data import read_image
from numcnn.data.csv_table import SUFFIXES as TABLE_SUFFIXES
from numcnn.data.locate import expanded
from numcnn.drawing import draw_or_raise
from numcnn.experiments.run import load_part
from numcnn.model_files import ModelFile, load_model

MOST = 3
"""How many of the most probable classes are told."""


@click.command(
    epilog="""\b
Examples:
  numcnn explain number.jpg -o why.png
  numcnn explain number.jpg --digit 3 -o third.png
  numcnn explain runs/mnist-lenet5-1/model.safetensors mnist --index 18 --out explained
  numcnn explain model.safetensors cat.jpg --out explained
"""
)
@click.argument("words", nargs=-1, required=True, metavar="[MODEL] IMAGE")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=options.path,
    help="Without MODEL: the picture to write, PNG, SVG or PDF; missing folders are made.  "
    "[required]",
)
@click.option(
    "--digit",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Without MODEL: which of the things found to show layer by layer, in reading order.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=options.path,
    help="With MODEL: draw feature_maps.png and filters.png into this folder; missing folders are "
    "made.  [required]",
)
@options.data_dir
@click.option(
    "--part",
    type=click.Choice(["test", "train"]),
    default="test",
    show_default=True,
    help="Which part of a data set the image is in.",
)
@click.option(
    "--index",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which of a data set's images, counted from 0.",
)
@options.as_json
@options.reader_model
def explain(
    words: tuple[str, ...],
    output: Path | None,
    digit: int,
    out: Path | None,
    data_dir: str | None,
    part: str,
    index: int,
    as_json: bool,
    model: Path | None,
) -> None:
    """Draw what a network saw in IMAGE, and why it answered as it did.

    With IMAGE alone, a picture of handwriting: what was found in it; each finding as the network
    saw it, and where in it the evidence was; and layer by layer, what the network made of one of
    them.

    With MODEL, what that model makes of one image, layer by layer, and its first filters. IMAGE is
    an image file, or a data set as in numcnn evaluate, of which --index says which image. Images
    of another size are resized to what the model takes.
    """
    if len(words) > 2:
        raise click.UsageError(f"{len(words)} words; give an image, or a model and an image")
    if len(words) == 1:
        if output is None:
            raise click.UsageError("Missing option '-o' / '--output'.")
        _handwriting(expanded(words[0]), output, digit, model)
        return
    if out is None:
        raise click.UsageError("Missing option '--out'.")
    _layers(expanded(words[0]), words[1], data_dir, part, index, out, as_json)


def _handwriting(image: Path, output: Path, digit: int, model: Path | None) -> None:
    from numcnn.handwriting.reader import DeadlineExceeded, Digit, Reader

    require_no_input("--output", [output], [image, *([model] if model else [])])
    reader = Reader(model)
    try:
        told = reader.explain(image)
    except DeadlineExceeded as error:
        raise ValueError(f"{image}: {error}") from error
    if digit > len(told.seen):
        raise ValueError(
            f"--digit is {digit}, and {len(told.seen)} things were found in {image}; give one of "
            "them"
        )
    names = (*"0123456789", "several", "other")
    network, classes = reader.model_file.model, reader.model_file.classes
    layers = explanation.layer_outputs(network, told.seen[digit - 1].frame[..., np.newaxis])

    def figure(plots: Any) -> Any:
        from numcnn.plots.explanation import MOST_FINDINGS

        findings = []
        for place, seen in enumerate(told.seen):
            answer = seen.answer
            best = sorted(zip(seen.probabilities, names, strict=True), reverse=True)[:MOST]
            findings.append(
                plots.Finding(
                    told.picture.to_working(answer.box),
                    str(answer.digit) if isinstance(answer, Digit) else answer.reason,
                    isinstance(answer, Digit),
                    seen.frame,
                    # Of up to 300 things, it would take a while to compute what is not drawn.
                    seen.evidence if place < MOST_FINDINGS else np.zeros(seen.frame.shape),
                    [(name, float(probability)) for probability, name in best],
                )
            )
        return plots.explanation(told.picture.pixels, findings, layers, classes, digit - 1)

    options.tell(draw_or_raise(output, figure))


def _layers(
    model: Path,
    image: str,
    data_dir: str | None,
    part: str,
    index: int,
    out: Path,
    as_json: bool,
) -> None:
    pictures = (out / name for name in (explanation.FEATURE_MAPS, explanation.FILTERS))
    require_no_input("--out", pictures, [model, expanded(image)])
    loaded = load_model(model)
    pixels, true = _read(image, data_dir, part, index, loaded)
    said = loaded.model.predict_proba(pixels[np.newaxis])[0]
    order = np.argsort(-said, kind="stable")
    make_folder(out)
    notes: list[str] = []
    names = explanation.draw(loaded, pixels, out, notes.append)
    options.tell(notes)
    if as_json:
        options.echo_json(
            {
                "predicted": loaded.classes[order[0]],
                "true": true,
                "probabilities": dict(zip(loaded.classes, said.tolist(), strict=True)),
                "pictures": [str(out / name) for name in names],
            }
        )
        return
    told = ", ".join(f"{loaded.classes[k]} ({said[k]:.1%})" for k in order[:MOST])
    click.echo(f"{told}{f'; it is {true}' if true is not None else ''}")
    if names:
        click.echo(f"pictures in {out}/: {', '.join(names)}")


def _read(
    image: str, data_dir: str | None, part: str, index: int, loaded: ModelFile
) -> tuple[NDArray[np.uint8], str | None]:
    """The image, and the name of its class where that is known."""
    if expanded(image).is_file() and not image.lower().endswith(TABLE_SUFFIXES):
        height, width, channels = loaded.model.input_shape
        return read_image(
            expanded(image), (height, width), "gray" if channels == 1 else "rgb"
        ), None
    images = load_part(image, part, loaded, data_dir)
    if images.image_shape != loaded.model.input_shape:
        takes, found = (
            " x ".join(map(str, shape)) for shape in (loaded.model.input_shape, images.image_shape)
        )
        raise ValueError(
            f"{image}: the model takes images of {takes}, and these are {found}; use a model that "
            "was trained on such images"
        )
    if index >= len(images):
        raise ValueError(f"index is {index}, but {images.name} has images 0 to {len(images) - 1}")
    label = None if images.labels is None else loaded.classes[images.labels[index]]
    return images.images[index], label
