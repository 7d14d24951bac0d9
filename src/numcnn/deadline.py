"""A deadline for the work on one picture, checked by the work itself.

A thread cannot be stopped from outside. So whoever wants an answer in time sets a deadline, and
every loop that may be long asks whether it has passed. The deadline belongs to the context
(`contextvars`): threads and tasks beside this one have their own, or none.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import final


@final
class DeadlineExceeded(Exception):  # noqa: N818 - gRPC, Django and Google's clients call it so
    """The work took longer than its deadline allows."""


_Deadline = tuple[float, float]  # when it passes, by the monotonic clock; how long it was, in s
_current: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let the work inside take at most this long, by the wall clock.

    Inside another deadline, the earlier of the two holds.

    Args:
        seconds: How long; infinity sets none.

    Raises:
        ValueError: ``seconds`` is negative or not a number.
        DeadlineExceeded: From inside, where `check_deadline` is called after that time.
    """
    if not seconds >= 0:
        raise ValueError(f"seconds is {seconds}; give 0 or more")
    ends = time.monotonic() + seconds
    outer = _current.get()
    token = _current.set((ends, seconds) if outer is None or ends < outer[0] else outer)
    try:
        yield
    finally:
        _current.reset(token)


def check_deadline() -> None:
    """Stop if the deadline has passed; do nothing if there is none.

    Raises:
        DeadlineExceeded: It has passed.
    """
    current = _current.get()
    if current is not None and time.monotonic() >= current[0]:
        raise DeadlineExceeded(f"stopped after {current[1]:g} s; the picture is too complicated")
