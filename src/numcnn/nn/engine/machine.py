"""What a plan has to know of the machine: cores, cache, and the library that multiplies."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from threadpoolctl import ThreadpoolController

_CACHE = 1 << 20
"""Bytes of a core's own cache where the system does not tell."""

_MOST_LANES = 8


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def lanes() -> int:
    """Into how many parts a batch is cut on this machine.

    Asked once: it decides how sums are cut, and so their last bits, and must not change while the
    process is tied to fewer cores.
    """
    return min(cores(), _MOST_LANES)


@cache
def core_cache() -> int:
    """Bytes of the largest cache that belongs to one core alone."""
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cache/index2/size").read_text("ascii").strip()
        return int(text.removesuffix("K")) * 1024
    except (OSError, ValueError):
        return _CACHE


@cache
def blas() -> ThreadpoolController:
    """The linear algebra library that is loaded, found once: the search takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")


def blas_kernels() -> str:
    """Which of its codes the library runs here, as it names them itself."""
    return ", ".join(
        f"{library.get('internal_api')} {library.get('version')} for {library.get('architecture')}"
        for library in blas().info()
    )


_held = threading.Lock()
_holders = 0
_limit: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold the linear algebra library to one thread a caller, and give it back after.

    Its threads would fight with ours for the cores, and how it cuts a product over threads changes
    the product's last bits. The setting is the process's, so the last one out gives it back.
    """
    global _holders, _limit
    with _held:
        if _holders == 0:
            _limit = blas().limit(limits=1)
            _limit.__enter__()
        _holders += 1
    try:
        yield
    finally:
        with _held:
            _holders -= 1
            if _holders == 0:
                _limit.__exit__(None, None, None)
                _limit = None
