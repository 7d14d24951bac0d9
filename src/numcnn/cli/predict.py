"""``numcnn predict``."""

from pathlib import Path

import click
import numpy as np

from numcnn.cli import options
from numcnn.data import read_csv, write_submission
from numcnn.model_files import load_model


@click.command(
    epilog="""\b
Example:
  numcnn predict model.safetensors test.csv -o submission.csv
"""
)
@click.argument("model", type=options.model_path)
@click.argument("csv", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file to write: ImageId,Label.",
)
def predict(model: Path, csv: Path, output: Path) -> None:
    """Predict the images of CSV, in the format of Kaggle's Digit Recognizer.

    CSV has the columns pixel0, pixel1, ... and may be gzipped; a label column is passed over.
    The label written is the class's name where the classes are numbers, else its position from 0.
    """
    loaded = load_model(model)
    images = read_csv(csv).images
    if images.shape[1:] != loaded.model.input_shape:
        takes, found = (
            " x ".join(map(str, shape)) for shape in (loaded.model.input_shape, images.shape[1:])
        )
        raise ValueError(
            f"{csv}: the model takes images of {takes}, and these are {found}; use a model that "
            "was trained on such images"
        )
    labels = loaded.model.predict(images)
    if all(name.isdecimal() for name in loaded.classes):
        labels = np.array([int(name) for name in loaded.classes])[labels]
    write_submission(output, labels)
    click.echo(f"{len(labels):,} predictions in {output}")
