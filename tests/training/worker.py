"""A training in a process of its own, to be killed: ``python -m tests.training.worker CASE ...``.

It says "ready" in the middle of an epoch and waits there for a line, so that what kills it
always meets it at the same place. Then it trains on, saves its model, and says what happened.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from numcnn.training import Callback
from tests.training.tasks import At, Watch, rows, saved, train


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wait-in-epoch", type=int)
    parser.add_argument("--no-room-in-epoch", type=int)
    parser.add_argument("--resume", action="store_true")
    given = parser.parse_args()
    checkpoint = given.folder / "checkpoint"

    def wait() -> None:
        say("ready")
        sys.stdin.readline()

    def fill_the_disk() -> None:
        import resource  # which Windows does not have

        shutil.copy(checkpoint, given.folder / "checkpoint before")
        # A file may not get longer than this: as a full disk, but only for this process.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    watch = Watch()
    callbacks: list[Callback] = [watch]
    if given.wait_in_epoch:
        callbacks.append(At(given.wait_in_epoch, 3, wait))
    if given.no_room_in_epoch:
        callbacks.append(At(given.no_room_in_epoch, 3, fill_the_disk))
    try:
        model, history = train(
            given.case, checkpoint=checkpoint, resume=given.resume, callbacks=callbacks
        )
    except OSError as error:
        say(json.dumps({"error": type(error).__name__, "message": str(error)}))
        return
    say(
        json.dumps(
            {
                "interrupted": history.interrupted,
                "batches": watch.calls.count("batch_end"),
                "epochs": watch.calls.count("epoch_end"),
                "rows": rows(history),
                "model": saved(model, given.folder).hex(),
            }
        )
    )


if __name__ == "__main__":
    main()
