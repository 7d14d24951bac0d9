"""``numcnn predict``."""

from pathlib import Path

import click

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
    """
    loaded = load_model(model)
    labels = loaded.model.predict(read_csv(csv).images)
    write_submission(output, labels)
    click.echo(f"{len(labels):,} predictions in {output}")
