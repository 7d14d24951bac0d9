"""``numcnn read``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from numcnn.atomic_file import atomic_file
from numcnn.cli import options
from numcnn.cli.exit_status import BAD_INPUT
from numcnn.cli.output import require_no_input


@click.command(
    epilog="""\b
Examples:
  numcnn read number.jpg
  numcnn read *.png --json
  numcnn read page.jpg --show read.png
"""
)
@click.argument("image", nargs=-1, required=True, type=options.path)
@options.reader_model
@click.option(
    "--show",
    metavar="FILE",
    type=options.path,
    help="Draw boxes and answers onto the picture and write it to this PNG; with several pictures, "
    "a PNG for each into this folder. Missing folders are made.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object a picture, each on a line, for programs.",
)
def read(image: tuple[Path, ...], model: Path | None, show: Path | None, as_json: bool) -> int:
    """Read the digits that are written in each IMAGE, and print them.

    IMAGE is a photograph, a scan or a drawing: PNG, JPEG, WebP, BMP, GIF, TIFF or PPM. Each line
    of digits is a line of the output; with several pictures, the picture's path comes before it.
    What is no digit is left out, with a note on standard error.

    A picture that cannot be read is an error of one line, and the exit status is 2; the others are
    read nevertheless.
    """
    from numcnn.handwriting.reader import DeadlineExceeded, PictureError, Reader

    targets = {} if show is None else _targets(image, show, model)
    reader = Reader(model)
    status = 0
    for path in image:
        try:
            reading = reader.read(path)
            if path in targets:
                _draw(path, reading, targets[path])
        except (PictureError, DeadlineExceeded) as error:
            status = BAD_INPUT
            if as_json:
                reason = error.reason if isinstance(error, PictureError) else str(error)
                options.echo_json({"path": str(path), "error": reason})
            else:
                message = str(error) if isinstance(error, PictureError) else f"{path}: {error}"
                click.echo(f"numcnn: {message}", err=True)
            continue
        if as_json:
            options.echo_json({"path": str(path), **reading.as_dict()})
            continue
        before = f"{path}: " if len(image) > 1 else ""
        for line in reading.text.splitlines():
            click.echo(before + line)
        for note in reading.notes:
            click.echo(f"{path}: {note}", err=True)
    return status


def _targets(images: Sequence[Path], show: Path, model: Path | None) -> dict[Path, Path]:
    """Where each picture is drawn to."""
    if len(images) == 1 and not show.is_dir():
        targets = {images[0]: show}
    elif show.is_file() or (show.suffix and not show.exists()):
        raise ValueError(f"{show}: --show draws one picture; for {len(images)}, give a folder")
    else:
        targets = {path: show / f"{path.name}.png" for path in images}
    drawn: dict[Path, Path] = {}
    for path, target in targets.items():
        if (other := drawn.setdefault(target, path)) != path:
            raise ValueError(
                f"--show would draw both {other} and {path} to {target}; read them one by one"
            )
    require_no_input("--show", targets.values(), [*images, *([model] if model else [])])
    return targets


def _draw(path: Path, reading: Any, target: Path) -> None:
    from numcnn.handwriting.reader import annotated
    from numcnn.handwriting.vision import load_picture

    with atomic_file(target) as temporary:
        annotated(load_picture(path), reading).save(temporary, "PNG")
