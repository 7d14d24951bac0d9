"""The program: all commands together, and how errors are printed."""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import click

import numcnn
from numcnn.cli.compare import compare
from numcnn.cli.data import data
from numcnn.cli.diagram import diagram
from numcnn.cli.evaluate import evaluate
from numcnn.cli.exit_status import BAD_INPUT, DIVERGED, INTERRUPTED
from numcnn.cli.explain import explain
from numcnn.cli.export import export
from numcnn.cli.features import features
from numcnn.cli.import_ import import_
from numcnn.cli.models import models
from numcnn.cli.options import tell
from numcnn.cli.plan import plan
from numcnn.cli.predict import predict
from numcnn.cli.read import read
from numcnn.cli.serve import serve
from numcnn.cli.streams import any_streams
from numcnn.cli.train import train
from numcnn.cli.train_lines import train_lines
from numcnn.cli.verify import verify
from numcnn.data import DataWarning
from numcnn.distributed import is_first, ranks
from numcnn.error_message import error_message
from numcnn.training import ReproducibilityWarning, TrainingDiverged


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  numcnn read number.jpg          read the digits in a picture
  numcnn train                    train on small handwritten digits, in seconds
  numcnn train mnist              train on MNIST
  numcnn evaluate MODEL mnist     see how good a model is
""",
)
@click.version_option(numcnn.__version__, prog_name="numcnn")
def program() -> None:
    """Convolutional networks written from scratch with NumPy: train them, and use them.

    Missing folders of what a command writes are made. A file that a command reads is never written
    over.
    """


for command in (
    *(
        read,
        serve,
        explain,
        train,
        compare,
        evaluate,
        features,
        predict,
        data,
        models,
        plan,
        diagram,
    ),
    *(export, import_, train_lines, verify),
):
    program.add_command(command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; an error becomes one line on standard error."""
    with any_streams():
        try:
            is_shown = is_first()
        except ValueError as error:
            tell([str(error)])
            return BAD_INPUT
        given = sys.argv[1:] if arguments is None else list(arguments)
        if ranks() is not None and (
            given[:1] != ["train"] or any(each.startswith("--ensemble") for each in given)
        ):
            return _tell(
                "several ranks can only train one network: numcnn train, without "
                "--ensemble; start anything else as one process",
                BAD_INPUT,
            )
        if is_shown:
            return _run(arguments)
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        with _warnings_in_one_line():
            status = program.main(
                args=None if arguments is None else list(arguments),
                prog_name="numcnn",
                standalone_mode=False,
            )
    except click.ClickException as error:
        error.show()
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        return _tell("stopped", INTERRUPTED)
    except SystemExit:
        # Click's end when the output is a closed pipe: whoever read it has seen enough, as with
        # `numcnn data list | head -1`.
        return 0
    except TrainingDiverged as error:
        return _tell(str(error), DIVERGED)
    except (ValueError, OSError, ImportError, MemoryError) as error:
        return _tell(error_message(error), BAD_INPUT)
    return status if isinstance(status, int) else 0


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Tell the package's own warnings as errors are told, each once; others as Python does."""
    told: set[str] = set()

    with warnings.catch_warnings():
        before = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, DataWarning | ReproducibilityWarning):
                before(message, category, *where, **more)
            elif str(message) not in told:
                told.add(str(message))
                _tell(f"note: {message}", 0)

        for category in (DataWarning, ReproducibilityWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = show
        yield


def _tell(message: str, status: int) -> int:
    tell([message])
    if status and (world := ranks()) is not None:
        # The other ranks wait for this one, and for ever.
        world.end(status)
    return status
