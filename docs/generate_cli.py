"""Write the command line's reference, ``docs/cli.md``: ``python docs/generate_cli.py``."""

from collections.abc import Iterator
from pathlib import Path

import click

from numcnn.cli.program import program

WIDTH = 100
PAGE = Path(__file__).with_name("cli.md")
HEAD = """\
# The command line

What each command says to `--help`. This page is written by `python docs/generate_cli.py`, and a
test holds it against the commands.
"""


def reference() -> str:
    """Put the help of all commands into one page of Markdown."""
    sections = [
        f"## {name}\n\n```\n{text}\n```\n" for name, text in _helps(program, "numcnn", None)
    ]
    return "\n".join([HEAD, *sections])


def _helps(
    command: click.Command, name: str, above: click.Context | None
) -> Iterator[tuple[str, str]]:
    """Yield the name and the help of a command and of all below it."""
    # The settings are the command's own, but the width is everybody's and not this terminal's.
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    with click.Context(command, above, name.split()[-1], **settings) as context:
        text = command.get_help(context)
        yield name, "\n".join(line.rstrip() for line in text.splitlines())
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                yield from _helps(command.commands[below], f"{name} {below}", context)


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
