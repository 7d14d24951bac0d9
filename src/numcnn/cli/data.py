"""``numcnn data``."""

from pathlib import Path

import click

from numcnn import data as datasets
from numcnn.cli import options
from numcnn.cli.download_bar import DownloadBar
from numcnn.nn.arrays import size_text


@click.group(
    epilog="""\b
Examples:
  numcnn data list
  numcnn data fetch mnist
"""
)
def data() -> None:
    """List the data sets that have a name, and download them."""


@data.command(
    name="list",
    epilog="""\b
Example:
  numcnn data list --data-dir ../data
""",
)
@options.data_dir
@options.as_json
def list_(data_dir: str | None, as_json: bool) -> None:
    """List the data sets: what they are, and which are here already."""
    rows = [
        (datasets.describe(name), datasets.is_local(name, data_dir)) for name in datasets.names()
    ]
    if as_json:
        options.echo_json(
            [
                {
                    "name": row.name,
                    "content": row.content,
                    "train_images": row.train_images,
                    "test_images": row.test_images,
                    "image_shape": row.image_shape,
                    "classes": row.classes,
                    "download_bytes": row.download_bytes,
                    "license": row.license,
                    "homepage": row.homepage,
                    "local": local,
                }
                for row, local in rows
            ]
        )
        return
    for row, local in rows:
        where = "here" if local else f"{row.download_bytes / 1e6:.0f} MB to fetch"
        shape = size_text(row.image_shape)
        click.echo(
            f"{row.name:<15} {row.train_images:>7,} + {row.test_images:>6,} images  "
            f"{shape:<11}  {len(row.classes)} classes  {where:<15}  {row.content}"
        )


@data.command(
    epilog="""\b
Example:
  numcnn data fetch mnist
"""
)
@click.argument("name")
@click.option(
    "--data-dir",
    metavar="DIR",
    type=options.path,
    help="Put the files into DIR/NAME; missing folders are made. [default: the user's cache]",
)
@options.quiet
def fetch(name: str, data_dir: Path | None, quiet: bool) -> None:
    """Download a data set, check it, and keep it."""
    path = datasets.fetch(name, data_dir, progressbar=False if quiet else DownloadBar())
    click.echo(f"{name} comes with numcnn" if path is None else f"{name} is in {path}")
