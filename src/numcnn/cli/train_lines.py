"""``numcnn train-lines``."""

from pathlib import Path

import click

from numcnn.cli import options
from numcnn.cli.download_bar import DownloadBar
from numcnn.cli.exit_status import INTERRUPTED
from numcnn.experiments.line_run import train_lines as train_line_network
from numcnn.recipes import line_reader as recipe


@click.command(
    epilog="""\b
Examples:
  numcnn train-lines --out line-reader
  numcnn train-lines --out line-reader --resume
"""
)
@options.data_dir
@click.option(
    "--out",
    metavar="DIR",
    type=options.path,
    required=True,
    help="The run's folder; missing folders are made.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of everything random.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    default=recipe.EPOCHS,
    show_default=True,
    help="How many times to go through the lines.",
)
@click.option(
    "--lines",
    type=click.IntRange(min=recipe.BATCH_SIZE),
    default=recipe.LINES,
    show_default=True,
    help="How many lines to compose and learn from.",
)
@click.option("--resume", is_flag=True, help="Go on with the interrupted run in this folder.")
@options.quiet
def train_lines(
    data_dir: str | None,
    out: Path,
    seed: int,
    epochs: int,
    lines: int,
    resume: bool,
    quiet: bool,
) -> int:
    """Train the network that reads running numbers, a line at a time.

    Lines are composed of MNIST's training digits and of drawn ones, on all kinds of paper. The
    model is written to model.safetensors in the run's folder.
    """
    run = train_line_network(
        out,
        data_dir=data_dir,
        seed=seed,
        epochs=epochs,
        lines=lines,
        resume=resume,
        progress="none" if quiet else "auto",
        download_bar=None if quiet else DownloadBar(),
    )
    best = run.history.best
    if best is not None:
        share = best.metrics["whole_lines"]
        click.echo(f"{share:.2%} of the validation lines read right as a whole; {run.folder}")
    return INTERRUPTED if run.history.interrupted else 0
