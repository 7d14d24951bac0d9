"""``numcnn features``."""

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from numcnn import features as feature_pictures
from numcnn.cli import options
from numcnn.cli.output import make_folder, require_no_input
from numcnn.data import read_image
from numcnn.data.csv_table import SUFFIXES as TABLE_SUFFIXES
from numcnn.data.locate import expanded
from numcnn.experiments.run import load_part
from numcnn.model_files import ModelFile, load_model
from numcnn.nn.arrays import size_text


@click.command(
    epilog="""\b
Examples:
  numcnn features runs/mnist-lenet5-1/model.safetensors mnist --index 18 --out features
  numcnn features model.safetensors cat.jpg --out features
"""
)
@click.argument("model", type=options.path)
@click.argument("image")
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    type=options.path,
    help="Draw feature_maps.png and filters.png into this folder; missing folders are made.",
)
@options.data_dir
@options.part("Which part of a data set the image is in.")
@click.option(
    "--index",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which of a data set's images, counted from 0.",
)
@options.as_json
def features(
    model: Path,
    image: str,
    out: Path,
    data_dir: str | None,
    part: str,
    index: int,
    as_json: bool,
) -> None:
    """Draw what each layer of MODEL makes of one image, and its first filters.

    IMAGE is an image file, or a data set as in numcnn evaluate, of which --index says which image.
    Images of another size are resized to what the model takes.
    """
    pictures = (out / name for name in (feature_pictures.FEATURE_MAPS, feature_pictures.FILTERS))
    require_no_input("--out", pictures, [model, expanded(image)])
    loaded = load_model(model)
    pixels, true = _read(image, data_dir, part, index, loaded)
    probabilities = loaded.model.predict_proba(pixels[np.newaxis])[0]
    order = np.argsort(-probabilities, kind="stable")
    make_folder(out)
    notes: list[str] = []
    names = feature_pictures.draw(loaded, pixels, out, notes.append)
    options.tell(notes)
    if as_json:
        options.echo_json(
            {
                "predicted": loaded.classes[order[0]],
                "true": true,
                "probabilities": dict(zip(loaded.classes, probabilities.tolist(), strict=True)),
                "pictures": [str(out / name) for name in names],
            }
        )
        return
    best = (f"{loaded.classes[k]} ({probabilities[k]:.1%})" for k in order[: options.MOST_CLASSES])
    click.echo(f"{', '.join(best)}{f'; it is {true}' if true is not None else ''}")
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
            size_text(shape) for shape in (loaded.model.input_shape, images.image_shape)
        )
        raise ValueError(
            f"{image}: the model takes images of {takes}, and these are {found}; use a model that "
            "was trained on such images"
        )
    if index >= len(images):
        raise ValueError(f"index is {index}, but {images.name} has images 0 to {len(images) - 1}")
    label = None if images.labels is None else loaded.classes[images.labels[index]]
    return images.images[index], label
