"""BLAS held to one thread: how it cuts a product over threads changes the product's last bits."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

from threadpoolctl import ThreadpoolController

from numcnn.engine.block import Block


@final
class _Library:
    """A BLAS library that is loaded.

    Attributes:
        path: Its file.
        name: What it is called, its version, and the processor whose code it runs.
        before: While it is held, how many threads it is to get back. Where the setting is each
            thread's own, by thread; else only under None.
    """

    def __init__(self, controller: Any) -> None:
        self.path = str(controller.filepath)
        found = controller.info()
        self.name = f"{found['internal_api']} {found.get('version')}"
        if found.get("architecture"):
            self.name += f" for {found['architecture']}"
        self.before: dict[int | None, int] = {}
        openmp = getattr(controller, "threading_layer", "") == "openmp"
        self._is_per_thread = openmp or found["internal_api"] == "mkl"
        self._controller = controller
        self._get: Callable[[], int] = controller.get_num_threads
        self._force: Callable[[int], object] | None = None
        if found["internal_api"] == "openblas" and not openmp:
            # From 3.8 on, threadpoolctl lets only one thread at a time change this setting, and
            # does nothing for the others. But it is the process's, and must be held for all.
            library = controller.dynlib
            for name in controller.check_symbols:
                setter = getattr(library, name.replace("_get_", "_set_"), None)
                if setter is not None and hasattr(library, name):
                    self._get, self._force = getattr(library, name), setter
                    break

    @property
    def scope(self) -> int | None:
        """Which entry of `before` is the calling thread's."""
        return threading.get_ident() if self._is_per_thread else None

    def get(self) -> int:
        """How many threads it may use now."""
        return self._get()

    def set(self, threads: int) -> None:
        """Let it use so many threads."""
        # This way first: if no other thread did so before, threadpoolctl will keep others off.
        self._controller.set_num_threads(threads)
        if self._force is not None and self._get() != threads:
            self._force(threads)

    def let_go(self) -> None:
        """Let other threads change the setting through threadpoolctl again."""
        clear = getattr(self._controller, "clear_controlling_thread", None)
        if clear is not None:
            clear()


# Reentrant: a hold that was abandoned is given back when Python collects it, at any moment.
_lock = threading.RLock()
_loaded: list[_Library] = []
_modules = 0
_holders: dict[int | None, int] = {}
"""The threads that hold the libraries, by the id of their hold."""

_raised = 0
"""How many times a library was found with more threads while it was held."""


def _libraries() -> list[_Library]:
    """The BLAS libraries that are loaded by now.

    Looking for them takes a millisecond. They come with modules, so it is done again only when
    there are others than last time.
    """
    global _loaded, _modules
    if _modules != (count := len(sys.modules)):
        known = {library.path: library for library in _loaded}
        controllers = ThreadpoolController().select(user_api="blas").lib_controllers
        _loaded = [
            known.get(str(controller.filepath)) or _Library(controller)
            for controller in controllers
        ]
        _modules = count
    return _loaded


def blas_kernels() -> str:
    """NumPy's BLAS library and which of its codes it runs here, as it names them itself."""
    with _lock:
        libraries = _libraries()
    # SciPy, for one, brings a library of its own. NumPy was loaded before it.
    own = [library for library in libraries if "numpy" in Path(library.path).parent.name]
    return next((library.name for library in [*own, *libraries]), "unknown to threadpoolctl")


@final
class BlasHold(Block):
    """A time in which BLAS works on one thread: what `one_blas_thread` gives."""

    def __init__(self) -> None:
        self._seen = 0

    def _start(self) -> None:
        with _lock:
            self._seen = _raised
            _holders[id(self)] = threading.get_ident()
            _hold()

    def __del__(self) -> None:
        # Ctrl-C can come before the first step of __exit__, which then does nothing.
        if id(self) in _holders:
            _give_back(id(self))

    def _end(self) -> None:
        _give_back(id(self))

    def renew(self) -> bool:
        """Hold the libraries again, if anybody has let them loose.

        Returns:
            Whether anybody had, since the beginning or the last time. Products that were computed
            in between may have other last bits.
        """
        with _lock:
            if id(self) not in _holders:
                return False
            _hold()
            before, self._seen = self._seen, _raised
        return self._seen != before


def one_blas_thread() -> BlasHold:
    """Hold the linear algebra library to one thread a caller, and give it back after.

    Its threads would fight with ours for the cores, and how it cuts a product over threads changes
    the product's last bits. The setting is the process's, so the last one out gives it back.
    """
    return BlasHold()


def _hold() -> None:
    """Set all libraries to one thread, and note what they are to get back: what was found last."""
    global _raised
    for library in _libraries():
        threads, scope = library.get(), library.scope
        if scope not in library.before:
            library.before[scope] = threads
        elif threads != 1:
            library.before[scope] = threads
            _raised += 1
        if threads != 1:
            library.set(1)


def _give_back(holder: int | None) -> None:
    """End a hold; if it was the last one, let the libraries use the threads that they had."""
    with _lock:
        _holders.pop(holder, None)
        mine = threading.get_ident() in _holders.values()
        for library in _loaded:
            scope = library.scope
            if mine or (scope is None and _holders):
                continue
            before = library.before.get(scope, 1)
            # Else somebody has changed it since; then it is theirs.
            if before != 1 and library.get() == 1:
                library.set(before)
            library.before.pop(scope, None)
        if not mine:
            for library in _loaded:
                library.let_go()


def _after_fork() -> None:
    """In a child, only the thread that forked is left; the others hold nothing any more."""
    global _lock, _holders
    _lock = threading.RLock()
    me = threading.get_ident()
    _holders = {hold: thread for hold, thread in _holders.items() if thread == me}
    for library in _loaded:
        library.before = {
            scope: threads for scope, threads in library.before.items() if scope in (None, me)
        }
    _give_back(None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
