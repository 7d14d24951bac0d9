"""The command line: a file a command, and no logic of its own."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn

from numcnn.cli.streams import any_streams

_INTERRUPTED = 130
"""As `numcnn.cli.exit_status` has it, which cannot be imported before Ctrl-C is heard."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; `numcnn.cli.exit_status` says what with.

    Args:
        arguments: The words after the program's name; those of this process if None.
    """
    _fill_closed_files()
    with any_streams():
        try:
            with _quiet_interruption():
                from numcnn.cli.program import run
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == "numcnn":
                raise
            sys.stderr.write(
                f"numcnn: the command line needs {error.name}: pip install 'numcnn[app]'\n"
            )
            sys.exit(2)
    sys.exit(run(arguments))


def _fill_closed_files() -> None:
    """Put the null device where standard input, output or error are closed, as by ``2>&-``.

    The next file to be opened would get their number, and what a library writes to standard error
    would end in a model.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                # Gets the lowest number that is free. Started processes need it as well.
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


@contextmanager
def _quiet_interruption() -> Iterator[None]:
    """Let Ctrl-C end the process at once.

    While libraries are imported there is nothing to keep, and an exception in the middle of one
    comes out as any other error.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return

    def end(*_: object) -> NoReturn:
        sys.stderr.write("numcnn: stopped\n")
        os._exit(_INTERRUPTED)

    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
