"""Standard output and standard error, whatever they are connected to."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numcnn.text_stream import TextStream


@contextmanager
def any_streams() -> Iterator[None]:
    """Let output be of any encoding, or nowhere.

    Standard error only tells, so nothing that happens to it ends a command. An error of standard
    output, such as a full disk, is one of the command.
    """
    before = sys.stdout, sys.stderr
    streams: Any = TextStream(sys.stdout), TextStream(sys.stderr, may_fail=False)
    sys.stdout, sys.stderr = streams
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
