"""Hard pictures: each ends in time and memory, with an answer in order or with a clear error.

Each is read in a process of its own, whose processor time and memory are measured. The bounds are
generous: on a machine of 2024, reading takes at most 4 s and 480 MB.
"""

import json
import subprocess
import sys

import pytest

from tests.reader.hard_pictures import KINDS

resource = pytest.importorskip("resource", reason="measures processes as Unix does")

pytestmark = pytest.mark.slow

_SECONDS = 12  # of the processor, beyond starting Python
_MEGABYTES = 600
_EXPLAINED = ("hundreds_of_dots", "halves", "a_page_of_print", "large_blots", "rings_in_rings")

_READ = """
import json, resource, sys, time
from numcnn.reader import PictureError, Reader

reader = Reader()
start = time.process_time()
try:
    reading = reader.read(sys.argv[1], max_seconds=600)
    told = {"reading": reading.as_dict()}
except PictureError as error:
    told = {"error": str(error)}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
told["seconds"] = time.process_time() - start
told["megabytes"] = peak / (1e6 if sys.platform == "darwin" else 1e3)
print(json.dumps(told))
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_hard_picture_is_read_in_time_and_memory(kind, tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(KINDS[kind]())
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(path)], capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["seconds"] < _SECONDS
    assert told["megabytes"] < _MEGABYTES
    if "error" in told:
        assert told["error"].startswith(f"{path}: ")
        assert "\n" not in told["error"]
    else:
        assert told["reading"]["lines"] or told["reading"]["rejected"]


@pytest.mark.parametrize("kind", _EXPLAINED)
def test_a_hard_picture_is_explained_in_time_and_memory(kind, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(KINDS[kind]())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "numcnn", "explain", str(path), "-o", str(tmp_path / "why.png")],
        capture_output=True,
        text=True,
        timeout=500,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < _SECONDS + 6  # to start Python and matplotlib, and to draw
