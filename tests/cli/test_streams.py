"""Odd streams, odd places and Ctrl-C: a command still does its work, or ends in a line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from numcnn.cli import main
from tests.cli.outcome import run_python

TRAIN = "-m numcnn train --recipe lenet5 --epochs 1 --out run"
WRITE_ONLY = """
import sys
class WriteOnly:
    written = ""
    def write(self, text):
        self.written += text
streams = WriteOnly(), WriteOnly()
sys.stdout, sys.stderr = streams
from numcnn.cli import main
try:
    main(sys.argv[1:])
finally:
    # Python itself flushes them at its end.
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    sys.stdout.write(streams[0].written)
    sys.stderr.write(streams[1].written)
"""
NONE = "import sys; sys.stdout = sys.stderr = None; from numcnn.cli import main; main(sys.argv[1:])"


@pytest.fixture
def cjk(here) -> Path:
    for name, shade in (("猫", 40), ("狗", 200)):
        (here / "pictures" / name).mkdir(parents=True)
        for number in range(4):
            image = Image.new("L", (8, 8), shade + number)
            image.save(here / "pictures" / name / f"{number}.png")
    return here / "pictures"


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell's words")
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&- <&-", "2>/dev/full"])
def test_a_training_does_not_need_its_streams(here, closed):
    done = subprocess.run(
        f"exec {sys.executable} {TRAIN} {closed}", shell=True, capture_output=True, timeout=120
    )
    assert done.returncode == 0
    assert json.loads((here / "run/metrics.json").read_text())["epochs"] == 1
    assert (here / "run/confusion.png").exists()


@pytest.mark.parametrize("code", [WRITE_ONLY, NONE], ids=["write only", "none"])
def test_streams_may_be_anything(here, code):
    outcome = run_python("-c", code, *TRAIN.split()[2:])
    assert outcome.status == 0
    assert (here / "run/metrics.json").exists()
    if code == WRITE_ONLY:
        assert outcome.out.startswith("test accuracy")
        assert outcome.err.startswith("epoch 1/1")


def test_the_streams_are_given_back(capsys):
    before = sys.stdout, sys.stderr
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_letters_that_the_output_lacks_are_escapes(numcnn, cjk, encoding):
    numcnn("train", cjk, "--epochs", 1, "--recipe", "lenet5", "--out", "run", "-q")
    words = "evaluate", "run", str(cjk)
    done = subprocess.run(
        [sys.executable, "-m", "numcnn", *words],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        timeout=120,
    )
    assert done.returncode == 0
    assert done.stderr == b""
    rows = done.stdout.decode(encoding)
    for name in ("猫", "狗"):
        assert (name if encoding == "utf-8" else name.encode("unicode_escape").decode()) in rows


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_ctrl_c_while_libraries_are_imported_is_a_line():
    code = """
import os, signal, sys
class Pressing:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy.linalg":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Pressing())
from numcnn.cli import main
main(["data", "list"])
"""
    outcome = run_python("-c", code)
    assert (outcome.status, outcome.out, outcome.err) == (130, "", "numcnn: stopped\n")


def test_after_the_imports_ctrl_c_is_an_exception_again():
    with pytest.raises(SystemExit):
        main(["--version"])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell's words")
def test_whoever_has_seen_enough_of_a_training_does_not_end_it(here):
    done = subprocess.run(
        f"{sys.executable} {TRAIN} 2>&1 >/dev/null | true", shell=True, timeout=120
    )
    assert done.returncode == 0
    assert (here / "run/metrics.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudoterminals")
@pytest.mark.parametrize(("term", "columns"), [("dumb", 80), ("xterm", 40), ("xterm", 1)])
def test_a_terminal_may_be_dumb_or_narrow(here, term, columns):
    import pty

    master, slave = pty.openpty()
    words = ["-m", "numcnn", "compare", "two-layer", "lenet5", "--epochs", "1", "--out", "run"]
    with subprocess.Popen(
        [sys.executable, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": term, "COLUMNS": str(columns)},
    ) as process:
        os.close(slave)
        shown = b""
        try:
            while block := os.read(master, 4096):
                shown += block
        except OSError:  # the end, on Linux
            pass
    os.close(master)
    assert process.returncode == 0
    assert b"Traceback" not in shown
    assert (here / "run/comparison.json").exists()
    if term == "dumb":
        assert b"left" in shown
        assert b"\x1b" not in shown
    if columns == 40:
        assert "…" not in shown.rpartition(b"Recipes on digits")[2].decode()


@pytest.mark.skipif(sys.platform != "linux", reason="the places of Linux")
def test_a_home_that_is_not_there_is_no_matter(here, numcnn):
    nowhere = {"HOME": "/nonexistent", "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""}
    outcome = run_python(*TRAIN.split(), **nowhere)
    assert outcome.status == 0
    assert (here / "run/confusion.png").exists()
    outcome = run_python("-m", "numcnn", "train", "mnist", **nowhere)
    assert outcome.status == 2
    assert "Errno" not in outcome.err
    assert outcome.err.startswith("numcnn: ")


def test_a_byte_order_mark_in_the_settings_is_passed_over(numcnn, here, model):
    content = (model.parent / "settings.json").read_text("utf-8")
    for encoding in ("utf-8-sig", "utf-16"):
        (here / "settings.json").write_text(content, encoding)
        out = f"run-{encoding}"
        assert numcnn("train", "--settings", "settings.json", "--out", out, "-q").status == 0
        assert (here / out / "model.safetensors").read_bytes() == model.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="closes files as a Unix shell does")
def test_closed_files_are_filled_for_started_processes_as_well():
    code = (
        "from numcnn.cli import _fill_closed_files; _fill_closed_files(); import subprocess, sys;"
        "child = 'import os; os.fstat(0); os.fstat(2)';"
        "print(subprocess.run([sys.executable, '-c', child]).returncode)"
    )
    command = ["sh", "-c", 'exec "$0" -c "$1" 2>&- <&-', sys.executable, code]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout == "0\n"
