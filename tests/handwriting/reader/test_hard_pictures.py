"""Hard pictures: each ends in time and memory, with an answer in order or with a clear error.

Each is read in a process of its own, whose processor time and memory are measured. The bounds are
generous: on a machine of 2024, reading takes at most 4 s and 480 MB.
"""

import json
import subprocess
import sys

import pytest

from tests.handwriting.reader.hard_pictures import KINDS

pytestmark = pytest.mark.slow

_SECONDS = 12  # of the processor, beyond starting Python
_MEGABYTES = 600
_EXPLAINED = ("hundreds_of_dots", "halves", "a_page_of_print", "large_blots", "rings_in_rings")

# What getrusage calls the most memory of a process begins with that of the process that started it.
_MEASURED = """
import json, sys, time
from pathlib import Path
from numcnn.handwriting.reader import PictureError, Reader, evidence

def peak():
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3

reader = Reader()
start = time.process_time()
try:
    told = work(reader, Path(sys.argv[1]))
except PictureError as error:
    told = {"error": str(error)}
print(json.dumps({"seconds": time.process_time() - start, "megabytes": peak(), **told}))
"""
_READ = """
def work(reader, path):
    return reader.read(path, max_seconds=600).as_dict()
"""
_EXPLAIN = """
def work(reader, path):
    from numcnn.plots.explanation import MOST_FINDINGS

    findings = reader.read(path, max_seconds=600).findings[:MOST_FINDINGS]
    return {"evidence": [evidence(reader.model_file.model, each.frame).shape for each in findings]}
"""


def measured(work, path):
    done = subprocess.run(
        [sys.executable, "-c", work + _MEASURED, str(path)],
        capture_output=True,
        text=True,
        timeout=550,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["seconds"] < _SECONDS
    assert told["megabytes"] is None or told["megabytes"] < _MEGABYTES
    return told


@pytest.mark.parametrize("kind", KINDS)
def test_a_hard_picture_is_read_in_time_and_memory(kind, tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(KINDS[kind]())
    told = measured(_READ, path)
    if "error" in told:
        assert told["error"].startswith(f"{path}: ")
        assert "\n" not in told["error"]
    else:
        assert told["lines"] or told["rejected"]


@pytest.mark.parametrize("kind", _EXPLAINED)
def test_a_hard_picture_is_explained_in_time_and_memory(kind, tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(KINDS[kind]())
    assert measured(_EXPLAIN, path)["evidence"]
