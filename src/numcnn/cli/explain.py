"""``numcnn explain``."""

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from numcnn import explanation
from numcnn.cli import options
from numcnn.data import read_image
from numcnn.model_files import ModelFile, load_model
from numcnn.run import load_part

MOST = 3
"""How many of the most probable classes are told."""


@click.command(
    epilog="""\b
Examples:
  numcnn explain runs/mnist-lenet5-1/model.safetensors mnist --index 18 --out explained
  numcnn explain model.safetensors cat.jpg --out explained
"""
)
@click.argument("model", type=options.model_path)
@click.argument("image")
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
@click.option(
    "--out",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path),
    help="Draw feature_maps.png and filters.png into this folder.",
)
@options.as_json
def explain(
    model: Path,
    image: str,
    data_dir: str | None,
    part: str,
    index: int,
    out: Path,
    as_json: bool,
) -> None:
    """Show what MODEL makes of one image, layer by layer, and its first filters.

    IMAGE is an image file, or a data set as in numcnn evaluate, of which --index says which image.
    Images of another size are resized to what the model takes.
    """
    loaded = load_model(model)
    pixels, true = _read(image, data_dir, part, index, loaded)
    said = loaded.model.predict_proba(pixels[np.newaxis])[0]
    order = np.argsort(-said, kind="stable")
    names = explanation.draw(loaded, pixels, out)
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
    click.echo(f"pictures in {out}/: {', '.join(names)}")


def _read(
    image: str, data_dir: str | None, part: str, index: int, loaded: ModelFile
) -> tuple[NDArray[np.uint8], str | None]:
    """The image, and the name of its class where that is known."""
    if Path(image).is_file() and not image.lower().endswith((".csv", ".csv.gz")):
        height, width, channels = loaded.model.input_shape
        return read_image(image, (height, width), "gray" if channels == 1 else "rgb"), None
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
