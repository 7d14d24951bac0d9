"""What the server takes: time to read a drawn digit, requests a second, memory, many clients.

wrk sends a drawn digit over and over, as the page does::

    python benchmarks/serving.py                        # a minute; needs wrk
    python benchmarks/serving.py --requests 10000       # also the memory before and after
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageDraw

SCRIPT = """
local file = io.open("{path}", "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "image/png"
local counts = {{}}
local threads = {{}}
function setup(thread) table.insert(threads, thread) end
function init(args) statuses = {{}} end
function response(status) statuses[status] = (statuses[status] or 0) + 1 end
function done(summary, latency, requests)
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses")) do
      counts[status] = (counts[status] or 0) + count
    end
  end
  for status, count in pairs(counts) do print("status " .. status .. " " .. count) end
end
"""


def digit() -> bytes:
    """A 7 as the page sends it: 450 x 300, black on white."""
    image = Image.new("L", (450, 300), 255)
    line = [(170, 60), (280, 60), (210, 240)]
    ImageDraw.Draw(image).line(line, fill=0, width=15, joint="curve")
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


@contextmanager
def running(workers: int) -> Iterator[tuple[str, int]]:
    """The server's address and process, ready to answer."""
    words = [sys.executable, "-m", "numcnn", "serve", "--port", "0", "--workers", str(workers)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[3]
            urllib.request.urlopen(f"{url}/readyz").read()
            time.sleep(2 * workers)
            yield url, process.pid
        finally:
            process.terminate()
            process.wait(30)


def wrk(url: str, script: Path, connections: int, seconds: int) -> str:
    """Run wrk, and return what it prints."""
    words = ["wrk", "-t2" if connections > 1 else "-t1", f"-c{connections}", f"-d{seconds}s"]
    return subprocess.run(
        [*words, "--latency", "-s", str(script), f"{url}/api/v1/read"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def figures(told: str) -> str:
    """The figures that matter in wrk's words."""
    found = dict(re.findall(r"(50%|99%)\s+(\S+)", told))
    rate = re.search(r"Requests/sec:\s+(\S+)", told)
    statuses = ", ".join(f"{s}: {n}" for s, n in sorted(re.findall(r"status (\d+) (\d+)", told)))
    errors = re.search(r"Socket errors: (.*)", told)
    return (
        f"median {found['50%']}, 99% {found['99%']}, {rate and rate[1]} answers/s, "
        f"statuses {statuses}; errors: {errors[1] if errors else 'none'}"
    )


def memory(pid: int) -> float:
    """Resident memory of a process, in MB."""
    text = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1024


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=int, default=6, help="for each measurement")
    parser.add_argument("--requests", type=int, default=0, help="for the memory")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk is not installed; on Debian: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        picture, script = Path(folder) / "digit.png", Path(folder) / "digit.lua"
        picture.write_bytes(digit())
        script.write_text(SCRIPT.format(path=picture))
        for workers in () if options.requests else (1, 2):
            with running(workers) as (url, _):
                for connections in (1, 4, 64):
                    told = wrk(url, script, connections, options.seconds)
                    print(f"{workers} workers, {connections} clients: {figures(told)}", flush=True)
        if options.requests:
            with running(1) as (url, pid):
                wrk(url, script, 4, 3)
                print(f"memory after the start: {memory(pid):.1f} MB", flush=True)
                answered = 0
                while answered < options.requests:
                    told = wrk(url, script, 4, min(options.seconds, 20))
                    answered += sum(int(n) for _, n in re.findall(r"status (\d+) (\d+)", told))
                    print(f"memory after {answered} requests: {memory(pid):.1f} MB", flush=True)


if __name__ == "__main__":
    main()
