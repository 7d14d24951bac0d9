"""Memory: what the allocator keeps after large pictures is returned to the operating system.

glibc's allocator keeps freed memory for reuse, separately for each thread and in blocks of up to
32 MB: after some thousand pictures a process would hold several times what it uses.
"""

import contextlib
import ctypes

_malloc_trim = None
with contextlib.suppress(AttributeError, OSError, TypeError):  # a C library other than glibc
    _malloc_trim = ctypes.CDLL(None).malloc_trim


def trim() -> None:
    """Return free memory to the system, in milliseconds; without glibc, do nothing."""
    if _malloc_trim is not None:
        _malloc_trim(0)
