"""``numcnn predict``."""

from pathlib import Path

import click
import numpy as np

from numcnn.cli import options
from numcnn.cli.output import require_no_input
from numcnn.data import read_csv, write_submission
from numcnn.experiments.ensemble import Ensemble, model_files
from numcnn.nn.arrays import size_text


@click.command(
    epilog="""\b
Examples:
  numcnn predict model.safetensors test.csv -o submission.csv
  numcnn predict runs/mnist-mnist-best-1 test.csv --tta -o submission.csv
"""
)
@click.argument("paths", metavar="MODEL...", nargs=-1, required=True, type=options.path)
@click.argument("csv", type=options.path)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=options.path,
    help="The file to write: ImageId,Label; missing folders are made.",
)
@options.tta
def predict(paths: tuple[Path, ...], csv: Path, output: Path, tta: bool) -> None:
    """Predict the images of CSV, in the format of Kaggle's Digit Recognizer.

    Of several models, or of the folder of an ensemble's run, the probabilities are averaged. CSV
    is a table of pixels, with a header (pixel0, pixel1, ... or the like) or without, and may be
    gzipped or zipped; a label column is passed over. The label written is the class's name where
    the classes are numbers, else its position from 0.
    """
    models = Ensemble.load(paths, views=tta)
    read = [csv, *(file for path in paths for file in model_files(path))]
    require_no_input("--output", [output], read)
    images = read_csv(csv).images
    if images.shape[1:] != models.input_shape:
        takes, found = (size_text(shape) for shape in (models.input_shape, images.shape[1:]))
        raise ValueError(
            f"{csv}: the model takes images of {takes}, and these are {found}; use a model that "
            "was trained on such images"
        )
    labels = models.predict_proba(images).argmax(axis=1)
    if all(name.isdecimal() for name in models.classes):
        labels = np.array([int(name) for name in models.classes])[labels]
    write_submission(output, labels)
    click.echo(f"{len(labels):,} predictions in {output}")
