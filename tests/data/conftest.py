"""What the tests of numcnn.data share: no way to the user's own files, the real data, a mirror."""

import http.server
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pooch
import pytest

from numcnn.data import Dataset

_HERE = Path(__file__).resolve()
_REAL_DATA = [
    Path(place)
    for place in (os.environ.get("NUMCNN_DATA"), _HERE.parents[2].parent / "shared" / "data")
    if place
]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep tests from the user's cache and settings; give the cache that they have instead."""
    monkeypatch.delenv("NUMCNN_DATA", raising=False)
    place = tmp_path / "cache"
    monkeypatch.setattr(pooch, "os_cache", lambda name: place / name)
    return place / "numcnn"


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Give the folder that has the real data set of this name in it, or skip the test."""

    def folder_with(name: str) -> Path:
        for place in _REAL_DATA:
            if (place / name).is_dir():
                return place
        pytest.skip(f"no real {name}: neither NUMCNN_DATA nor ../shared/data has it")

    return folder_with


@dataclass
class Mirror:
    """A web server on this machine, with the files that a test gives it.

    A file in ``cut_short`` breaks off in the middle. ``requests`` notes what was asked for.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cut_short: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    state = Mirror()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            state.requests.append(name)
            content = state.files.get(name)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            for header, value in state.headers.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if name in state.cut_short else content)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()
        thread.join()


@pytest.fixture
def make_dataset() -> Callable[..., Dataset]:
    """Make a data set of random pixels with the given number of images of each class."""

    def make(counts: list[int], shape: tuple[int, int, int] = (4, 5, 1)) -> Dataset:
        rng = np.random.default_rng(0)
        labels = rng.permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)
        images = rng.integers(0, 256, (len(labels), *shape), dtype=np.uint8)
        return Dataset(images, labels, tuple(f"class {k}" for k in range(len(counts))), "made")

    return make
