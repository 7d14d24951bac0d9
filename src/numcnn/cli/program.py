"""The program: all commands together, and how errors are told."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

import numcnn
from numcnn.cli.compare import compare
from numcnn.cli.data import data
from numcnn.cli.evaluate import evaluate
from numcnn.cli.exit_status import BAD_INPUT, DIVERGED, INTERRUPTED
from numcnn.cli.explain import explain
from numcnn.cli.models import models
from numcnn.cli.plan import plan
from numcnn.cli.predict import predict
from numcnn.cli.read import read
from numcnn.cli.serve import serve
from numcnn.cli.train import train
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
    """Convolutional networks written from scratch with NumPy: train them, and use them."""


for command in (read, serve, explain, train, compare, evaluate, predict, data, models, plan):
    program.add_command(command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; an error becomes one line on standard error."""
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
    except (ValueError, OSError, ImportError) as error:
        return _tell(str(error), BAD_INPUT)
    return status if isinstance(status, int) else 0


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Tell the user's warnings as errors are told, without the program's own lines."""
    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, ReproducibilityWarning):
            _tell(str(message), 0)
        else:
            before(message, category, *where, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def _tell(message: str, status: int) -> int:
    click.echo(f"numcnn: {' '.join(message.split())}", err=True)
    return status
