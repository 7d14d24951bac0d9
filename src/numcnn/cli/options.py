"""Options that several commands share."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, final

import click

from numcnn.data.locate import expanded

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


@final
class ExpandedPath(click.Path):
    """A path in which ``~`` stands for the home folder, also where a shell leaves it alone."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Read a word of the command line."""
        return expanded(os.fsdecode(super().convert(value, param, ctx)))


path = ExpandedPath()
"""Of a file or folder; whether it exists is for the loader to say, in its own words."""

data_dir = click.option(
    "--data-dir",
    metavar="DIR",
    type=path,
    callback=lambda _context, _option, value: value if value is None else str(value),
    help="Where the data set's files are, or a folder that holds its folder. Nothing is "
    "downloaded then. [env: NUMCNN_DATA]",
)
"""``--data-dir``"""

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object, for programs."
)
"""``--json``"""

quiet = click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
"""``--quiet``"""

size = click.option(
    "--size",
    metavar="HxW",
    callback=lambda _context, _option, value: _size(value),
    help="For a folder of images: resize all to this height and width, such as 28x28.",
)
"""``--size``"""

color = click.option(
    "--color",
    type=click.Choice(["auto", "gray", "rgb"]),
    default="auto",
    show_default=True,
    help="For a folder of images: how to read them.",
)
"""``--color``"""

tta = click.option(
    "--tta",
    is_flag=True,
    help="Test-time augmentation: average over views of each image, shifted, turned or mirrored by "
    "half of what the model was trained on.",
)
"""``--tta``"""

reader_model = click.option(
    "--model",
    metavar="FILE",
    type=path,
    help="A model of digits of 28 x 28 pixels. [default: the one that comes with numcnn]",
)
"""``--model``"""


MOST_CLASSES = 3
"""How many of the most probable classes a command shows."""


def part(text: str) -> Callable[[AnyFunction], AnyFunction]:
    """``--part``, with a command's own words of help."""
    return click.option(
        "--part",
        type=click.Choice(["test", "train"]),
        default="test",
        show_default=True,
        help=text,
    )


def _size(value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    height, _, width = value.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise click.BadParameter(f"{value!r} is no size; give height and width, such as 28x28")
    return int(height), int(width)


def echo_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    click.echo(json.dumps(value, allow_nan=False))


def tell(notes: Iterable[str]) -> None:
    """Print a line on standard error for each of what is to be known beside the result."""
    for note in notes:
        click.echo(f"numcnn: {' '.join(note.split())}", err=True)
