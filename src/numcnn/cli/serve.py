"""``numcnn serve``."""

from pathlib import Path

import click

from numcnn.cli import options


@click.command(
    epilog="""\b
Examples:
  numcnn serve --open
  numcnn serve --port 0 --workers 2
  numcnn serve --collect wrong        then: numcnn train wrong
"""
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen at; 0.0.0.0 for all of this machine's.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port; 0 picks a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many processes answer.",
)
@options.reader_model
@click.option(
    "--collect",
    metavar="DIR",
    type=options.ExpandedPath(file_okay=False),
    help="Let users say which digit it was, and keep those pictures in this folder, which numcnn "
    "train can read; missing folders are made. Without it, nothing is kept.",
)
@click.option(
    "--root-path",
    metavar="PATH",
    default="",
    help="Where a proxy shows it, such as /digits. The page works there without; the API's "
    "description needs it.",
)
@click.option(
    "--allow-origin",
    metavar="ORIGIN",
    multiple=True,
    help="An origin whose pages may call the API, such as https://school.example; * for all. May "
    "be given several times.",
)
@click.option(
    "--allow-embedding",
    metavar="ORIGIN",
    multiple=True,
    help="An origin whose pages may show this one in a frame.",
)
@click.option(
    "--allowed-host",
    metavar="NAME",
    multiple=True,
    help="A name by which the server is asked; requests by other names are refused then. With "
    "--collect needed for any name but localhost.",
)
@click.option("--open", "is_opened", is_flag=True, help="Open the page in the browser.")
def serve(
    host: str,
    port: int,
    workers: int,
    model: Path | None,
    collect: Path | None,
    root_path: str,
    allow_origin: tuple[str, ...],
    allow_embedding: tuple[str, ...],
    allowed_host: tuple[str, ...],
    is_opened: bool,
) -> None:
    """Serve a page to draw digits on, and an API that reads pictures.

    It needs no network and asks none: page, network and API are all in the package. The API is
    described at /api/v1/openapi.json, and in docs/serving.md.
    """
    try:
        from numcnn import web
    except ModuleNotFoundError as error:
        raise ImportError(f"numcnn serve needs {error.name}: pip install 'numcnn[app]'") from error
    settings = web.Settings(
        model,
        collect,
        root_path=root_path,
        allowed_origins=allow_origin,
        allowed_embedders=allow_embedding,
        allowed_hosts=allowed_host,
    )
    web.serve(settings, host, port, workers, is_browser_opened=is_opened, tell=click.echo)
