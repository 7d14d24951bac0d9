"""The command line on a machine where something happens in the middle of an epoch.

    python faulty_program.py FAULT BATCH ARGUMENT...

FAULT happens while the program learns from its batch number BATCH, counted from 1 over all epochs:
``kill`` and ``interrupt`` are the signals, ``full`` a disk that takes no more.
"""

import os
import resource
import signal
import sys

from numcnn.cli import main
from numcnn.engine import TrainingEngine

MOST_BYTES = 20_000
"""What the full disk still takes: the history, but no model."""


def happen(fault: str) -> None:
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
    elif fault == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))


if __name__ == "__main__":
    fault, batch, *arguments = sys.argv[1:]
    left = int(batch)
    backward = TrainingEngine.backward

    def backward_with_fault(*values, **named):
        global left
        left -= 1
        if left == 0:
            happen(fault)
        return backward(*values, **named)

    TrainingEngine.backward = backward_with_fault
    main(arguments)
