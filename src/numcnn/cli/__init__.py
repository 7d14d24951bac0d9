"""The command line: a file a command, and no logic of its own."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 if all went well, 1 if a training diverged, 2 for bad input.

    Args:
        arguments: The words after the program's name; those of this process if None.
    """
    try:
        from numcnn.cli.program import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "numcnn":
            raise
        sys.stderr.write(
            f"numcnn: the command line needs {error.name}: pip install 'numcnn[app]'\n"
        )
        sys.exit(2)
    sys.exit(run(arguments))
