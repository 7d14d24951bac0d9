"""The memory of a process that has worked on large pictures: what is free goes back to the system.

glibc's allocator keeps what was freed, for each thread anew, in pieces up to 32 MB: after some
thousand pictures a process holds several times what it uses.
"""

import contextlib
import ctypes
import threading
import time
from typing import Any, final


@final
class Trimmer:
    """Gives free memory back, but not all the time."""

    def __init__(self, seconds: float = 5.0) -> None:
        """Take how long to wait from one time to the next."""
        self._seconds, self._next = seconds, 0.0
        self._lock = threading.Lock()
        self._trim: Any = None
        with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library
            self._trim = ctypes.CDLL(None).malloc_trim

    def trim(self) -> None:
        """Give back what is free, if that was not just done; any thread may ask for it."""
        with self._lock:
            now = time.monotonic()
            if self._trim is None or now < self._next:
                return
            self._next = now + self._seconds
        self._trim(0)
