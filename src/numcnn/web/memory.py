"""The memory of a process that has worked on large pictures: what is free goes back to the system.

glibc's allocator keeps what was freed, for each thread anew, in pieces up to 32 MB: after some
thousand pictures a process holds several times what it uses.
"""

import contextlib
import ctypes

_trim = None
with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library
    _trim = ctypes.CDLL(None).malloc_trim


def trim() -> None:
    """Give back what is free; with another C library than glibc, do nothing. Takes milliseconds."""
    if _trim is not None:
        _trim(0)
