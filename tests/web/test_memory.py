import ctypes
import os
import subprocess
import sys

import pytest

FREED = """
import os, subprocess
from numcnn.web.memory import trim

def megabytes():
    words = ["ps", "-o", "rss=", "-p", str(os.getpid())]
    return int(subprocess.run(words, capture_output=True, check=True).stdout) / 1000

pieces = [bytearray(8000) for _ in range(20_000)]
last = [bytearray(8000) for _ in range(10)]
before = megabytes()
del pieces
trim()

print(before - megabytes())
"""


def test_what_is_free_goes_back_to_the_system():
    if not hasattr(ctypes.CDLL(None) if os.name == "posix" else None, "malloc_trim"):
        pytest.skip("another C library than glibc")
    words = [sys.executable, "-c", FREED]
    given = subprocess.run(words, capture_output=True, check=True, text=True).stdout
    assert float(given) > 100
