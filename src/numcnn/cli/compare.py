"""``numcnn compare``."""

from functools import partial
from pathlib import Path
from typing import Any, Literal

import click
from rich.console import Console
from rich.table import Table

from numcnn.cli import options
from numcnn.cli.download_bar import DownloadBar
from numcnn.cli.exit_status import INTERRUPTED
from numcnn.cli.output import require_no_input
from numcnn.data.locate import expanded
from numcnn.experiments.comparison import Comparison
from numcnn.experiments.comparison import compare as compare_recipes
from numcnn.experiments.run_folder import RunFolder
from numcnn.experiments.settings import RunSettings

WIDTH = 120
"""Of the table where there is no terminal."""


@click.command(
    epilog="""\b
Examples:
  numcnn compare two-layer two-conv-adam lenet5
  numcnn compare lenet5 convnet --dataset mnist --seeds 3 --out runs/side-by-side
"""
)
@click.argument("recipes", metavar="RECIPE...", nargs=-1, required=True)
@click.option(
    "--dataset",
    default="digits",
    show_default=True,
    help="What to train on, as in numcnn train.",
)
@options.data_dir
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many times to train each recipe, with seeds from 0.",
)
@click.option("--epochs", type=click.IntRange(min=1), help="[default: by recipe]")
@options.size
@options.color
@click.option(
    "--out",
    metavar="DIR",
    type=options.path,
    help="Where to write; missing folders are made. What is trained there already is kept, so an "
    "interrupted comparison goes on when it is called again. [default: a new one in runs/]",
)
@options.quiet
@options.as_json
def compare(
    recipes: tuple[str, ...],
    seeds: int,
    out: Path | None,
    quiet: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Train several RECIPEs on the same data, and put them side by side.

    Writes a table and a picture of accuracy, parameters, multiply-adds, training seconds and
    images a second, and a folder for each training. numcnn train --help lists the recipes.
    """
    settings = RunSettings(**given)
    if out is not None:
        read = [expanded(settings.dataset)]
        require_no_input("--out", RunFolder.of(out).files, read)
    comparison = compare_recipes(
        recipes,
        settings,
        out,
        seeds=seeds,
        progress="none" if quiet else "auto",
        download_bar=None if quiet else DownloadBar(),
        announce=None if quiet else partial(click.echo, err=True),
    )
    options.tell(comparison.notes)
    folder = comparison.folder
    if comparison.interrupted is not None:
        if as_json:
            options.echo_json({"interrupted": comparison.interrupted, "folder": str(folder)})
        else:
            click.echo(
                f"stopped in {comparison.interrupted}; to go on, give the same command with "
                f"--out {folder}"
            )
        return INTERRUPTED
    if as_json:
        options.echo_json({**comparison.as_json(), "folder": str(folder)})
    else:
        _print(comparison)
        ours = RunFolder(folder)
        files = (ours.comparison_table, ours.comparison_numbers, ours.comparison_picture)
        written = [file.name for file in files if file.exists()]
        click.echo(f"written to {folder}/: {', '.join(written)}, and a run in each folder")
    return 0


def _print(comparison: Comparison) -> None:
    heading, *rows = comparison.cells()
    table = Table(title=f"Recipes on {comparison.dataset}", title_justify="left")
    for name in heading:
        # Folded where the terminal is narrow, so that no digit is lost.
        justify: Literal["left", "right"] = "left" if name == "recipe" else "right"
        table.add_column(name, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console()
    console = console if console.is_terminal else Console(width=WIDTH)
    console.print(table, highlight=False)
